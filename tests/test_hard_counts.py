"""Counting the best alignments of many pairs together: as of each pair alone."""

import numpy as np
import pytest

from emnlp import IBM1, IBM2, Aligner, Bitext, Categorical, Fixed, HMMAligner, PooledJump
from emnlp.engines import Serial

MODELS = {
    "IBM1": IBM1,
    "IBM1-null": lambda **more: IBM1(null=Categorical(), **more),
    "IBM2": IBM2,
    "IBM2-null": lambda **more: IBM2(null=Fixed(0.1), **more),
    "HMMAligner": HMMAligner,
    "HMMAligner-pooled": lambda **more: HMMAligner(jump=PooledJump(), **more),
    "HMMAligner-table": lambda **more: HMMAligner(jump=Categorical(), null=Categorical(), **more),
    "Aligner-IBM2": lambda **more: Aligner(forward=IBM2(), reverse=IBM2(null=Fixed(0.1)), **more),
}


def text(n, longest):
    rng = np.random.default_rng(0)

    def words(size):
        return [str(word) for word in rng.zipf(1.3, size) % 500]

    return Bitext.from_pairs([tuple(map(words, rng.integers(1, longest, 2))) for _ in range(n)], max_length=200)


@pytest.mark.parametrize("name", MODELS)
def test_a_batch_counts_what_its_pairs_do(name):
    bitext = text(40, 130 if name == "HMMAligner-table" else 12)  # the table has no row for lengths above 100
    model = MODELS[name](max_iter=2).fit(bitext)
    theta, alone, together = model.theta(model.params_), model.index(bitext, 1), model.index(bitext)
    assert (len(alone), len(together) < 40) == (40, True)
    wanted, found = (Serial().count(model, theta, batches) for batches in (alone, together))
    assert wanted.keys() == found.keys()
    for key, array in wanted.items():
        assert array.sum() > 0
        np.testing.assert_array_equal(found[key], array)
