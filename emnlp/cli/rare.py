"""What commands that train say of the features that were too rare to learn from."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from emnlp.cli.arguments import say

if TYPE_CHECKING:
    from emnlp.model import Model


def say_dropped(args: argparse.Namespace, model: Model) -> None:
    """Say how many rare features were left out, if any were to be."""
    from emnlp.factors import Logistic

    for factor in model.factors_.values():
        if isinstance(factor, Logistic) and factor.min_count > 1:
            say(args, f"{factor.dropped:,} features seen fewer than {factor.min_count:,} times were dropped")
