"""Model: a product of named factors. It binds them to a corpus; its E-step is `expect`; all the rest is inherited."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from emnlp import modelfile
from emnlp.blocks import Array, Blocks
from emnlp.checkpoint import Checkpoint, marks
from emnlp.engines import engine
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.factors.base import Guarantee
from emnlp.factors.reasons import Reason
from emnlp.fitting import HeldOut
from emnlp.learners import EM, Chain, Learner, Step, Trace
from emnlp.product import Product
from emnlp.restarts import Search
from emnlp.support import Support

Callback = Callable[[int, Step], None]


@dataclass(kw_only=True, repr=False)
class Model(Product):
    """A product of named factors over a corpus.

    A model defines `supports`, `index`, `expect`, `posterior`, `decode` and `count`, and `prepare`
    with its adjoint `collect` where the kernels want another layout than the factors.

    Parameters
    ----------
    learner : Learner or sequence of Learner
        Several take turns, see `Chain`.
    max_iter : int
        The number of M-steps; the last parameters are scored too, so ``trace_`` has one entry more.
    tol : float
        Stop when the objective rises by less than this, in nats an item; 0 runs all of `max_iter`.
    n_jobs : int or None
        Threads; -1 is one a processor. The result has the same bits at any number.
    random_state : int or None
        Seed of a random start; None starts from a constant theta and draws nothing.
    n_init : int
        Random starts to run, of the seeds `random_state`, ``random_state + 1``, ...; the best by its objective is kept.
    n_probes : int
        Random starts to try for one M-step, of which the best `n_init` are run.
    verbose : int
        1 shows a progress bar on a terminal, and says which checkpoint a fit goes on from.

    Attributes
    ----------
    factors_ : dict of str to Factor
        The factors, bound to their supports.
    params_ : Blocks
    trace_ : Trace
        The objective after each M-step, and the reason to stop.
    prior_found_ : int
        How many entries of the prior, of two words each, the last fit found in its text; not saved.
    """

    learner: Learner = field(default_factory=EM)
    max_iter: int = 100
    tol: float = 0.0
    n_jobs: int | None = field(default=1, compare=False, metadata={"saved": False})
    random_state: int | None = None
    n_init: int = 1
    n_probes: int = 0
    verbose: int = field(default=0, compare=False, metadata={"saved": False})
    prior_found_: int = field(default=0, init=False, compare=False)

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {"learner": (Learner,)}

    guarantee: ClassVar[Guarantee] = "monotone"
    """What EM does to the penalised objective if the counts are this model's."""

    counts_climb: ClassVar[bool] = True
    """Whether the expected counts are the derivative of the objective by log theta."""

    keeps_local: ClassVar[bool] = False
    """Whether E-steps leave something in ``batch.local`` for the next one: then starts run one after the other."""

    kept: ClassVar[tuple[str, ...]] = ()
    """Fitted attributes (arrays, vocabularies, ints) that belong into a model file."""

    made: ClassVar[tuple[str, ...]] = ("_potentials",)
    """Attributes that are made of fitted ones when first needed, and kept for the next call."""

    def __post_init__(self) -> None:
        """Take several learners for a chain."""
        if isinstance(self.learner, list | tuple):
            self.learner = Chain(tuple(self.learner))
        super().__post_init__()

    # What a model defines

    def supports(self, corpus: Any) -> dict[str, Support]:
        """Return the support of each factor on a corpus; remembers what `index` will need of it."""
        raise NotImplementedError

    def index(self, corpus: Any, batch_size: int | None = None) -> Sequence[Any]:
        """Turn a corpus into batches of slots, once; they depend on the corpus and the settings alone.

        What an E-step leaves for the next one on the same batch, and no parameter tells, belongs into a dictionary
        ``batch.local``, of arrays and numbers: another start finds it empty, and checkpoints hold it.
        Such a model sets `keeps_local`.
        """
        raise NotImplementedError

    def prepare(self, theta: Blocks) -> Blocks:
        """Return the potentials: theta as the kernels read it. Once an E-step."""
        return theta

    def collect(self, counts: Blocks) -> Blocks:
        """Return the factors' counts from the potentials' counts: the adjoint of `prepare`. Once an E-step."""
        return counts

    def narrowed(self, batches: Sequence[Any]) -> tuple[Sequence[Any], dict[str, NDArray[np.int32]]]:
        """Return batches that know only of slots that they have, where that saves work, and these slots by block.

        `expect` takes such batches with theta of these slots, in this order, and adds counts of the same; blocks that
        are not named are whole. Only blocks of factors that make theta `by_row` can be named.
        """
        return batches, {}

    def expect(self, batch: Any, potentials: Blocks, counts: Blocks) -> float:
        """E-step: add the potentials' expected counts into `counts`; return log P(batch) in nats."""
        raise NotImplementedError

    def likelihood(self, batch: Any, potentials: Blocks) -> float:
        """Return log P(batch) in nats, without counts."""
        return self.expect(batch, potentials, potentials.zeros())

    def posterior(self, batch: Any, potentials: Blocks) -> Iterator[Array]:
        """Yield the posterior of each item."""
        raise NotImplementedError

    def decode(self, batch: Any, potentials: Blocks) -> Any:
        """Return the best latent structure of each item."""
        raise NotImplementedError

    def best(self, batch: Any, potentials: Blocks) -> Any:
        """Return the z of the highest P(x, z), as `count` takes it; `decode` may have another idea of the best."""
        return self.decode(batch, potentials)

    def shortened(self, theta: Blocks, words: float) -> Blocks:
        """Return theta for an E-step in which no item counts for more than so many words.

        Raises
        ------
        InputError
            If the model's items have no length of which its posterior could know.
        """
        kind = type(self).__name__
        raise InputError(f'AnnealedEM(by="length") is for mixtures of documents, not for a {kind}; use by="power"')

    def count(self, batch: Any, latent: Any, counts: Blocks) -> None:
        """Add ``#(t: c -> o | x, z)`` of each factor: the definition of the model."""
        raise NotImplementedError

    def pseudo_counts(self, prior: Any, corpus: Any) -> dict[str, Array]:
        """Return what a prior of the user's adds to the counts of some factors, which are bound; sets `prior_found_`.

        Raises
        ------
        InputError
            If the model takes no priors, or none of this kind.
        """
        raise InputError(f"prior: a {type(self).__name__} takes none")

    def corpus(self, data: Any, fitted: bool = False) -> Any:
        """Return `data` as the corpus that this model reads; `fitted`, in the form of the training text."""
        return data

    # The public face

    def fit(
        self,
        corpus: Any,
        *,
        start: Model | None = None,
        prior: Any = None,
        callback: Callback | None = None,
        held_out: Any = None,
        patience: int = 3,
        checkpoint: str | os.PathLike[str] | None = None,
        every: int = 1,
    ) -> Self:
        """Learn the parameters.

        Parameters
        ----------
        corpus
            What `corpus` accepts.
        start : Model, optional
            A fitted model: each factor that both models have, of the same kind, starts where it ended.
        prior : optional
            What the model's `pseudo_counts` accepts; aligners take `Priors`. The factors' first parameters, those of
            `start` aside, lean to it already.
        callback : callable, optional
            Called with the number of M-steps done and the `Step`.
        held_out : optional
            As `corpus`. After each M-step, `score` of this text goes into ``trace_.held_out`` and into the `Step`; the
            parameters that it is highest for are the ones kept, and of several starts the one it is highest for.
        patience : int
            Stop when `held_out` has not risen for so many M-steps.
        checkpoint : path-like, optional
            A file to go on from. If this process is killed at any moment, the same call goes on from the last
            checkpoint, and ends with the same bits as one that was never killed. Once the fit has ended, the file holds
            its result, and the same call returns it at once; delete it to train anew.
        every : int
            Write the checkpoint after so many M-steps.

        Returns
        -------
        self

        Raises
        ------
        InputError
            If the corpus has nothing to learn from, `start` or `prior` does not fit, or `checkpoint` is a file of
            another corpus, other settings or another version, or a damaged one.
        NumericalError
            If the objective becomes NaN or infinite, or falls where the learner and the factors declare that it cannot.
        """
        start = self._checked(start)
        corpus = self.corpus(corpus)
        self.bound(corpus)
        if prior is not None:
            pseudo = self.pseudo_counts(prior, corpus)
            factors = self.factors_.items()
            self._hold({name: each.informed(pseudo[name]) if name in pseudo else each for name, each in factors})
        batches = self.index(corpus, self.learner.batch_size)
        if not batches:
            raise InputError("nothing to learn from: no item of the corpus is usable")
        self.trace_ = Trace(n_items=sum(len(batch) for batch in batches))
        search = Search(self, corpus, batches, start, callback)
        if held_out is not None:
            search.held_out = HeldOut(self.corpus(held_out, fitted=True), patience)
        if checkpoint is not None:
            search.checkpoint = Checkpoint(checkpoint, every, marks(self, corpus, batches, start, search.held_out))
        del start  # the search lets go of it as soon as it can
        self._share(search.best())
        return self

    def probabilities(self) -> Blocks:
        """Return the fitted factors' normalised probabilities."""
        self.check_fitted()
        return Blocks({name: factor.probabilities(self.params_[name]) for name, factor in self.factors_.items()})

    def explain(
        self, factor: str, condition: str | None = None, outcome: str | None = None, n: int = 10
    ) -> list[Reason]:
        """Return the strongest features of a logistic factor: of a condition, or of a pair of condition and outcome.

        Parameters
        ----------
        factor : str
            Its name, such as ``emission`` or ``forward.lexical``.
        condition : str or None
            Such as a tag, or a source word; None is the one without a name.
        outcome : str, optional
            Such as a word. Without it, the features with the greatest weights for the condition are returned.
        n : int

        Raises
        ------
        InputError
            If there is no such factor, condition or outcome, or the factor has no features.

        Examples
        --------
        >>> from emnlp import HMM, Logistic
        >>> from emnlp.features import Suffixes
        >>> from emnlp.corpus import Tagged
        >>> text = Tagged.from_sents([[("walks", "V"), ("home", "N")], [("talks", "V"), ("hut", "N")]])
        >>> model = HMM(2, emission=Logistic((Suffixes(1),), kappa=0.1), max_iter=5).fit(text)
        >>> model.explain("emission", "V", n=1)[0].feature
        'suffix=s'
        """
        self.check_fitted()
        if factor not in self.factors_:
            raise InputError(f"no factor is called {factor!r}; this model has {', '.join(self.factors_)}")
        return self.factors_[factor].explain(self.params_[factor], condition, outcome, n)

    def predict(self, corpus: Any) -> Any:
        """Return the best latent structure of each item."""
        raise NotImplementedError

    def predict_proba(self, corpus: Any) -> Any:
        """Return the posterior of each item."""
        raise NotImplementedError

    def score(self, corpus: Any) -> float:
        """Return the mean log-likelihood of an item, in nats, under the normalised probabilities."""
        self.check_fitted()
        batches = self.index(self.corpus(corpus, fitted=True))
        if not batches:
            raise InputError("nothing to score: no item of the corpus is usable")
        loglik = engine(self.n_jobs).likelihood(self, self.probabilities(), batches)
        return loglik / sum(len(batch) for batch in batches)

    def ready(self, data: Any, normalised: bool = False) -> tuple[Any, Blocks, Sequence[Any]]:
        """Return the corpus, the potentials and the batches for prediction; see `potentials`."""
        self.check_fitted()
        corpus = self.corpus(data, fitted=True)
        return corpus, self.potentials(normalised), self.index(corpus)

    def potentials(self, normalised: bool = False) -> Blocks:
        """Return the potentials of `params_`, prepared once; `normalised`, those of the factors' probabilities.

        Replace ``params_`` rather than writing into its arrays, or they stay as they were.
        """
        held = self.__dict__.get("_potentials")
        if held is None or held[0] is not self.params_ or held[1] is not self.factors_:
            made: dict[bool, Blocks] = {}
            held = self.__dict__["_potentials"] = (self.params_, self.factors_, made)
        made = held[2]
        if normalised not in made:
            made[normalised] = self.prepare(self.probabilities() if normalised else self.theta(self.params_))
        return made[normalised]

    def _forget(self) -> None:
        super()._forget()
        for name in self.made:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy or a pickle holds: not what can be made again."""
        return {name: value for name, value in self.__dict__.items() if name not in self.made}

    def check_fitted(self) -> None:
        """Raise `InputError` unless the model is fitted."""
        if not hasattr(self, "params_"):
            raise InputError(f"this {type(self).__name__} is not fitted yet; call fit first, or load a saved one")

    # How a fit goes

    def _checked(self, start: Model | None) -> Model | None:
        """Raise `InputError` if a fit would make no sense; return a start that this fit leaves alone."""
        if self.max_iter < 0:
            raise InputError(f"max_iter is {self.max_iter}; it counts M-steps and cannot be negative")
        if self.random_state is not None and self.random_state < 0:
            raise InputError(f"random_state is {self.random_state}; a seed is a whole number from 0")
        if self.n_init < 1 or self.n_probes < 0:
            raise InputError(f"n_init is {self.n_init} and n_probes {self.n_probes}; at least one start has to be run")
        if start is None:
            return None
        if not isinstance(start, Model):
            raise InputError(f"start: expected a fitted model, not {start!r}")
        start.check_fitted()
        return start.twin()  # it may be this model

    def bound(self, corpus: Any) -> None:
        """Bind the factors to a corpus; what an earlier fit learned is forgotten."""
        self._forget()
        self.prior_found_ = 0
        supports = self.supports(corpus)
        self._hold({name: factor.bind(supports[name]) for name, factor in self.unbound().items()})

    def first(self, corpus: Any, batches: Sequence[Any], rng: np.random.Generator | None) -> Blocks:
        """Return the first parameters: those that the factors start with."""
        return Blocks({name: factor.start(rng) for name, factor in self.factors_.items()})

    def inherit(self, start: Model, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Return the first parameters that a fitted model gives; here, those of equal factors on equal supports."""
        start.check_fitted()
        found = {
            name: start.params_[name]
            for name, factor in self.factors_.items()
            if start.factors_.get(name) == factor and start.params_[name].shape == arrays[name].shape
        }
        if not found:
            raise InputError(f"start: a {type(start).__name__} has no factor in common with this {type(self).__name__}")
        return found

    # Model files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model as one safetensors file.

        Raises
        ------
        InputError
            If the file cannot be written, or a part of the model is of a kind that cannot be saved.
        """
        self.check_fitted()
        modelfile.write(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read a fitted model.

        Raises
        ------
        InputError
            If the file is missing, truncated, foreign, or holds another kind of model.
        """
        model = modelfile.read(path, cls)
        assert isinstance(model, cls)
        return model

    def restore(self, factors: Mapping[str, Factor], params: Blocks, trace: Trace) -> None:
        """Become the fitted model that a file holds, after `recall`; ValueError if they do not fit."""
        self._hold(factors)
        self._share(params)
        self.trace_ = trace

    def recall(self, arrays: Mapping[str, Any], prefix: str = "") -> None:
        """Rebuild and check the attributes named in `kept`, from ``kept/{prefix}{name}``."""
        for name, model in self.models.items():
            if isinstance(model, Model):
                model.recall(arrays, f"{prefix}{name}.")


def load(path: str | os.PathLike[str]) -> Any:
    """Read a fitted model of any kind; see `Model.load`."""
    import emnlp.models  # noqa: F401 (a file names their classes)

    return Model.load(path)
