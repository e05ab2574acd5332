"""Word classes, as mkcls makes them: the exchange algorithm for the class bigram model."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray
from tqdm import tqdm

from emnlp.corpus.files import display_name, read_text, write_text
from emnlp.corpus.text import Text, Vocabulary
from emnlp.errors import InputError
from emnlp.inference import exchange

_MOST = 10_000  # classes: their tables take 32 bytes a pair
_LINE = re.compile(r"(.*)\t0*([0-9]{1,9})\r?")
_UNWRITABLE = re.compile("[\n\0\ud800-\udfff]|^\ufeff")

Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False, repr=False)
class WordClasses:
    """A class for every word type.

    Parameters
    ----------
    vocabulary : Vocabulary
    classes : (V,) int32
        The class of each word; -1 for a word that did not occur.
    trace : (n + 1,) float64
        The log-likelihood of the text, in nats, before the first and after each of the n sweeps of the exchange
        algorithm; it never falls. The last two are equal if the last sweep moved nothing: a local maximum. Empty for
        classes read from a file.
    frequencies : (V,) int64
        How often each word occurs; 0 for classes read from a file.

    Examples
    --------
    >>> classes = WordClasses(Vocabulary(["the", "house", "garden"]), np.array([0, 1, 1], np.int32))
    >>> classes.class_of("garden"), classes.class_of("tree"), classes.words(1), len(classes), classes.n_classes
    (1, -1, ['house', 'garden'], 3, 2)
    >>> classes.label(Text.from_tokens([["the", "tree"], ["garden"]]))
    array([ 0, -1,  1], dtype=int32)
    """

    vocabulary: Vocabulary
    classes: Ints
    trace: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    frequencies: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.frequencies):
            object.__setattr__(self, "frequencies", np.zeros(len(self.vocabulary), np.int64))
        if not len(self.vocabulary) == len(self.classes) == len(self.frequencies):
            sizes = f"{len(self.vocabulary)} words, {len(self.classes)} classes, {len(self.frequencies)} frequencies"
            raise InputError(f"{sizes}; give one of each for every word")

    @property
    def n_classes(self) -> int:
        """One more than the last class that has a word."""
        return int(self.classes.max(initial=-1)) + 1

    def __len__(self) -> int:
        """Return the number of words that have a class."""
        return int(np.count_nonzero(self.classes >= 0))

    def __repr__(self) -> str:
        return f"WordClasses({len(self):,} words, {self.n_classes:,} classes)"

    def class_of(self, word: str) -> int:
        """Return the class of a word, -1 if it is unknown."""
        n = self.vocabulary.id(word)
        return int(self.classes[n]) if n >= 0 else -1

    def label(self, text: Text) -> Ints:
        """Return the class of each token of a text, (N,); -1 for an unknown word."""
        ids = self.vocabulary.ids(text.vocabulary.words)
        found: Ints = np.append(self.classes, np.int32(-1))[ids][text.ids]
        return found

    def words(self, k: int) -> list[str]:
        """Return the words of a class by falling frequency."""
        return [self.vocabulary.words[n] for n in self._sorted(np.flatnonzero(self.classes == k))]

    def _sorted(self, ids: NDArray[np.int64]) -> list[int]:
        order: list[int] = ids[np.argsort(-self.frequencies[ids], kind="stable")].tolist()
        return order

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write lines ``word TAB class`` by falling frequency, the layout of mkcls; compressed by the suffix.

        Raises
        ------
        InputError
            If the file cannot be written, or a word cannot stand in it.
        """
        words, order = self.vocabulary.words, self._sorted(np.flatnonzero(self.classes >= 0))
        for n in order:
            if _UNWRITABLE.search(words[n]):
                raise InputError(
                    f"{display_name(path)}: a line cannot hold the word {words[n]!r}; clean the text first"
                )
        with write_text(path) as stream:
            stream.writelines(f"{words[n]}\t{self.classes[n]}\n" for n in order)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> WordClasses:
        """Read lines ``word TAB class``, as `write` and mkcls write them; the numbers of the classes stay as they are.

        Raises
        ------
        InputError
            If the file cannot be read or is empty, or a line has no class or a word that has one already.
        """
        name = display_name(path)
        found: dict[str, int] = {}
        for n, line in enumerate(read_text(path).removesuffix("\n").split("\n"), 1):
            match = _LINE.fullmatch(line)
            if match is None:
                raise InputError(f"{name}:{n}: expected a word, a tab and the number of its class, not {line[:80]!r}")
            if match[1] in found:
                raise InputError(
                    f"{name}:{n}: {match[1]!r} is in class {found[match[1]]} already; keep one line a word"
                )
            found[match[1]] = int(match[2])
        return cls(Vocabulary(list(found)), np.array(list(found.values()), np.int32))


def word_classes(
    text: Text,
    n_classes: int,
    *,
    max_iter: int = 20,
    min_count: int = 1,
    seed: int = 0,
    n_init: int = 1,
    init: str = "frequency",
    annealing: int = 20,
    heat: float = 4.0,
    verbose: int = 0,
) -> WordClasses:
    """Sort the words of a text into classes, so that the class bigram model makes the text most likely.

    The model is ``P(w_n | c_n) P(c_n | c_n-1)``, one class a word type; before and after each sentence stands a
    boundary in a class of its own. The exchange algorithm takes one word after another out of its class, in random
    order, and puts it where the log-likelihood is highest, until a sweep through all words moves none: a local maximum,
    as far as single words go. Some sweeps of simulated annealing before that are worth more than many starts.

    Parameters
    ----------
    text : Text
    n_classes : int
        As many as there are distinct words at most. A sweep takes time in proportion to `n_classes`.
    max_iter : int
        Sweeps of the exchange algorithm at most.
    min_count : int
        Words that occur less often stay in the last class until the others have settled; then they join in, for
        `max_iter` further sweeps at most.
    seed : int
        The same seed gives the same classes.
    n_init : int
        Runs with different random numbers; the one with the highest log-likelihood is kept.
    init : {"frequency", "random"}
        The ``n_classes - 1`` most frequent words start in a class each and the others share the last, or all words
        start in random classes.
    annealing : int
        Sweeps that draw a class from ``exp(gain / heat)``, and not yet the best one; 0 is the plain exchange algorithm.
    heat : float
        Nats; what annealing starts at. It cools down linearly.
    verbose : int
        1 shows progress on a terminal.

    Returns
    -------
    WordClasses
        Classes are numbered by falling number of tokens. `trace` starts after annealing.

    Raises
    ------
    InputError
        If the text has no words or fewer than classes, or an option makes no sense.

    References
    ----------
    Kneser & Ney (1993), "Improved Clustering Techniques for Class-Based Statistical Language Modelling"; Martin,
    Liermann & Ney (1998), "Algorithms for Bigram and Trigram Word Clustering"; Och (1999), "An Efficient Method for
    Determining Bilingual Word Classes".

    Examples
    --------
    >>> lines = ["the dog sleeps", "a dog barks", "the cat sleeps", "a cat barks", "the cat barks", "a dog sleeps"]
    >>> classes = word_classes(Text.from_tokens([line.split() for line in lines]), 3)
    >>> sorted(classes.words(k) for k in range(3))
    [['dog', 'cat'], ['sleeps', 'barks'], ['the', 'a']]
    """
    _check(n_classes=n_classes, max_iter=max_iter, min_count=min_count, seed=seed, n_init=n_init, annealing=annealing)
    if init not in ("frequency", "random"):
        raise InputError(f"init: {init!r} is not known; choose frequency or random")
    if not 0 < heat < np.inf:
        raise InputError(f"heat is {heat}; it has to be above 0; for no annealing, give annealing=0")
    if not isinstance(text, Text):
        raise InputError(f"expected a Text, such as Text.read reads from a file, not {type(text).__name__}")
    if not len(text.ids):
        raise InputError(f"{text.name}: no words in it; word classes need a text")
    bigrams = exchange.bigrams(text.starts, text.ids, len(text.vocabulary))
    frequencies = bigrams[1]
    words, common = np.flatnonzero(frequencies), np.flatnonzero(frequencies >= min_count)
    if n_classes > min(len(words), _MOST):
        most = f"{len(words):,} distinct words in it" if len(words) <= _MOST else f"{_MOST:,} are the most"
        raise InputError(f"{text.name}: {n_classes:,} classes, but {most}; ask for fewer")
    waves = [words] if len(common) == len(words) else [common, words]
    rng, heats = np.random.default_rng(seed), heat * np.arange(annealing, 0, -1) / max(1, annealing)
    runs, quiet = [], None if verbose else True
    with tqdm(total=n_init * (annealing + max_iter), desc="word classes", unit="sweep", disable=quiet) as bar:
        for _ in range(n_init):
            classes = _start(init, frequencies, min_count, n_classes, rng)
            trace = exchange.climb(bigrams, classes, waves, max_iter, heats, rng, bar.update)
            runs.append((trace, classes))
    trace, classes = max(runs, key=lambda run: run[0][-1])
    return WordClasses(text.vocabulary, _numbered(classes[:-1], frequencies), np.array(trace), frequencies)


def log_likelihood(text: Text, classes: ArrayLike) -> float:
    """Return the log-likelihood of a text under the class bigram model with the best parameters for it, in nats.

    All events count, the words given their classes, the classes given the class before, and the end of each sentence.

    Parameters
    ----------
    text : Text
    classes : (V,) int
        The class of each word of the text's vocabulary.

    Raises
    ------
    InputError
        If a word of the text has no class.

    Examples
    --------
    >>> text = Text.from_tokens([["a", "b"], ["b", "a"]])
    >>> round(log_likelihood(text, [0, 0]), 4), round(log_likelihood(text, [0, 1]), 4)
    (-5.5452, -4.1589)
    """
    classes = np.asarray(classes, np.int64)
    if classes.shape != (len(text.vocabulary),) or (classes[text.ids] < 0).any():
        raise InputError(f"{text.name}: give every one of its {len(text.vocabulary):,} words a class")
    found, classes = np.unique(classes, return_inverse=True)
    if len(found) > _MOST:
        raise InputError(f"{len(found):,} classes, but {_MOST:,} are the most")
    stream = exchange.with_boundaries(text.starts, text.ids, len(classes))
    return float(exchange.log_likelihood(exchange.class_bigrams(stream, classes, len(found)), np.bincount(text.ids)))


def _check(**options: int) -> None:
    for option, value in options.items():
        least = int(option in ("n_classes", "min_count", "n_init"))
        if not isinstance(value, int | np.integer) or value < least:
            raise InputError(f"{option} is {value!r}; give a whole number from {least}")


def _start(init: str, frequencies: NDArray[np.int64], min_count: int, n_classes: int, rng: np.random.Generator) -> Ints:
    """Return the classes before the first sweep, with that of the boundary, (V + 1,)."""
    classes = np.full(len(frequencies) + 1, n_classes - 1, np.int32)
    classes[-1] = n_classes
    if init == "frequency":
        classes[np.argsort(-frequencies, kind="stable")[: n_classes - 1]] = np.arange(n_classes - 1)
        return classes
    words = rng.permutation(np.flatnonzero(frequencies >= min_count))
    classes[words] = rng.integers(n_classes, size=len(words))
    classes[words[:n_classes]] = np.arange(min(len(words), n_classes))  # no class is empty
    return classes


def _numbered(classes: Ints, frequencies: NDArray[np.int64]) -> Ints:
    """Number classes by falling number of tokens; -1 for words that do not occur."""
    sizes = np.bincount(classes, frequencies)
    number = np.empty(len(sizes), np.int32)
    number[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.where(frequencies > 0, number[classes], np.int32(-1))
