"""Product: what models are made of. Named factors, bound to supports, and what is done with them part by part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from emnlp.blocks import Blocks
from emnlp.errors import InputError
from emnlp.factors import Factor
from emnlp.learners import Trace
from emnlp.storage import Saved
from emnlp.support import Support


@dataclass(kw_only=True, repr=False)
class Product(Saved):
    """A product of named factors.

    A field that is a `Factor` or a `Product` is a part; the blocks of a nested product have dotted names, such as
    ``forward.lexical``. The attributes that end in ``_`` are those of a fit.
    """

    kinds: ClassVar[dict[str, tuple[type, ...]]] = {}
    """The fields that have to be parts, and of which kinds."""

    factors_: dict[str, Factor] = field(init=False, compare=False)
    params_: Blocks = field(init=False, compare=False)
    trace_: Trace = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Check the parts: what is not a part would only be missed later."""
        for name, kinds in self.kinds.items():
            if not isinstance(getattr(self, name), kinds):
                wanted = " or ".join(kind.__name__ for kind in kinds)
                raise InputError(f"{type(self).__name__}({name}={getattr(self, name)!r}): expected a {wanted}")

    def __repr__(self) -> str:
        """Show what differs from the defaults."""
        changed = []
        for each in dataclasses.fields(self):
            if each.init:
                factory = each.default_factory
                default = each.default if factory is dataclasses.MISSING else factory()
                value = getattr(self, each.name)
                changed += [] if value == default else [f"{each.name}={value!r}"]
        return f"{type(self).__name__}({', '.join(changed)})"

    @property
    def parts(self) -> dict[str, Factor | Product]:
        """The fields that are factors or products."""
        fields = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.init}
        return {name: value for name, value in fields.items() if isinstance(value, Factor | Product)}

    @property
    def models(self) -> dict[str, Product]:
        """The fields that are products."""
        return {name: part for name, part in self.parts.items() if isinstance(part, Product)}

    def unbound(self) -> dict[str, Factor]:
        """Return all factors by dotted name, as the constructor got them."""
        factors: dict[str, Factor] = {}
        for name, part in self.parts.items():
            if isinstance(part, Factor):
                factors[name] = part
            else:
                factors |= {f"{name}.{key}": factor for key, factor in part.unbound().items()}
        return factors

    def theta(self, params: Blocks) -> Blocks:
        """Return what the E-step reads, factor by factor."""
        return Blocks({name: factor.theta(params[name]) for name, factor in self.factors_.items()})

    def tempered(self, theta: Blocks, power: float) -> Blocks:
        """Return what the E-step reads if P(x, z) is raised to a power, factor by factor."""
        return Blocks({name: factor.tempered(theta[name], power) for name, factor in self.factors_.items()})

    def expected_log_likelihood(self, counts: Blocks, params: Blocks) -> float:
        """Return ``counts . log theta``, the sum of the factors', in nats."""
        return sum(each.expected_log_likelihood(counts[name], params[name]) for name, each in self.factors_.items())

    def maximize(self, counts: Blocks, params: Blocks) -> Blocks:
        """M-step, factor by factor."""
        return Blocks({name: factor.maximize(counts[name], params[name]) for name, factor in self.factors_.items()})

    def gradient(self, counts: Blocks, params: Blocks, theta: Blocks) -> Blocks:
        """Return the derivative of ``counts . log theta + penalty`` by the parameters, factor by factor."""
        return Blocks({n: f.gradient(counts[n], params[n], theta[n]) for n, f in self.factors_.items()})

    def refresh(self, counts: Blocks, params: Blocks) -> None:
        """Begin a round: renew what the factors hold fixed within one."""
        self._hold({name: factor.refresh(counts[name], params[name]) for name, factor in self.factors_.items()})

    def penalty(self, params: Blocks) -> float:
        """Return the sum of the factors' penalties, in nats."""
        return sum(factor.penalty(params[name]) for name, factor in self.factors_.items())

    def regulariser(self, params: Blocks) -> float:
        """Return what the factors' regularisers of a round take off the objective, in nats."""
        return sum(factor.regulariser(params[name]) for name, factor in self.factors_.items())

    def rebuilt(self) -> dict[str, Any]:
        """Return the supports that the kept attributes determine: a model file does without them."""
        return {}

    def named(self, name: str, support: Support) -> Support:
        """Return a support that was read from a file with the names of its conditions and outcomes."""
        first, _, rest = name.partition(".")
        return self.models[first].named(rest, support) if rest else support

    def twin(self) -> Self:
        """Return a model with the same settings and fitted state, which another fit of this one leaves alone."""
        twin = copy(self)
        for name, model in self.models.items():
            setattr(twin, name, model.twin())
        return twin

    def _forget(self) -> None:
        """Drop the parameters of an earlier fit: they do not fit the new supports if this one fails."""
        for name in ("params_", "factors_", "trace_"):
            self.__dict__.pop(name, None)
        for model in self.models.values():
            model._forget()

    def _hold(self, factors: Mapping[str, Factor]) -> None:
        self.factors_ = dict(factors)
        for name, model in self.models.items():
            model._hold({key[len(name) + 1 :]: f for key, f in factors.items() if key.startswith(name + ".")})

    def _share(self, params: Blocks) -> None:
        self.params_ = params
        for name, model in self.models.items():
            model._share(params.part(name))
            model.trace_ = Trace(reason=f"a part of {type(self).__name__}, which has the trace")
