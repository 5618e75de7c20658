"""择优选取, merit (selection methods §5.5): points for quality, given blind, and points for price."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import Any

from bidding.methods.opening import amount_and_days
from bidding.methods.port import Bid, Exclusion, Method, Offer, Ranking, Room, Terms
from bidding.methods.values import has_keys, is_id, is_int, ratio, ratio_text, ratios


class Merit(Method):
    """The largest sum of price and quality points wins, of equals the lower amount."""

    name = "merit"
    own_terms = frozenset(
        {"criteria", "price_weight", "price_formula", "panel", "panel_drop_from", "quality_minimum", "shortlist"}
    )
    own_bid = frozenset({"scores", "credit"})

    def terms_fault(self, terms: Terms) -> str | None:
        """Check criteria, weights, the price formula, the panel, the minimum and the short-list."""
        own = terms.own
        if not _are_criteria(own["criteria"]):
            return "terms.criteria"
        most = sum(criterion["max"] for criterion in own["criteria"])
        if not is_int(own["price_weight"], 0, 100) or own["price_weight"] + most != 100:
            return "terms.weights"
        if not _is_formula(own["price_formula"]):
            return "terms.price_formula"
        if not is_int(own["panel"], 1, 99) or not _is_count(own["panel_drop_from"], 3):
            return "terms.panel"
        minimum = own["quality_minimum"]
        if minimum is not None and ((found := ratio(minimum)) is None or found > most):
            return "terms.quality_minimum"
        return None if _is_count(own["shortlist"], terms.min_competitors) else "terms.shortlist"

    def bids_fault(self, terms: Terms, bids: Sequence[Bid]) -> str | None:
        """Refuse a bid that takes part without all its scores, or without credit where that makes the short-list."""
        standing = [bid for bid in bids if not bid.void]
        if not all(_are_scores(terms.own, bid.own.get("scores")) for bid in standing):
            return "bids.scores"
        if terms.own["shortlist"] is not None and any(ratio(bid.own.get("credit")) is None for bid in standing):
            return "bids.credit"
        return None

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"amount": fen, "days": int}` of a bid whose quality reaches the minimum."""
        quality = _quality(terms.own, bid)
        minimum = terms.own["quality_minimum"]
        if minimum is not None and quality < Fraction(minimum):
            return "quality.below_minimum"
        found = amount_and_days(terms, bid)
        if isinstance(found, str):
            return found
        return Offer(found.bidder, found.amount, found.days, found.price, quality)

    def open(self, room: Room) -> Sequence[Offer | Exclusion]:
        """Open the short-listed bids: out are those whom enough others surpass in credit; equals of the last stay."""
        size = room.terms.own["shortlist"]
        if size is None:
            return super().open(room)
        credit = {bid.bidder: Fraction(bid.own["credit"]) for bid in room.sealed}
        ascending = sorted(credit.values())
        return [
            Exclusion(bid.bidder, "shortlist.credit")
            if len(ascending) - bisect_right(ascending, credit[bid.bidder]) >= size
            else self.opened(room.terms, bid)
            for bid in room.sealed
        ]

    def rank(self, room: Room, valid: Sequence[Offer]) -> Ranking | None:
        """Add price points, which depend on all valid amounts, and rank by the total."""
        own = room.terms.own
        base = _price_base(own, valid)
        return super().rank(room, [_totalled(offer, _price_points(own, offer.amount, base)) for offer in valid])

    def key(self, offer: Offer) -> tuple[Any, ...]:
        """Rank the larger total first, then the lower amount."""
        return (-offer.measure if isinstance(offer.measure, Fraction) else 0, offer.amount)

    def figures(self, room: Room, valid: Sequence[Offer]) -> Mapping[str, object]:
        """Publish the base of the price points."""
        return {"price_base": ratio_text(_price_base(room.terms.own, valid))}


def _are_criteria(value: Any) -> bool:
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        return False
    for raw in value:
        if not has_keys(raw, {"code", "max"}) or not is_id(raw["code"]) or not is_int(raw["max"], 1, 100):
            return False
    return len({raw["code"] for raw in value}) == len(value)


def _is_formula(value: object) -> bool:
    if has_keys(value, {"kind"}):
        return value["kind"] == "lowest_ratio"
    if not has_keys(value, {"kind", "up", "down"}) or value["kind"] != "mean_deviation":
        return False
    return ratio(value["up"]) is not None and ratio(value["down"]) is not None


def _is_count(value: object, least: int) -> bool:
    """Whether it is null or an int of at least that."""
    return value is None or (type(value) is int and value >= least)


def _are_scores(own: Mapping[str, Any], scores: object) -> bool:
    most = {criterion["code"]: criterion["max"] for criterion in own["criteria"]}
    if not has_keys(scores, most.keys()):
        return False
    return all(_is_panel(scores[code], own["panel"], most[code]) for code in most)


def _is_panel(value: object, panel: int, most: int) -> bool:
    """Whether there is one score, at most the criterion's, of each panellist."""
    if not isinstance(value, list) or len(value) != panel:
        return False
    given = ratios(value)
    return given is not None and all(p <= most * q for p, q in given)


def _quality(own: Mapping[str, Any], bid: Bid) -> Fraction:
    """Points for quality: a criterion's mean, without one highest and one lowest of a large panel, summed."""
    drops = own["panel_drop_from"] is not None and own["panel"] >= own["panel_drop_from"]
    total = Fraction(0)
    for scores in bid.own["scores"].values():
        given = ratios(scores) or []
        unit = lcm(*{q for _, q in given})
        counted = sorted([p * (unit // q) for p, q in given])
        if drops:
            counted = counted[1:-1]
        total += Fraction(sum(counted), unit * len(counted))
    return total


def _price_base(own: Mapping[str, Any], valid: Sequence[Offer]) -> Fraction:
    amounts = [offer.amount for offer in valid]
    if own["price_formula"]["kind"] == "lowest_ratio":
        return Fraction(min(amounts))
    return Fraction(sum(amounts), len(amounts))


def _price_points(own: Mapping[str, Any], amount: int, base: Fraction) -> Fraction:
    weight, formula = Fraction(own["price_weight"]), own["price_formula"]
    if formula["kind"] == "lowest_ratio":
        return weight * base / amount
    percent = 100 * (amount - base) / base
    slope = Fraction(formula["up"] if percent > 0 else formula["down"])
    return max(Fraction(0), weight - slope * abs(percent))


def _totalled(offer: Offer, price_points: Fraction) -> Offer:
    """The offer, whose measure was its quality, with the total as measure and both parts as detail."""
    quality = offer.measure if isinstance(offer.measure, Fraction) else Fraction(0)
    detail = {"price_points": ratio_text(price_points), "quality_points": ratio_text(quality)}
    return Offer(offer.bidder, offer.amount, offer.days, offer.price, quality + price_points, detail)
