"""How well a tagger tells the words of text that it was not trained on: perplexity, where unseen words are missing."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from emnlp.blocks import Blocks
from emnlp.engines import engine
from emnlp.errors import InputError

if TYPE_CHECKING:
    from emnlp.models.tagging import HMM


def perplexity(model: HMM, corpus: Any) -> float:
    """Return ``HMM.perplexity``: always in double precision, so that models of either `dtype` compare."""
    model.check_fitted()
    exact = copy(model)
    exact.dtype = "float64"
    corpus = exact.corpus(corpus, fitted=True)
    text = exact.cased(corpus.text)
    known = int((exact.vocabulary_.ids(text.vocabulary)[text.ids] >= 0).sum())
    if not known:
        raise InputError(f"{text.name}: no perplexity: none of its {len(text.ids):,} words is known to the model")
    potentials = exact.potentials(normalised=True)
    emission, scale = potentials["emission"].copy(), potentials["scale"].copy()
    emission[len(exact.vocabulary_) :], scale[len(exact.vocabulary_) :] = 1, 1  # every state tells an unseen word
    potentials = Blocks(dict(potentials) | {"emission": emission, "scale": scale})
    batches = exact.index(corpus)
    loglik = sum(engine(exact.n_jobs).map(lambda batch: exact.likelihood(batch, potentials), batches))
    return float(np.exp(min(-loglik / known, 700.0)))  # finite also where a word in thousands is known
