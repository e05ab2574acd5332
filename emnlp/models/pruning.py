"""A smaller lexicon in the middle of training: what is improbable by then is dropped, and never learned again."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Blocks
from emnlp.corpus.bitext import Bitext
from emnlp.corpus.pairs import Pairs
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.learners import EM
from emnlp.models.aligner import Aligner
from emnlp.models.lexicon import lexical_support

LEAST_LEFT = 0.1
"""Pruning that leaves a translation to a smaller share of the tokens of either side is refused."""


def split(chain: Sequence[Aligner], steps: int) -> tuple[list[Aligner], int]:
    """Cut a chain of unfitted aligners after so many M-steps in all; return it, and which aligner ends there.

    An aligner that is cut in two starts anew what its E-steps keep with batches: the duals of an `Agreement`.

    Raises
    ------
    InputError
        If no M-step would be left, or none would come before.

    Examples
    --------
    >>> [aligner.max_iter for aligner in split([Aligner(max_iter=2), Aligner(max_iter=6)], 4)[0]]
    [2, 2, 4]
    """
    total = sum(aligner.max_iter for aligner in chain)
    if not 0 < steps < total:
        raise InputError(f"the lexicon can be pruned after 1 to {total - 1} of {total} M-steps, not {steps}")
    whole: list[Aligner] = []
    for k, aligner in enumerate(chain):
        if steps <= aligner.max_iter:
            rest = aligner.twin()
            aligner.max_iter, rest.max_iter = steps, aligner.max_iter - steps
            if rest.max_iter:
                aligner.learner = EM(score_last=False)
            return [*whole, aligner, *([rest] if rest.max_iter else []), *chain[k + 1 :]], k
        steps -= aligner.max_iter
        whole.append(aligner)
    raise AssertionError("the steps are those of the chain")


def prune(aligner: Aligner, bitext: Bitext, least: float) -> int:
    """Drop the word pairs less probable than `least` in all directions, of a fitted aligner and of its training text.

    Both are changed in place: one pass over the slots of the text. What is left of a row is normalised again; a dropped
    pair reads `FLOOR`, as one that never occurred, and NULL's row is kept. A warning counts the words that have no
    translation left: NULL alone explains them.

    Returns
    -------
    int
        How many pairs were dropped.

    Raises
    ------
    InputError
        If the aligner was fitted to another text, or its lexicons are not tables, or if less than a tenth of the text
        would have a translation left; then nothing is changed.
    """
    wanted = np.zeros(len(bitext.pairs.conditions), bool)
    sides = {"forward": bitext, "reverse": bitext.reversed()}
    for name, model in aligner.directions.items():
        factor = model.factors_["lexical"]
        if not factor.by_slot:
            raise InputError(f"{factor!r} has features in place of a table: there is nothing to prune")
        if factor.support is not lexical_support(sides[name].pairs):
            raise InputError("prune the very bitext that the aligner was fitted to")
        wanted |= factor.probabilities(model.params_["lexical"])[len(model.target_vocabulary_) :] >= least
    _check(bitext.pairs, wanted, least)
    bitext.prune(wanted)
    factors, params = dict(aligner.factors_), dict(aligner.params_)
    sides = {"forward": bitext, "reverse": bitext.reversed()}
    for name, model in aligner.directions.items():
        key, rows = f"{name}.lexical", np.ones(len(model.target_vocabulary_), bool)
        kept = np.concatenate([rows, wanted])
        old: Factor = factors[key]
        pseudo = None if old.pseudo is None else old.pseudo[kept]
        factors[key] = replace(old, bound_to=lexical_support(sides[name].pairs), pseudo=pseudo)
        params[key] = factors[key].adopt(params[key][kept])
    aligner._hold(factors)
    aligner._share(Blocks(params))
    return int((~wanted).sum())


def _check(pairs: Pairs, wanted: NDArray[np.bool_], least: float) -> None:
    """Warn of words that lose all their pairs; refuse if next to none of the text keeps any."""
    losses, bare = {}, 0.0
    for side, text, words in (("source", pairs.source, pairs.conditions), ("target", pairs.target, pairs.outcomes)):
        before, after = (np.bincount(each, minlength=len(text.vocabulary)) > 0 for each in (words, words[wanted]))
        losses[f"of {before.sum():,} {side} words"] = int((before & ~after).sum())
        tokens = text.counts()
        bare = max(bare, tokens[~after].sum() / tokens.sum())
    if bare == 0:
        return
    dropped = f"{(~wanted).sum():,} of {len(wanted):,} word pairs are less probable than {least:g}"
    lost = " and ".join(f"{n:,} {what}" for what, n in losses.items())
    message = f"{dropped}; without them, {lost} have no translation left"
    if bare > 1 - LEAST_LEFT:
        raise InputError(f"{message}, {bare:.1%} of the text; choose a lower threshold, or prune after more M-steps")
    if any(losses.values()):
        warnings.warn(message, stacklevel=3)
