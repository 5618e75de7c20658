"""下浮率, discount rate (selection methods §5.2): the largest discount off a posted base wins."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from bidding.methods.opening import MALFORMED, days_fault
from bidding.methods.port import Bid, Method, Offer, Room, Terms
from bidding.methods.values import has_keys, is_days, is_fen, ratio


class DiscountRate(Method):
    """Rates in posted steps, within bounds of their own. The price is exact; the sum payable is rounded down."""

    name = "discount_rate"
    own_terms = frozenset({"base", "rate_step", "rate_min", "rate_max"})
    bounded = False

    def terms_fault(self, terms: Terms) -> str | None:
        """Check base, step and the bounds of the rate."""
        own = terms.own
        if not is_fen(own["base"]):
            return "terms.base"
        step = ratio(own["rate_step"])
        if step is None or not 0 < step < 1:
            return "terms.rate_step"
        return None if _sound(own["rate_min"], own["rate_max"]) else "terms.rates"

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"rate": ratio, "days": int}`; a rate off the steps is malformed."""
        content = bid.offer
        if not has_keys(content, {"rate", "days"}) or not is_days(days := content["days"]):
            return MALFORMED
        rate = ratio(content["rate"])
        step = ratio(terms.own["rate_step"])
        if rate is None or step is None or rate.numerator >= rate.denominator or not _is_multiple(rate, step):
            return MALFORMED
        fault = _rate_fault(terms.own, rate) or days_fault(terms, days)
        price = Fraction(terms.own["base"] * (rate.denominator - rate.numerator), rate.denominator)
        return fault or Offer(bid.bidder, price.numerator // price.denominator, days, price, measure=rate)

    def key(self, offer: Offer) -> tuple[Any, ...]:
        """Rank the larger rate first."""
        return (-Fraction(offer.measure or 0),)

    def figures(self, room: Room, valid: Sequence[Offer]) -> Mapping[str, object]:
        """Publish the base."""
        return {"base": room.terms.own["base"]}


def _is_multiple(rate: Fraction, step: Fraction) -> bool:
    return (rate.numerator * step.denominator) % (rate.denominator * step.numerator) == 0


def _limit(raw: object) -> tuple[Fraction, bool] | None:
    """A bound of the rate and whether it is inclusive; None when malformed."""
    if not has_keys(raw, {"ratio", "inclusive"}):
        return None
    rate, inclusive = ratio(raw["ratio"]), raw["inclusive"]
    return (rate, inclusive) if rate is not None and rate < 1 and isinstance(inclusive, bool) else None


def _sound(raw_least: object, raw_most: object) -> bool:
    least, most = _limit(raw_least), _limit(raw_most)
    if (raw_least is not None and least is None) or (raw_most is not None and most is None):
        return False
    if least is None or most is None:
        return True
    return least[0] < most[0] or (least[0] == most[0] and least[1] and most[1])


def _rate_fault(own: Mapping[str, Any], rate: Fraction) -> str | None:
    least, most = _limit(own["rate_min"]), _limit(own["rate_max"])
    if least and (rate < least[0] or (rate == least[0] and not least[1])):
        return "offer.rate_too_small"
    if most and (rate > most[0] or (rate == most[0] and not most[1])):
        return "offer.rate_too_large"
    return None
