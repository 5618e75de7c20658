"""综合竞价 in ProZorro's manner, multi-criteria with a live phase (selection methods §5.8).

Terms beyond price divide the amount by a coefficient; then the bidders, worst first, may lower their amounts over
some rounds. Two seeds: were there one, it would tell during the live phase whether matching is enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

from bidding.methods import draws
from bidding.methods.opening import MALFORMED, beyond, within
from bidding.methods.port import Bid, Method, Offer, Ranking, Room, Terms
from bidding.methods.values import has_keys, is_fen, is_hex32, is_id, is_int, ratio, ratio_text

MOST_WEIGHT = Fraction(3, 10)


@dataclass(frozen=True, slots=True)
class Phase:
    """The live phase: who had its turn when, what was refused, where the offers stand, whether turns were drawn."""

    turns: list[list[str]]
    refused: list[dict[str, object]]
    offers: list[Offer]
    drawn: bool


class MultiCriteria(Method):
    """The lowest normalised amount after the live phase wins, at its own amount."""

    name = "multi_criteria"
    own_terms = frozenset({"criteria", "rounds", "step"})
    own_bid = frozenset({"live"})

    def terms_fault(self, terms: Terms) -> str | None:
        """Check criteria, their weight together, rounds and step."""
        own = terms.own
        if not _are_criteria(own["criteria"]):
            return "terms.criteria"
        if _most(_texts(own)) > MOST_WEIGHT:
            return "terms.weights"
        if not is_int(own["rounds"], 1, 9):
            return "terms.rounds"
        return None if is_fen(own["step"]) else "terms.step"

    def seed_fits(self, terms: Terms, seed: object) -> bool:
        """Whether both seeds are there, each hex or null."""
        if not has_keys(seed, {"turn", "hex"}):
            return False
        return all(value is None or is_hex32(value) for value in seed.values())

    def bids_fault(self, terms: Terms, bids: Sequence[Bid]) -> str | None:
        """Refuse live entries that are not one a round."""
        rounds = terms.own["rounds"]
        sound = all(bid.void or _is_live(bid.own.get("live"), rounds) for bid in bids)
        return None if sound else "bids.live"

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"amount": fen, "choices": {code: option}, "days": int}`."""
        content = bid.offer
        if not has_keys(content, {"amount", "choices", "days"}):
            return MALFORMED
        coefficient = _coefficient_of(terms.own, content["choices"])
        if coefficient is None:
            return MALFORMED
        found = within(terms, bid.bidder, content["amount"], content["days"])
        if isinstance(found, str):
            return found
        detail = {"initial": found.amount, "coefficient": ratio_text(coefficient)}
        return Offer(found.bidder, found.amount, found.days, found.price, found.amount / coefficient, detail)

    def rank(self, room: Room, valid: Sequence[Offer]) -> Ranking | None:
        """Run the live phase, then rank by where it ended."""
        phase = _live(room, valid)
        ranking = super().rank(room, phase.offers) if phase else None
        if phase is None or ranking is None:
            return None
        figures = {"turns": phase.turns, "refused_moves": phase.refused}
        return replace(ranking, seed_needed=ranking.seed_needed or phase.drawn, figures=figures)


def _are_criteria(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        return False
    for raw in value:
        if not has_keys(raw, {"code", "options"}) or not is_id(raw["code"]) or not _are_options(raw["options"]):
            return False
    return len({raw["code"] for raw in value}) == len(value)


def _are_options(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    found = [option for text in value if (option := ratio(text)) is not None]
    return len(found) == len(value) == len(set(found))


@lru_cache(maxsize=256)
def _options(texts: tuple[str, ...]) -> frozenset[Fraction]:
    return frozenset(Fraction(text) for text in texts)


def _texts(own: Mapping[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(criterion["options"]) for criterion in own["criteria"])


@lru_cache(maxsize=256)
def _most(criteria: tuple[tuple[str, ...], ...]) -> Fraction:
    """The largest option of each criterion, summed."""
    return sum((max(_options(texts)) for texts in criteria), Fraction(0))


def _is_live(value: object, rounds: int) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and len(value) == rounds and all(x is None or type(x) is int for x in value)


def _coefficient_of(own: Mapping[str, Any], choices: object) -> Fraction | None:
    """What the amount is divided by; None unless every criterion has one of its options."""
    codes = [criterion["code"] for criterion in own["criteria"]]
    if not has_keys(choices, set(codes)):
        return None
    chosen = tuple(choices[code] for code in codes)
    return _coefficient(_texts(own), chosen) if all(isinstance(text, str) for text in chosen) else None


@lru_cache(maxsize=1024)
def _coefficient(criteria: tuple[tuple[str, ...], ...], chosen: tuple[str, ...]) -> Fraction | None:
    found = [ratio(text) for text in chosen]
    total = Fraction(0)
    for option, texts in zip(found, criteria, strict=True):
        if option is None or option not in _options(texts):
            return None
        total += option
    return 1 + total / (1 - _most(criteria))


def _live(room: Room, valid: Sequence[Offer]) -> Phase | None:
    """Play the rounds; None when turns are to be drawn and their seed is missing."""
    live = {bid.bidder: bid.own.get("live") for bid in room.sealed}
    seed = draws.seed_bytes(room.seed, "turn")
    phase = Phase([], [], list(valid), False)
    for number in range(room.terms.own["rounds"]):
        order = draws.order(
            phase.offers, key=lambda offer: (offer.measure,), name=lambda offer: offer.bidder, seed=seed
        )
        if order is None:
            return None
        worst_first = order.items[::-1]
        phase.turns.append([offer.bidder for offer in worst_first])
        offers = []
        for offer in worst_first:
            entries = live[offer.bidder]
            entry = entries[number] if entries else None
            code = None if entry is None else _refusal(room.terms, offer, entry)
            if code:
                phase.refused.append({"round": number + 1, "bidder": offer.bidder, "code": code})
            offers.append(offer if entry is None or code else _lowered(offer, entry))
        phase = replace(phase, offers=offers, drawn=phase.drawn or bool(order.ties))
    return phase


def _refusal(terms: Terms, offer: Offer, entry: int) -> str | None:
    if entry < 1 or beyond(terms.floor, entry, -1):
        return "below_floor"
    return "step" if entry > offer.amount - terms.own["step"] else None


def _lowered(offer: Offer, amount: int) -> Offer:
    coefficient = ratio(offer.detail["coefficient"]) or Fraction(1)
    return Offer(offer.bidder, amount, offer.days, amount, amount / coefficient, offer.detail)
