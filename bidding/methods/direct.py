"""直接选取, direct selection (selection methods §5.7): the one invited firm, with a published reason."""

from collections.abc import Mapping, Sequence

from bidding.methods.opening import amount_and_days
from bidding.methods.port import Bid, Method, Offer, Room, Terms
from bidding.methods.values import is_id, is_int, is_one_of

REASONS = frozenset({"below_threshold", "failed_twice", "urgent", "sole_source", "continuation"})


class Direct(Method):
    """One invited firm quotes within the bounds; any other is put aside unopened."""

    name = "direct"
    own_terms = frozenset({"invited", "reason", "objection_days"})
    tests_low = False
    most_competitors = 1

    def terms_fault(self, terms: Terms) -> str | None:
        """Check who is invited, why, and the days within which others may object."""
        own = terms.own
        if not is_id(own["invited"]):
            return "terms.invited"
        if not is_one_of(own["reason"], REASONS):
            return "terms.reason"
        return None if is_int(own["objection_days"], 1, 30) else "terms.objection_days"

    def bars(self, terms: Terms, bid: Bid) -> str | None:
        """Put aside whoever was not invited."""
        return None if bid.bidder == terms.own["invited"] else "direct.not_invited"

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"amount": fen, "days": int}`."""
        return amount_and_days(terms, bid)

    def figures(self, room: Room, valid: Sequence[Offer]) -> Mapping[str, object]:
        """Publish the reason."""
        return {"reason": room.terms.own["reason"]}
