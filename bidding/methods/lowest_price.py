"""竞价·最低价, lowest price (selection methods §5.1): the lowest amount, then fewer days, then the draw."""

from bidding.methods.opening import amount_and_days
from bidding.methods.port import Bid, Method, Offer, Terms


class LowestPrice(Method):
    """Sealed amounts within posted bounds; the measure is the amount."""

    name = "lowest_price"

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"amount": fen, "days": int}`."""
        return amount_and_days(terms, bid)
