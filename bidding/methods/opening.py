"""What methods share when they open an envelope (selection methods §4 step 4)."""

from bidding.methods.port import Bid, Bound, Offer, Terms
from bidding.methods.values import has_keys, is_days, is_fen

MALFORMED = "offer.malformed"


def bound_fault(terms: Terms, amount: int) -> str | None:
    """Code when an amount in fen is beyond a bound, or at one that is not inclusive."""
    if beyond(terms.floor, amount, -1):
        return "offer.below_floor"
    if beyond(terms.ceiling, amount, 1):
        return "offer.above_ceiling"
    return None


def beyond(bound: Bound | None, amount: int, side: int) -> bool:
    """Whether the amount lies on that side of the bound: -1 under it, 1 over it."""
    if bound is None:
        return False
    distance = (amount - bound.fen) * side
    return distance > 0 or (distance == 0 and not bound.inclusive)


def days_fault(terms: Terms, days: int) -> str | None:
    """Code when more working days are promised than the terms allow."""
    return "offer.above_days" if days > terms.days_max else None


def amount_and_days(terms: Terms, bid: Bid) -> Offer | str:
    """Read an offer of one amount in fen and working days: the offer, or the code of its first fault."""
    content = bid.offer
    if not has_keys(content, {"amount", "days"}):
        return MALFORMED
    return within(terms, bid.bidder, content["amount"], content["days"])


def within(terms: Terms, bidder: str, amount: object, days: object) -> Offer | str:
    """An offer of these two values when they are well formed and within the terms, else the code of the first fault."""
    if not is_fen(amount) or not is_days(days):
        return MALFORMED
    fault = bound_fault(terms, amount) or days_fault(terms, days)
    return fault or Offer(bidder, amount, days, price=amount, measure=amount)
