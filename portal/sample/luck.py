"""Draws that every part of the sample makes, each purpose with a generator of its own (sample_city.md)."""

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")
SEED = 20260630


def luck(seed: int, purpose: str) -> Random:
    """The generator of a purpose: a change in one leaves the others as they are."""
    return Random(f"{seed}:{purpose}")


def pick(rng: Random, items: Sequence[T], weight: Callable[[T], float]) -> T:
    """One of the items, by weight."""
    return rng.choices(items, [weight(item) for item in items])[0]


def log_normal(rng: Random, median: float, sigma: float) -> float:
    """A log-normal draw by its median."""
    return median * math.exp(rng.gauss(0.0, sigma))


def negative_binomial(rng: Random, successes: int, p: float) -> int:
    """Failures before so many successes."""
    failures = wins = 0
    while wins < successes:
        if rng.random() < p:
            wins += 1
        else:
            failures += 1
    return failures
