"""Mixtures over columns of labels, by the formula."""

import itertools

import numpy as np
import pytest

from emnlp import InputError
from emnlp.models.consensus import LabelMixture

LABELS = np.random.default_rng(3).integers(0, 3, size=(30, 4))
LABELS[:15] = LABELS[:15, :1]  # half of the items are agreed on


@pytest.mark.parametrize("evidence", [1.0, 0.5, 0.2])
def test_a_label_counts_for_its_evidence(evidence):
    model = LabelMixture(evidence=evidence, max_iter=5).fit(LABELS)
    prior = model.probabilities()["component"]
    tables = model.probabilities()["label"].reshape(4, 3, 3)  # column, label, component
    for row, found in zip(LABELS, model.predict_proba(LABELS)):
        joint = np.array([prior[k] * np.prod([tables[r, row[r], k] ** evidence for r in range(4)]) for k in range(3)])
        np.testing.assert_allclose(found, joint / joint.sum(), rtol=1e-9, atol=1e-12)
    assert (np.diff(model.trace_.objective) >= -1e-9).all()


def test_counts_are_the_derivative_whatever_the_evidence():
    model = LabelMixture(evidence=0.4, max_iter=2).fit(LABELS)
    theta, (batch,) = model.theta(model.params_), model.index(LABELS)
    counts = theta.zeros()
    model.expect(batch, theta, counts)
    for name, slot in itertools.product(theta, range(0, 36, 5)):
        if slot >= len(theta[name]):
            continue
        value = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[name][slot] *= np.exp(sign * 1e-6)
            value.append(model.likelihood(batch, moved))
        assert counts[name][slot] == pytest.approx((value[0] - value[1]) / 2e-6, rel=1e-5, abs=1e-6)


def test_less_evidence_is_less_certain():
    sure, vague = (LabelMixture(evidence=each).fit(LABELS).predict_proba(LABELS) for each in (1.0, 0.3))
    assert vague.max(axis=1).mean() < sure.max(axis=1).mean()
    for wrong in (0.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="evidence is"):
            LabelMixture(evidence=wrong)
