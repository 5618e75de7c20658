"""The words of a decision, and the port every selection method fits (selection methods §2, §4, §5).

A method is one file with one subclass of `Method`. The steps (deciding.py) ask it at fixed places; the defaults
are those of a sealed offer ranked by its measure, so a plain method says only how it reads an offer.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, TypeAlias

from bidding.methods import draws
from bidding.methods.values import has_keys, is_hex32

Outcome: TypeAlias = dict[str, Any]
"""What `decide` returns: a JSON object with all the keys of selection methods §4."""

NO_KEYS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bound:
    """A ceiling (最高限价) or floor (最低限价) in fen; `inclusive` says whether an offer may stand at it."""

    fen: int
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Abnormal:
    """From which part under the mean of the others, or under the next price, an offer is abnormally low."""

    mean: Fraction
    next: Fraction


@dataclass(frozen=True, slots=True)
class Terms:
    """The posted terms once checked; `own` holds the keys that only this method has, as checked JSON."""

    funding: str
    min_competitors: int
    days_max: int
    ceiling: Bound | None
    floor: Bound | None
    abnormal: Abnormal | None
    own: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bid:
    """One bidder's latest version. `offer` is whatever the envelope held: any JSON value, not yet read.

    `links` maps a kind of affiliation to its tokens; `own` has what only the method knows (scores, credit, live).
    """

    bidder: str
    offer: object
    links: Mapping[str, frozenset[str]]
    void: str | None
    own: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """A well-formed offer within all bounds.

    `amount` is the fen payable, `price` the exact price that the abnormal test uses (they differ only where a
    method rounds), `measure` the ranked quantity, or a digest where the draw ranks.
    """

    bidder: str
    amount: int
    days: int
    price: Fraction | int
    measure: Fraction | int | str | None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A bid that is out, and why; `partners` are (bidder, kinds) when it is out for an affiliation."""

    bidder: str
    code: str
    partners: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """All that is on the table at the opening: `sealed` are the bids that passed steps 1 and 2 of `everyone`."""

    terms: Terms
    seed: Mapping[str, Any] | None
    everyone: Sequence[Bid]
    sealed: Sequence[Bid]
    worked: dict[str, Any] = field(default_factory=dict, compare=False)
    """What a method has worked out in this room and asks for again; nobody else's."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Valid offers in order. `ties` are groups equal but for the draw; `dropped` left the order after opening."""

    offers: Sequence[Offer]
    ties: Sequence[Sequence[str]]
    seed_needed: bool
    figures: Mapping[str, object] = field(default_factory=dict)
    dropped: Sequence[Exclusion] = ()


class Method(ABC):
    """One selection method (选取方式): a subclass sets the facts below and overrides what it answers otherwise."""

    name: ClassVar[str]
    own_terms: ClassVar[frozenset[str]] = NO_KEYS
    own_bid: ClassVar[frozenset[str]] = NO_KEYS
    bounded: ClassVar[bool] = True
    """Whether the terms have `ceiling` and `floor`."""
    ceiling_required: ClassVar[bool] = False
    tests_low: ClassVar[bool] = True
    """Whether the terms have `abnormal`."""
    most_competitors: ClassVar[int] = 99
    """The largest `min_competitors` the terms may ask for."""

    def terms_fault(self, terms: Terms) -> str | None:
        """Code of the first fault among the method's own terms, in the order of §5; None when they are sound."""
        return None

    def seed_fits(self, terms: Terms, seed: object) -> bool:
        """Whether a seed that is not null has this method's shape."""
        return has_keys(seed, {"hex"}) and is_hex32(seed["hex"])

    def bids_fault(self, terms: Terms, bids: Sequence[Bid]) -> str | None:
        """Code of a fault in what the system itself adds to bids (sequence, scores, credit, live)."""
        return None

    def bars(self, terms: Terms, bid: Bid) -> str | None:
        """Code under which a bid that is not void is out in step 1."""
        return None

    @abstractmethod
    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Open one bid: its offer, or the code of the first fault in it. Must take any JSON value as an offer."""

    def open(self, room: Room) -> Sequence[Offer | Exclusion]:
        """Step 4: open every sealed bid. A method whose bids depend on each other overrides this, not `read` alone."""
        return [self.opened(room.terms, bid) for bid in room.sealed]

    def key(self, offer: Offer) -> tuple[Any, ...]:
        """What offers are ranked by, ascending, before days and the draw."""
        return (offer.measure,)

    def figures(self, room: Room, valid: Sequence[Offer]) -> Mapping[str, object]:
        """The method's figures as JSON, in the order of §5."""
        return {}

    def rank(self, room: Room, valid: Sequence[Offer]) -> Ranking | None:
        """Step 6: the order of the valid offers; None when a draw is needed and its seed is missing."""
        order = draws.order(
            valid,
            key=lambda offer: (*self.key(offer), offer.days),
            name=lambda offer: offer.bidder,
            seed=draws.seed_bytes(room.seed),
        )
        if order is None:
            return None
        ties = [[offer.bidder for offer in group] for group in order.ties]
        return Ranking(order.items, ties, bool(ties), self.figures(room, valid))

    def opened(self, terms: Terms, bid: Bid) -> Offer | Exclusion:
        """One bid read, a fault turned into its exclusion."""
        found = self.read(terms, bid)
        return Exclusion(bid.bidder, found) if isinstance(found, str) else found
