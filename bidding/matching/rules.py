"""Answers of invited firms (双向选择), which are no bids and promise nothing; and when saved searches are told of."""

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta

from market.errors import Refusal
from market.moments import BEIJING

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


# ── saved searches ──────────────────────────────────────────────────────────────────────────────────────────────

DIGESTS = ("instant", "daily", "off")
SAVED_MAX = 20
"""Searches that one person may keep."""
NAME_MAX = 60
DIGEST_AT = time(9)
"""When the daily digest is due, in Beijing."""


def digest_slot(now: datetime, worked: Callable[[date], bool]) -> datetime:
    """The last instant at or before `now` at which a daily digest was due: nine o'clock of a working day."""
    here = now.astimezone(BEIJING)
    day = here.date() if here.time() >= DIGEST_AT else here.date() - timedelta(days=1)
    while not worked(day):
        day -= timedelta(days=1)
    return datetime.combine(day, DIGEST_AT, BEIJING)


def fit_search(name: str, digest: str, others: Collection[str]) -> Refusal | None:
    """A search needs a name that none of the person's `others` has, and one of the rhythms."""
    if not name or len(name) > NAME_MAX or digest not in DIGESTS:
        return Refusal("search.shape", "name")
    if name in others:
        return Refusal("search.name", "name", {"name": name})
    if len(others) >= SAVED_MAX:
        return Refusal("search.many", values={"most": SAVED_MAX})
    return None
