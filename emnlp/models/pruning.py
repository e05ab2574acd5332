"""A smaller lexicon in the middle of training: what is improbable by then is dropped, and never learned again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from emnlp.blocks import Blocks
from emnlp.corpus.bitext import Bitext
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.learners import EM
from emnlp.models.aligner import Aligner
from emnlp.models.lexicon import lexical_support


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
    pair reads `FLOOR`, as one that never occurred, and NULL's row is kept.

    Returns
    -------
    int
        How many pairs were dropped.

    Raises
    ------
    InputError
        If the aligner was fitted to another text, or its lexicons are not tables.
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
