"""What taggers share: words and states, batches of sentences, and how predictions come back in their places."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emnlp.blocks import Array
from emnlp.corpus.tagged import Tagged
from emnlp.corpus.text import Text, Vocabulary
from emnlp.corpus.truecase import inner_counts, truecased
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.model import Model
from emnlp.models.sentences import Sentences, batches_of
from emnlp.support import Support

MOST_STATES = 10_000  # a table of transitions takes 8 bytes a pair


@dataclass(kw_only=True, repr=False)
class Tagger(Model):
    """A model in which each token of a sentence has one of K states.

    A subclass has factors over `states_` and `vocabulary_`, their supports in `rebuilt`, and the inference.
    """

    n_states: int | None = field(kw_only=False)
    truecase: bool = False

    kept: ClassVar[tuple[str, ...]] = ("vocabulary_", "states_", "frequencies_", "inner_", "lowercase_")
    vocabulary_: Vocabulary = field(init=False, repr=False, compare=False)
    states_: Vocabulary = field(init=False, repr=False, compare=False)
    frequencies_: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    inner_: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    lowercase_: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        n = self.n_states
        if n is not None and not (isinstance(n, int | np.integer) and 1 <= n <= MOST_STATES):
            raise InputError(f"{type(self).__name__}({n!r}): the number of states can be 1 to {MOST_STATES:,}, or None")

    def corpus(self, data: Any, fitted: bool = False) -> Tagged:
        """Accept a `Text`, a `Tagged`, or a list of token lists; a fitted model lower-cases tokens as it was trained.

        The tags of a `Tagged` are used: give its ``text`` to learn from words alone.
        """
        lowercase = fitted and bool(self.lowercase_)
        if isinstance(data, Iterable) and not isinstance(data, str | bytes | Text | Tagged):
            data = Text.from_tokens(data, lowercase=lowercase)
        if isinstance(data, Text):
            data = Tagged.untagged(data)
        if not isinstance(data, Tagged):
            raise InputError("expected a Text, a Tagged or a list of token lists; Text.read and Tagged.read read files")
        if fitted and lowercase != data.text.lowercase:
            raise InputError(f"the model was trained on text read with {lowercase=}; read this text so, too")
        return data

    def supports(self, corpus: Tagged) -> dict[str, Support]:  # noqa: D102
        text, tags = (truecased(corpus.text) if self.truecase else corpus.text).compact(), corpus.tagset.words
        n_states = self.n_states or len(tags)
        if not len(text.ids):
            raise InputError(f"{text.name}: nothing to learn from: there is no word in it")
        if not n_states:
            raise InputError("n_states=None is a state a tag, and the corpus has no tags; give the number of states")
        if len(tags) > n_states:
            raise InputError(f"the corpus has {len(tags)} tags, more than the {n_states} states; give more states")
        self.vocabulary_, self.lowercase_ = text.vocabulary, int(text.lowercase)
        self.frequencies_ = np.bincount(text.ids, minlength=len(text.vocabulary)).astype(np.int64)
        raw = corpus.text.vocabulary.ids(text.vocabulary)
        self.inner_ = np.where(raw >= 0, inner_counts(corpus.text)[raw], 0)
        taken = set(tags)
        numbers = (str(k) for k in range(n_states + len(tags)) if str(k) not in taken)
        self.states_ = Vocabulary([*tags, *(next(numbers) for _ in range(n_states - len(tags)))])
        return self.rebuilt()

    def index(self, corpus: Text | Tagged, batch_size: int | None = None) -> Sequence[Sentences]:
        """Return batches of about `batch_size` tokens; a sentence without words is in none."""
        corpus = corpus if isinstance(corpus, Tagged) else Tagged.untagged(corpus)
        corpus = replace(corpus, text=self.cased(corpus.text))
        known = self.vocabulary_.ids(corpus.text.vocabulary)
        unseen = known < 0
        known[unseen] = len(self.vocabulary_) + np.arange(unseen.sum())  # in the order of `unseen`
        masks, sets = corpus.under(self.states_).allowed()
        return batches_of(corpus.text.starts, known[corpus.text.ids], sets, masks, batch_size)

    def cased(self, text: Text) -> Text:
        """Return a text as the model reads it, truecased if it does so."""
        return truecased(text, self.vocabulary_, self.inner_) if self.truecase else text

    def unseen(self, corpus: Tagged) -> list[str]:
        """Return the words of a text that the vocabulary lacks, in its order."""
        words = self.cased(corpus.text).vocabulary
        return [words[k] for k in np.flatnonzero(self.vocabulary_.ids(words) < 0).tolist()]

    def predict(self, corpus: Any) -> list[list[int]]:
        """Return the states of each sentence, by `decoding`; one without words has none."""
        corpus, potentials, batches = self.ready(corpus)
        found = engine(self.n_jobs).map(lambda batch: batch.items(self.decode(batch, potentials)), batches)
        return [states.tolist() for states in self._in_place(corpus, batches, found, np.empty(0, np.int32))]

    def predict_proba(self, corpus: Any) -> list[Array]:
        """Return P(state | sentence) of each token, (L, K), of each sentence."""
        corpus, potentials, batches = self.ready(corpus)
        found = engine(self.n_jobs).map(lambda batch: list(self.posterior(batch, potentials)), batches)
        return self._in_place(corpus, batches, found, np.empty((0, len(self.states_))))

    def _in_place(self, corpus: Tagged, batches: Sequence[Sentences], found: Iterable[Any], none: Any) -> list[Any]:
        results: list[Any] = [none] * len(corpus.text)
        for batch, items in zip(batches, found):
            for line, item in zip(batch.lines.tolist(), items):
                results[line] = item
        return results

    def tag(self, corpus: Any) -> Tagged:
        """Return the text with the name of each token's state as its tag."""
        corpus = self.corpus(corpus, fitted=True)
        return Tagged.with_tags(corpus.text, self.predict(corpus), self.states_)

    # The model file

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:  # noqa: D102
        for name in ("vocabulary_", "states_"):
            key = f"kept/{prefix}{name}"
            setattr(self, name, Vocabulary.from_arrays(arrays[f"{key}.bytes"], arrays[f"{key}.offsets"]))
        self.frequencies_, self.inner_ = (arrays[f"kept/{prefix}{name}"] for name in ("frequencies_", "inner_"))
        self.lowercase_ = int(arrays[f"kept/{prefix}lowercase_"][0])
        if not len(self.vocabulary_) or self.n_states not in (None, len(set(self.states_))):
            raise ValueError("vocabulary_ or states_")
        for counts in (self.frequencies_, self.inner_):
            if counts.dtype != np.int64 or counts.shape != (len(self.vocabulary_),):
                raise ValueError("frequencies_ or inner_")
