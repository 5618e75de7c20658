"""Until when reviews are blind, and who may write one."""

from datetime import UTC, datetime, timedelta

import pytest

from ratings.reviews.rules import Scores, Side, blind_until, may_hide, may_reply, may_review, score_faults, shows_at

ACCEPTED = datetime(2026, 6, 1, 2, tzinfo=UTC)
UNTIL = datetime(2026, 6, 14, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("accepted", "until"),
    [
        ("2026-06-01T02:00", "2026-06-14T16:00"),
        ("2026-06-01T15:59", "2026-06-14T16:00"),
        ("2026-06-01T16:00", "2026-06-15T16:00"),
    ],
)
def test_the_blind_days_end_at_midnight_in_beijing(accepted: str, until: str) -> None:
    at = datetime.fromisoformat(accepted).replace(tzinfo=UTC)

    assert blind_until(at, 14) == datetime.fromisoformat(until).replace(tzinfo=UTC)


def test_a_review_is_given_from_acceptance_until_the_blind_days_are_over() -> None:
    last = UNTIL - timedelta(microseconds=1)
    codes = [
        no.code if no else None
        for no in (
            may_review(None, None, False, ACCEPTED), may_review(ACCEPTED, UNTIL, False, ACCEPTED),
            may_review(ACCEPTED, UNTIL, False, last), may_review(ACCEPTED, UNTIL, False, UNTIL),
            may_review(ACCEPTED, UNTIL, True, ACCEPTED), may_review(ACCEPTED, UNTIL, True, UNTIL),
        )
    ]  # fmt: skip

    assert codes == ["review.not_accepted", None, None, "review.late", "review.given", "review.given"]


def test_every_score_is_one_to_five() -> None:
    wrong = Scores(0, 6, True, "5", 3)  # type: ignore[arg-type]

    assert [no.field for no in score_faults(wrong)] == ["quality", "timeliness", "attitude", "fees"]
    assert score_faults(Scores(1, 5, 3, 2, 4)) == [] and Scores(1, 5, 3, 2, 4).total == 15


def test_what_shows_is_decided_by_time() -> None:
    assert shows_at(None, UNTIL) == UNTIL and shows_at(ACCEPTED, UNTIL) == ACCEPTED


def test_a_reply_and_a_moderation_need_a_review_that_shows_and_come_once() -> None:
    replies = (may_reply(False, False), may_reply(True, False), may_reply(True, True))
    assert [no.code if no else None for no in replies] == ["review.blind", None, "review.replied"]
    words = ((False, "x", False), (True, None, False), (True, "x", False), (True, "x", True))
    found = [may_hide(*three) for three in words]
    assert [no.code if no else None for no in found] == ["review.blind", "review.no_comment", None, "review.hidden"]


def test_the_other_side() -> None:
    assert Side.OWNER.other is Side.FIRM and Side.FIRM.other is Side.OWNER
