"""Who is awarded after some ranks were struck (selection methods §4, after the decision)."""

from bidding.methods.port import Outcome
from bidding.methods.values import has_keys, is_id, is_one_of

STRIKE_REASONS = frozenset(
    {"withdrew", "explanation_missing", "explanation_rejected", "disqualified", "contract_refused"}
)


def award(outcome: Outcome, struck: object) -> dict[str, object]:
    """The first in the outcome's ranking that is not struck, at its own amount and days.

    `struck` is a list of {bidder, reason}. Nothing is recomputed or redrawn and flags stay, so a next in order that
    is itself abnormally low explains too. Nobody left is `failed`, `exhausted`; an outcome without an award stays
    what it is; a malformed `struck` is `refused`, `award.struck`.
    """
    names = _names(struck)
    if names is None:
        return _nobody("refused", "award.struck")
    if outcome["status"] != "awarded":
        return _nobody(outcome["status"], outcome["code"])
    low = {entry["bidder"] for entry in outcome["abnormal"]}
    for place in outcome["ranking"]:
        bidder = place["bidder"]
        if bidder not in names:
            return {
                "status": "awarded",
                "code": None,
                "winner": bidder,
                "price": place["amount"],
                "days": place["days"],
                "rank": place["rank"],
                "needs_explanation": bidder in low,
            }
    return _nobody("failed", "exhausted")


def _names(struck: object) -> set[str] | None:
    if not isinstance(struck, list):
        return None
    names = set()
    for entry in struck:
        if not has_keys(entry, {"bidder", "reason"}) or not is_one_of(entry["reason"], STRIKE_REASONS):
            return None
        bidder = entry["bidder"]
        if not is_id(bidder):
            return None
        names.add(bidder)
    return names


def _nobody(status: str, code: str | None) -> dict[str, object]:
    return {
        "status": status,
        "code": code,
        "winner": None,
        "price": None,
        "days": None,
        "rank": None,
        "needs_explanation": False,
    }
