"""Draws anybody can repeat: commitment, seed, tie keys, percentage index (selection methods §3).

`‖ 00 ‖` after a fixed label keeps the uses of SHA-256 apart. A tie key depends on the seed and its own bidder
alone, so that an exclusion never reshuffles the others.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """Items in order, and the groups among them that only the draw could order."""

    items: list[T]
    ties: list[list[T]]


def _labelled(label: str, content: bytes) -> bytes:
    return sha256(f"taozhongjie/{label}/v1".encode() + b"\0" + content).digest()


def commitment(auction: str, bidders: Iterable[str]) -> bytes:
    """Commit to who stood at T, before anything is opened: 32 bytes over the auction's id and the ids, ascending."""
    lines = [auction, *sorted(bidders)]
    return _labelled("population", "".join(f"{line}\n" for line in lines).encode())


def envelope_values(nonces: Mapping[str, str | None]) -> list[str]:
    """The seed's values from envelopes: the nonces (64 hex digits) of those opened, by ascending bidder id.

    None stands for an envelope that was not opened; it gives no value.
    """
    return [nonce for _, nonce in sorted(nonces.items()) if nonce is not None]


def seed(committed: bytes, values: Iterable[str]) -> bytes:
    """The seed, 32 bytes, from the commitment and the entropy source's values in their posted order."""
    return _labelled("seed", committed + "/".join(values).encode())


def seed_bytes(value: Mapping[str, object] | None, key: str = "hex") -> bytes | None:
    """The bytes of a checked seed value; None when it has not been given."""
    text = value.get(key) if value is not None else None
    return bytes.fromhex(text) if isinstance(text, str) else None


def tie_key(drawn: bytes, bidder: str) -> bytes:
    """The key by which equals are ordered, ascending; `drawn` is the seed."""
    return _labelled("tie", drawn + bidder.encode())


def percent_index(drawn: bytes, size: int) -> int:
    """Which of `size` posted percentages, sorted ascending, the seed draws."""
    return int.from_bytes(_labelled("percent", drawn), "big") % size


def _swift(part: Any) -> Any:
    """A part of a key; a fraction behind its whole 2⁻⁶⁴ths, so that it is itself compared only where they are equal."""
    return ((part.numerator << 64) // part.denominator, part) if isinstance(part, Fraction) else part


_first = itemgetter(0)


def order(
    items: Sequence[T], *, key: Callable[[T], tuple[Any, ...]], name: Callable[[T], str], seed: bytes | None
) -> Order[T] | None:
    """Sort by `key`, equals by their tie key; None when there are equals and no seed.

    At one place of the keys stand fractions, or no fraction.
    """
    keyed = sorted(((tuple(map(_swift, key(item))), item) for item in items), key=_first)
    groups = [[item for _, item in group] for _, group in groupby(keyed, key=_first)]
    ties = [group for group in groups if len(group) > 1]
    if ties and seed is None:
        return None
    if seed is not None:
        drawn = seed
        for group in ties:
            group.sort(key=lambda item: tie_key(drawn, name(item)))
    return Order([item for group in groups for item in group], ties)
