"""Documents: bags of words, of which some have a label and a weight."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emnlp.blocks import Array
from emnlp.corpus import docfiles
from emnlp.corpus.files import display_name
from emnlp.corpus.text import Text, Vocabulary
from emnlp.errors import InputError

Ints = NDArray[np.int32]
MOST = 1e100
"""No count and no weight is above: sums of them stay numbers."""


@dataclass(frozen=True, eq=False, repr=False)
class Documents:
    """Bags of words: how often each document has each word, whatever their order.

    Parameters
    ----------
    vocabulary : Vocabulary
    starts : (N + 1,) int64
        The entries of document d are those from ``starts[d]`` up to ``starts[d + 1]``.
    ids : (M,) int32
        The word of each entry, ascending within a document.
    counts : (M,) float64
        How often the document has it, above 0.
    classes : Vocabulary
        Names of labels.
    labels : (N,) int32
        The class of each document; -1 is a document without a label.
    weights : (N,) float64, optional
        How many documents each stands for.
    name : str
        What messages call them, usually the file.

    Examples
    --------
    >>> documents = Documents.from_tokens([["goal", "match", "goal"], [], ["vote"]], labels=["sport", None, "politics"])
    >>> documents, documents.lengths
    (Documents(<tokens>: 3 documents, 4 tokens, 3 types, 2 classes), array([3., 0., 1.]))
    >>> documents.matrix.toarray().astype(int)
    array([[2, 1, 0],
           [0, 0, 0],
           [0, 0, 1]])
    """

    vocabulary: Vocabulary
    starts: NDArray[np.int64]
    ids: Ints
    counts: Array
    classes: Vocabulary
    labels: Ints
    weights: Array | None = None
    name: str = "<documents>"

    def __post_init__(self) -> None:
        if self.labels.shape != (len(self),):
            raise InputError(
                f"{self.name}: {len(self)} documents, but {len(self.labels)} labels; give each one, or None"
            )
        if len(self) and not -1 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise InputError(f"{self.name}: a label outside -1 .. {len(self.classes) - 1}; give more classes")

    @classmethod
    def read(
        cls,
        path: docfiles.Place,
        *,
        format: str | None = None,
        lowercase: bool = True,
        pattern: str | None = docfiles.WORDS,
    ) -> Documents:
        r"""Read documents; a blank line is an empty one that keeps its place.

        Parameters
        ----------
        path : path-like
            ``-`` is standard input; ``.gz .bz2 .xz .zst`` are decompressed.
        format : {"jsonl", "tsv", "plain", "folder"}, optional
            ``jsonl``: lines ``{"label": ..., "text": ...}``, the label not needed, ``"tokens": [...]`` as good as text,
            other keys ignored. ``tsv``: ``label<TAB>text``. ``plain``: a document a line. ``folder``: a file a
            document, the label being the sub-folder; by name of sub-folder and file, those without a label first.
            By default what the name says (.jsonl .json .ndjson; .tsv .tab), or a folder; ``plain`` otherwise.
        lowercase : bool
        pattern : str or None
            What a token of a text is, as a regular expression; None splits at white space. By default two or more
            letters, digits or ``_``, as scikit-learn's `CountVectorizer` has it: ``don't`` becomes ``don``.

        Raises
        ------
        InputError
            If it cannot be read or is not in that format; the message names the line.

        Examples
        --------
        >>> Documents.read("corpora/sample_documents/train.jsonl").pruned(min_df=2)
        Documents(corpora/sample_documents/train.jsonl: 60 documents, 1,609 tokens, 247 types, 4 classes)
        """
        found = docfiles.records(path, format)
        labels = [label for label, _ in found]
        return cls.from_tokens(docfiles.tokens(found, lowercase, pattern), labels, name=display_name(path))

    @classmethod
    def from_tokens(
        cls,
        documents: Iterable[Sequence[str]],
        labels: Sequence[str | None] | None = None,
        *,
        lowercase: bool = False,
        name: str = "<tokens>",
    ) -> Documents:
        """Build from token lists, and a label for each, None where it has none.

        Raises
        ------
        InputError
            If a document is a plain string, or a token is not one.
        """
        return cls.from_text(Text.from_tokens(documents, lowercase=lowercase, name=name), labels)

    @classmethod
    def from_text(cls, text: Text, labels: Sequence[str | None] | None = None) -> Documents:
        """Build from a text, a document a line."""
        keys = np.repeat(np.arange(len(text)), text.lengths) * np.int64(len(text.vocabulary)) + text.ids
        found, counts = np.unique(keys, return_counts=True)
        rows, ids = np.divmod(found, max(len(text.vocabulary), 1))
        starts = np.searchsorted(rows, np.arange(len(text) + 1))
        bag = cls(
            text.vocabulary, starts.astype(np.int64), ids.astype(np.int32), counts.astype(np.float64),
            Vocabulary([]), np.full(len(text), -1, np.int32), name=text.name,
        )  # fmt: skip
        return bag if labels is None else bag.labelled(labels)

    @classmethod
    def from_matrix(
        cls,
        matrix: Any,
        words: Sequence[str] | None = None,
        labels: Sequence[str | None] | None = None,
        *,
        name: str = "<matrix>",
    ) -> Documents:
        """Build from counts, (N, V): an array or a SciPy sparse matrix, such as a vectoriser makes.

        Parameters
        ----------
        matrix : array-like or sparse matrix
        words : sequence of str, optional
            The name of each column; its number by default.
        labels : sequence of str or None, optional

        Raises
        ------
        InputError
            If a count is negative or not finite, or the words do not fit the columns.

        Examples
        --------
        >>> Documents.from_matrix([[2, 0], [1, 3]], ["goal", "vote"]).counts
        array([2., 1., 3.])
        """
        from scipy import sparse

        try:
            rows = sparse.csr_array(matrix, dtype=np.float64, copy=True)
        except (TypeError, ValueError) as error:
            raise InputError(f"{name}: expected counts, (documents, words): {error}") from None
        if rows.ndim != 2:
            raise InputError(f"{name}: expected counts, (documents, words), not {rows.ndim} dimensions")
        rows.sum_duplicates()
        rows.eliminate_zeros()
        if not (np.abs(rows.data) <= MOST).all() or (rows.data < 0).any():
            raise InputError(
                f"{name}: a count is negative, above {MOST:g} or not a number; documents are counts of words"
            )
        named = [str(k) for k in range(rows.shape[1])] if words is None else list(words)
        if len(named) != rows.shape[1] or len(set(named)) < len(named):
            raise InputError(f"{name}: {rows.shape[1]} columns, but {len(set(named))} different words; name each once")
        bag = cls(
            Vocabulary(named), rows.indptr.astype(np.int64), rows.indices.astype(np.int32), rows.data,
            Vocabulary([]), np.full(rows.shape[0], -1, np.int32), name=name,
        )  # fmt: skip
        return bag if labels is None else bag.labelled(labels)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        sizes = f"{len(self):,} documents, {self.counts.sum():,.0f} tokens, {len(self.vocabulary):,} types"
        return f"Documents({self.name}: {sizes}{f', {len(self.classes)} classes' if len(self.classes) else ''})"

    def __getitem__(self, k: int) -> dict[str, float]:
        k = range(len(self))[k]
        here = slice(*self.starts[k : k + 2])
        return {
            self.vocabulary.words[n]: count for n, count in zip(self.ids[here].tolist(), self.counts[here].tolist())
        }

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The document of each entry, (M,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @cached_property
    def lengths(self) -> Array:
        """The number of tokens of each document, (N,)."""
        lengths: Array = np.bincount(self.rows, self.counts, len(self)).astype(np.float64)
        return lengths

    @cached_property
    def document_frequency(self) -> NDArray[np.int64]:
        """The number of documents that have each word, (V,)."""
        return np.bincount(self.ids, minlength=len(self.vocabulary))

    @property
    def matrix(self) -> Any:
        """The counts as a SciPy sparse array, (N, V), of the same memory."""
        from scipy import sparse

        fits = len(self.ids) <= np.iinfo(np.int32).max  # else SciPy would copy the ids, and scikit-learn refuse them
        starts = self.starts.astype(np.int32) if fits else self.starts
        return sparse.csr_array((self.counts, self.ids, starts), (len(self), len(self.vocabulary)))

    def select(self, documents: ArrayLike) -> Documents:
        """Return these documents, in this order, with the same vocabulary and classes."""
        chosen = np.arange(len(self))[np.asarray(documents)]
        sizes = np.diff(self.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        entries = np.repeat(self.starts[chosen] - starts[:-1], sizes) + np.arange(starts[-1])
        weights = None if self.weights is None else self.weights[chosen]
        return replace(
            self, starts=starts, ids=self.ids[entries], counts=self.counts[entries], labels=self.labels[chosen],
            weights=weights,
        )  # fmt: skip

    def within(self, vocabulary: Vocabulary) -> Documents:
        """Return the same documents without the words that a vocabulary lacks, numbered as it does."""
        if vocabulary is self.vocabulary:
            return self
        new = vocabulary.ids(self.vocabulary)
        ids, rows = new[self.ids], self.rows
        order = np.lexsort((ids, rows))
        order = order[ids[order] >= 0]
        starts = np.searchsorted(rows[order], np.arange(len(self) + 1)).astype(np.int64)
        return replace(self, vocabulary=vocabulary, starts=starts, ids=ids[order], counts=self.counts[order])

    def pruned(self, min_df: int = 1, max_df: float = 1.0, stop: Collection[str] = ()) -> Documents:
        """Return the same documents without rare and frequent words.

        Parameters
        ----------
        min_df : int
            A word has to be in so many documents.
        max_df : float
            It may be in this share of them.
        stop : collection of str
            Words to leave out anyway.

        Examples
        --------
        >>> documents = Documents.from_tokens([["a", "goal"], ["a", "vote"], ["goal"]])
        >>> documents.pruned(min_df=2, stop=["a"]).vocabulary.words
        ['goal']
        """
        df = self.document_frequency
        kept = (df >= max(min_df, 1)) & (df <= max_df * len(self))
        words = [self.vocabulary.words[k] for k in np.flatnonzero(kept).tolist()]
        unwanted = set(stop)
        return self.within(Vocabulary([word for word in words if word not in unwanted]))

    def labelled(self, labels: Sequence[str | None], classes: Sequence[str] | None = None) -> Documents:
        """Return the same documents with these labels; None is a document without one.

        Parameters
        ----------
        labels : sequence of str or None
        classes : sequence of str, optional
            The names that labels may have; by default those that occur, sorted.

        Raises
        ------
        InputError
            If there are not as many labels as documents, or one is not a class.
        """
        given = list(labels)
        if len(given) != len(self):
            raise InputError(f"{self.name}: {len(self)} documents, but {len(given)} labels; give each one, or None")
        names = sorted({str(each) for each in given if each is not None}) if classes is None else list(classes)
        index = {name: k for k, name in enumerate(names)}
        unknown = [each for each in given if each is not None and str(each) not in index]
        if unknown:
            raise InputError(f"{self.name}: the label {unknown[0]!r} is not one of the {len(names)} classes")
        ids = [-1 if each is None else index[str(each)] for each in given]
        return replace(self, classes=Vocabulary(names), labels=np.array(ids, np.int32))

    def hidden(self, documents: ArrayLike | None = None) -> Documents:
        """Return the same documents with the labels of these hidden, of all by default; the classes stay."""
        labels = self.labels.copy()
        labels[slice(None) if documents is None else np.asarray(documents)] = -1
        return replace(self, labels=labels)

    def weighted(self, weights: ArrayLike) -> Documents:
        """Return the same documents with weights: how many documents each stands for.

        Raises
        ------
        InputError
            If there are not as many weights as documents, or one is negative or not finite.
        """
        given = np.asarray(weights, np.float64)
        if given.shape != (len(self),) or not (np.abs(given) <= MOST).all() or (given < 0).any():
            raise InputError(f"{self.name}: expected {len(self)} weights, one a document, from 0 to {MOST:g}")
        return replace(self, weights=given)

    def names(self) -> list[str | None]:
        """Return the label of each document by name, None where it has none."""
        return [self.classes.words[k] if k >= 0 else None for k in self.labels.tolist()]
