"""Coherence of topics: whether the top words of a topic occur in the same documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from emnlp.blocks import Array
from emnlp.corpus.documents import Documents
from emnlp.errors import InputError

Topics = Sequence[Sequence[str]]


def umass(topics: Topics, documents: Documents, *, smoothing: float = 1.0) -> Array:
    """Return the UMass coherence of each topic, in nats: the mean over its pairs of words of

        log (D(w, v) + smoothing) / D(v),

    where v is the word that comes earlier in the topic, and D counts the documents that have a word, or both. At most
    about 0, which is best. Mimno et al. add the pairs up: for M words, that is M (M - 1) / 2 times as much. They
    count in the corpus that the topics were learned from.

    Parameters
    ----------
    topics : list of lists of str
        The top words of each topic, the most probable first, and as many of each if they are to be compared.
    documents : Documents
        The corpus to count in; a document counts as often as its weight says.
    smoothing : float
        Above 0, in documents; gensim has 1e-12 times their number.

    Returns
    -------
    (T,) float64

    Raises
    ------
    InputError
        If a topic has fewer than two words, or one twice; if no document has a word that others follow.

    References
    ----------
    Mimno, Wallach, Talley, Leenders & McCallum (2011), "Optimizing Semantic Coherence in Topic Models", EMNLP.

    Examples
    --------
    >>> documents = Documents.from_tokens([["goal", "match"], ["goal", "match"], ["vote"], ["vote", "goal"]])
    >>> umass([["goal", "match"], ["vote", "match"]], documents).round(4)
    array([ 0.    , -0.6931])
    """  # noqa: D400
    if not 0 < smoothing < np.inf:
        raise InputError(f"smoothing {smoothing}: give a number of documents above 0")
    scores = []
    for k, (words, together) in enumerate(_together(topics, documents)):
        alone = np.diagonal(together)
        absent = np.flatnonzero(alone[:-1] <= 0)
        if len(absent):
            word = f"topic {k}: no document of {documents.name} has {words[absent[0]]!r}"
            raise InputError(f"{word}; count in the documents that the topics come from, or use npmi")
        later, earlier = np.tril_indices(len(words), -1)
        scores.append(float(np.log((together[later, earlier] + smoothing) / alone[earlier]).mean()))
    return np.array(scores)


def npmi(topics: Topics, documents: Documents, *, smoothing: float = 0.0) -> Array:
    """Return the NPMI coherence of each topic, from -1 to 1: the mean over its pairs of words of

        log P(w, v) / (P(w) P(v)) / -log P(w, v),    P(w, v) = (D(w, v) + smoothing) / N,

    where D counts the documents that have a word, or both, out of N. Without smoothing, a pair that no document has
    is -1, the limit; so is, with it, a pair of which no document has one word. A pair that all documents have is 0:
    each word tells nothing about the other.

    Parameters
    ----------
    topics : list of lists of str
        The top words of each topic, in any order, and as many of each if they are to be compared.
    documents : Documents
        The corpus to count in, better not the one that the topics come from; a document counts as often as its
        weight says.
    smoothing : float
        At least 0, in documents; gensim has 1e-12 times their number.

    Returns
    -------
    (T,) float64

    Raises
    ------
    InputError
        If a topic has fewer than two words, or one twice; if there is no document.

    References
    ----------
    Lau, Newman & Baldwin (2014), "Machine Reading Tea Leaves: Automatically Evaluating Topic Coherence and Topic
    Model Quality", EACL; Bouma (2009), "Normalized (Pointwise) Mutual Information in Collocation Extraction", GSCL.

    Examples
    --------
    >>> documents = Documents.from_tokens([["goal", "match"], ["goal", "match"], ["vote"], ["vote", "goal"]])
    >>> npmi([["goal", "match"], ["vote", "match"]], documents).round(4)
    array([ 0.415, -1.   ])
    """  # noqa: D400
    if not 0 <= smoothing < np.inf:
        raise InputError(f"smoothing {smoothing}: give a number of documents, at least 0")
    total = float(len(documents) if documents.weights is None else documents.weights.sum())
    if not total > 0:
        raise InputError(f"{documents.name}: no document to count words in; give some, of weight above 0")
    scores = []
    for words, together in _together(topics, documents):
        later, earlier = np.tril_indices(len(words), -1)
        alone = np.diagonal(together) / total
        joint, apart = (together[later, earlier] + smoothing) / total, alone[later] * alone[earlier]
        known = (joint > 0) & (apart > 0)
        values = np.where(known, 0.0, -1.0)
        inside = known & (joint < 1)
        values[inside] = np.log(joint[inside] / apart[inside]) / -np.log(joint[inside])
        scores.append(float(values.mean()))
    return np.array(scores)


def _together(topics: Topics, documents: Documents) -> list[tuple[list[str], Array]]:
    """Return the words of each topic, and the (M, M) numbers of documents that have both of two words."""
    if isinstance(topics, str) or not isinstance(topics, Iterable):
        raise InputError(f"topics: expected lists of words, one a topic, not {topics!r}")
    columns = documents.matrix.tocsc()
    columns.data = np.ones_like(columns.data)
    weights = np.ones(len(documents)) if documents.weights is None else documents.weights
    found = []
    for k, topic in enumerate(topics):
        words = _words(topic, k)
        ids = documents.vocabulary.ids(words)
        known = np.flatnonzero(ids >= 0)
        presence = columns[:, ids[known]]
        together = np.zeros((len(words), len(words)))
        together[np.ix_(known, known)] = (presence.T @ presence.multiply(weights[:, None])).toarray()
        found.append((words, together))
    return found


def _words(topic: Sequence[str], k: int) -> list[str]:
    if isinstance(topic, str) or not isinstance(topic, Iterable):
        raise InputError(f"topic {k}: expected a list of words, not {topic!r}")
    words = list(topic)
    wrong = next((word for word in words if not isinstance(word, str)), None)
    if wrong is not None:
        raise InputError(f"topic {k}: {wrong!r} is not a word")
    if len(words) < 2 or len(set(words)) < len(words):
        raise InputError(f"topic {k}: {len(words)} words, {len(set(words))} different; give two or more, each once")
    return [str(word) for word in words]
