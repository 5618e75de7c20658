"""Answers of invited firms (双向选择): an answer is no bid and promises nothing."""

from datetime import datetime

from market.errors import Refusal

DECLINES = ("busy", "outside", "days", "price", "other")
"""Why a firm declines: no capacity, not its field, too little time, ceiling too low, another reason."""
NOTE_MAX = 200


def may_answer(stage: str, closes_at: datetime | None, now: datetime) -> Refusal | None:
    """An invitation is answered while bidding is open, and may be answered anew until then."""
    if stage != "open" or closes_at is None or now >= closes_at:
        return Refusal("invitation.closed")
    return None


def fit_answer(accept: bool, reason: str) -> Refusal | None:
    """Who declines says why, with a word of the list."""
    if not accept and reason not in DECLINES:
        return Refusal("invitation.reason", "reason")
    return None
