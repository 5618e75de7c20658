"""The weights of credit, shipped as package data with every version that was ever in force."""

import json
from datetime import datetime
from functools import cache
from importlib.resources import files

from ratings.credit.rules import Weights, in_force, parse_weights


@cache
def versions() -> tuple[Weights, ...]:
    """Every version, the oldest first."""
    document = json.loads(files("ratings.credit").joinpath("weights.json").read_text("utf-8"))
    return tuple(sorted(map(parse_weights, document["versions"]), key=lambda w: w.effective_on))


def weights_on(at: datetime) -> Weights:
    """The version in force on the day of `at`."""
    return in_force(versions(), at)
