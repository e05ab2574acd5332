"""A user's own features: plain functions, registered under a name that model files can hold."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from emnlp.errors import InputError
from emnlp.features.base import PairFeature, WordFeature
from emnlp.features.columns import Columns
from emnlp.features.sides import names_of
from emnlp.support import Support

Function = TypeVar("Function", bound=Callable[..., Any])

_FUNCTIONS: dict[str, tuple[Callable[..., Any], int]] = {}


def register(name: str) -> Callable[[Function], Function]:
    """Register a function of one word, for `Custom`, or of a source word and a target word, for `CustomPair`.

    It returns the value of its feature, several values, or None for nothing. It has to return the same each time.

    Raises
    ------
    InputError
        If it has not one or two arguments, or if another function has this name. The same function defined again, as
        in a notebook, takes the place of the first.

    Examples
    --------
    >>> @register("vowels")
    ... def vowels(word):
    ...     return str(sum(letter in "aeiou" for letter in word))
    >>> list(Custom("vowels").columns(["the", "house", None]).names)
    ['vowels=1', 'vowels=3']
    """

    def registered(function: Function) -> Function:
        known = _FUNCTIONS.get(name)
        if known is not None and _place(known[0]) != _place(function):
            raise InputError(
                f"a feature {name!r} is registered already, by {'.'.join(_place(known[0]))}; choose another name"
            )
        n = _arguments(function)
        if n not in (1, 2):
            raise InputError(f"feature {name!r}: expected a function of a word, or of a source word and a target word")
        _FUNCTIONS[name] = function, n
        return function

    return registered


@dataclass(frozen=True)
class Custom(WordFeature):
    """What a function says of a word; see `register`. A model file holds its name only.

    Raises
    ------
    InputError
        If there is no such function: import the module that registers it before you load a model with it.
    """

    name: str

    def __post_init__(self) -> None:
        _function(self.name, 1)

    def fires(self, word: str) -> Iterable[str]:  # noqa: D102
        return _values(self.name, _function(self.name, 1)(word), word)


@dataclass(frozen=True)
class CustomPair(PairFeature):
    """What a function says of two words; see `register`. It is called once a slot: slow, about a second a million.

    Examples
    --------
    >>> @register("initials")
    ... def initials(source, target):
    ...     return source[:1] + target[:1]
    >>> list(CustomPair("initials").columns(Support.dense(1, 3, (["house"], ["haus", None, "maus"]))).names)
    ['initials=hh', 'initials=hm']
    """

    name: str

    def __post_init__(self) -> None:
        _function(self.name, 2)

    def columns(self, support: Support) -> Columns:  # noqa: D102
        return Columns.of(self._rows(support, names_of(support, f"CustomPair({self.name!r})")))

    def _rows(
        self, support: Support, sides: tuple[Sequence[str | None], Sequence[str | None]]
    ) -> Iterator[Iterable[str]]:
        function = _function(self.name, 2)
        for c, o in zip(support.conditions.tolist(), support.outcomes.tolist()):
            one, other = sides[0][c], sides[1][o]
            if one is None or other is None:
                yield ()
            else:
                yield _values(self.name, function(one, other), (one, other))


def _arguments(function: Callable[..., Any]) -> int:
    """Return how many arguments a function has to be given; 0 if that is not known."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        arguments = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return 0
    return sum(each.default is inspect.Parameter.empty for each in arguments if each.kind in kinds)


def _place(function: Callable[..., Any]) -> tuple[str, str]:
    return str(getattr(function, "__module__", "?")), str(getattr(function, "__qualname__", function))


def _function(name: str, n: int) -> Callable[..., Any]:
    function, arguments = _FUNCTIONS.get(name, (None, 0))
    if function is None:
        of = "word" if n == 1 else "source_word, target_word"
        raise InputError(
            f"no function is registered as the feature {name!r}; before you use it, or load a model that does, import "
            f"the module that defines it: @emnlp.features.register({name!r}) above def {_python_name(name)}({of})"
        )
    if arguments != n:
        other = "Custom" if arguments == 1 else "CustomPair"
        raise InputError(f"the function of the feature {name!r} takes {arguments} words; use {other}({name!r})")
    return function


def _python_name(name: str) -> str:
    return name if name.isidentifier() else "f"


def _values(name: str, values: object, of: object) -> list[str]:
    """Return the columns of what a function returned."""
    if values is None:
        return []
    items = [values] if isinstance(values, str) else list(values) if isinstance(values, Iterable) else [values]
    for item in items:
        if not isinstance(item, str):
            raise InputError(
                f"the function of the feature {name!r} returned {values!r} for {of!r}; return a string, several "
                "strings, or None for nothing"
            )
    return [f"{name}={item}" for item in items]
