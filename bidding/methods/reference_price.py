"""最优价·均价法, reference price (selection methods §5.4): nearest to a drawn percentage of the average wins."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from bidding.methods import draws
from bidding.methods.opening import amount_and_days
from bidding.methods.port import Bid, Exclusion, Method, Offer, Ranking, Room, Terms
from bidding.methods.values import is_one_of, ratio, ratio_text

SIDES = frozenset({"any", "not_above", "not_below"})
EQUAL = frozenset({"below", "above", "draw"})


class ReferencePrice(Method):
    """Sealed amounts; the reference is the average, extremes perhaps dropped, times the percentage drawn."""

    name = "reference_price"
    own_terms = frozenset({"percents", "drop_from", "dropped_can_win", "side", "equal_distance"})

    def terms_fault(self, terms: Terms) -> str | None:
        """Check the percentages, the dropping, and which side of the reference comes first."""
        own = terms.own
        if not _are_percents(own["percents"]):
            return "terms.percents"
        drop_from = own["drop_from"]
        counted = drop_from is None or (type(drop_from) is int and drop_from >= 3)
        if not counted or not isinstance(own["dropped_can_win"], bool):
            return "terms.drop"
        if not is_one_of(own["side"], SIDES):
            return "terms.side"
        return None if is_one_of(own["equal_distance"], EQUAL) else "terms.equal_distance"

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"amount": fen, "days": int}`."""
        return amount_and_days(terms, bid)

    def rank(self, room: Room, valid: Sequence[Offer]) -> Ranking | None:
        """Draw the percentage, drop, average, and rank by distance."""
        own, seed = room.terms.own, draws.seed_bytes(room.seed)
        percents = sorted(Fraction(text) for text in own["percents"])
        dropped = _drop(valid, own["drop_from"], seed)
        if dropped is None or (seed is None and len(percents) > 1):
            return None
        extremes, drawn = dropped
        percent = percents[draws.percent_index(seed, len(percents))] if seed else percents[0]
        out = {offer.bidder for offer in extremes}
        rest = [offer for offer in valid if offer.bidder not in out]
        average = Fraction(sum(offer.amount for offer in rest), len(rest))
        reference = average * percent
        order = draws.order(
            [_placed(offer, reference) for offer in (valid if own["dropped_can_win"] else rest)],
            key=lambda offer: (*_key(own, offer), offer.days),
            name=lambda offer: offer.bidder,
            seed=seed,
        )
        if order is None:
            return None
        figures = {
            "percent": ratio_text(percent),
            "dropped": [offer.bidder for offer in extremes],
            "average": ratio_text(average),
            "reference": ratio_text(reference),
        }
        ties = [[offer.bidder for offer in group] for group in order.ties]
        needed = drawn or bool(ties) or len(percents) > 1
        return Ranking(order.items, ties, needed, figures, () if own["dropped_can_win"] else _excluded(extremes))


def _are_percents(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= 100:
        return False
    found = [percent for text in value if (percent := ratio(text)) is not None and 0 < percent <= Fraction(3, 2)]
    return len(found) == len(value) == len(set(found))


def _drop(valid: Sequence[Offer], drop_from: int | None, seed: bytes | None) -> tuple[list[Offer], bool] | None:
    """The lowest and the highest dropped, and whether that took a draw; None when its seed is missing."""
    if drop_from is None or len(valid) < drop_from:
        return [], False
    lowest = _extreme(valid, min(offer.amount for offer in valid))
    low = _last_drawn(lowest, seed)
    if low is None:
        return None
    rest = [offer for offer in valid if offer.bidder != low.bidder]
    highest = _extreme(rest, max(offer.amount for offer in rest))
    high = _last_drawn(highest, seed)
    return None if high is None else ([low, high], len(lowest) > 1 or len(highest) > 1)


def _extreme(offers: Sequence[Offer], amount: int) -> list[Offer]:
    """Those at the amount with the longest days."""
    equals = [offer for offer in offers if offer.amount == amount]
    longest = max(offer.days for offer in equals)
    return [offer for offer in equals if offer.days == longest]


def _last_drawn(equals: Sequence[Offer], seed: bytes | None) -> Offer | None:
    """The last of equals in tie-key order."""
    if len(equals) == 1:
        return equals[0]
    return None if seed is None else max(equals, key=lambda offer: draws.tie_key(seed, offer.bidder))


def _placed(offer: Offer, reference: Fraction) -> Offer:
    """The offer with its distance from the reference as measure, and its side."""
    side = "below" if offer.amount < reference else "above" if offer.amount > reference else "at"
    return replace(offer, measure=abs(offer.amount - reference), detail={"side": side})


def _key(own: Mapping[str, Any], offer: Offer) -> tuple[Any, ...]:
    """Wrong side last, then distance, then at equal distance the far side last."""
    side = offer.detail["side"]
    wrong = {"any": None, "not_above": "above", "not_below": "below"}[own["side"]]
    far = {"below": "above", "above": "below", "draw": None}[own["equal_distance"]]
    return side == wrong, offer.measure, side == far


def _excluded(extremes: Sequence[Offer]) -> list[Exclusion]:
    codes = ("reference.dropped_low", "reference.dropped_high")
    return [Exclusion(offer.bidder, code) for offer, code in zip(extremes, codes, strict=False)]
