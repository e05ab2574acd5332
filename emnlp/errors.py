"""The errors that a user's input can cause; each message names the place and says what to do next."""

from __future__ import annotations


class InputError(ValueError):
    """Something that the user gave cannot be used: a file, a line of it, or an option.

    The command line prints the message without a traceback and exits with status 1.

    Examples
    --------
    >>> raise InputError("the two sides differ in length")
    Traceback (most recent call last):
        ...
    emnlp.errors.InputError: the two sides differ in length
    """


class NumericalError(ArithmeticError):
    """A likelihood or a parameter became NaN or infinite, or fell where it must not."""
