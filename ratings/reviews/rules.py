"""Who may review whom, until when, and when a review shows (pure).

After acceptance each party may review the other once. Both stay blind until both are in, or until the blind days of
the city are over: they end at 00:00 in Beijing of the day that many days after the day of acceptance. From then on
nobody may review any more, so no review is ever written with the other one in sight.
"""

from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from market.errors import Refusal
from market.moments import BEIJING, beijing_day

COMMENT_MAX, REPLY_MAX, REASON_MAX = 1000, 1000, 500
LOW, HIGH = 1, 5


class Side(StrEnum):
    """Whose review it is: the author's side of the contract."""

    OWNER = "owner"
    FIRM = "firm"

    @property
    def other(self) -> "Side":
        """The side that is reviewed."""
        return Side.FIRM if self is Side.OWNER else Side.OWNER


@dataclass(frozen=True, slots=True)
class Scores:
    """Five scores of 1 (worst) to 5 (best): 质量, 时效, 态度, 收费, 守信."""

    quality: int
    timeliness: int
    attitude: int
    fees: int
    conduct: int

    @property
    def total(self) -> int:
        """Their sum, 5 to 25: exact where a mean would be rounded."""
        return sum(astuple(self))


DIMENSIONS = tuple(f.name for f in fields(Scores))
"""The names of the five scores, in the order they are asked."""


def blind_until(accepted_at: datetime, days: int) -> datetime:
    """When the blind days end: 00:00 in Beijing, `days` days after the day of acceptance; as UTC."""
    day = beijing_day(accepted_at) + timedelta(days=days)
    return datetime.combine(day, time(0), BEIJING).astimezone(UTC)


def shows_at(shown_at: datetime | None, blind_until: datetime) -> datetime:
    """From when a review is told. A predicate on time: no scheduler has to flip anything for it to hold."""
    return blind_until if shown_at is None else shown_at


def may_review(accepted_at: datetime | None, until: datetime | None, given: bool, now: datetime) -> Refusal | None:
    """Whether a party may review now. `until` is the end of the blind days; `given`: this side has reviewed."""
    if accepted_at is None or until is None:
        return Refusal("review.not_accepted")
    if given:
        return Refusal("review.given")
    if now >= until:
        return Refusal("review.late", values={"until": until})
    return None


def score_faults(scores: Scores) -> list[Refusal]:
    """A refusal at each score that is not 1 to 5."""
    wrong = (name for name, value in zip(DIMENSIONS, astuple(scores), strict=True) if not _is_score(value))
    return [Refusal("review.score", name, {"low": LOW, "high": HIGH}) for name in wrong]


def _is_score(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and LOW <= value <= HIGH


def may_reply(shown: bool, replied: bool) -> Refusal | None:
    """Whether the reviewed side may reply: once, after the review shows."""
    if not shown:
        return Refusal("review.blind")
    return Refusal("review.replied") if replied else None


def may_hide(shown: bool, comment: str | None, hidden: bool) -> Refusal | None:
    """Whether the words of a review may be hidden. Its scores stay: moderation is of language, not of opinion."""
    if not shown:
        return Refusal("review.blind")
    if comment is None:
        return Refusal("review.no_comment")
    return Refusal("review.hidden") if hidden else None
