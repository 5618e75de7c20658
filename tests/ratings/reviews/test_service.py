"""Reviews by the parties alone, blind until both are in or the day comes, never rewritten."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry
from market.audit.queries import feed
from market.audit.sequencer import place
from market.db import Database
from market.errors import Refused
from market.notices.models import Notice, Outbox
from ratings.credit.queries import credit_as_of, facts
from ratings.reviews import queries
from ratings.reviews.models import Review
from ratings.reviews.rules import Scores, Side
from ratings.reviews.service import give_review, hide, reply, show_due_next
from ratings.reviews.work import to_review
from tests.makers import T0, Party, make_firm, make_org, make_owner, make_person
from tests.makers_ratings import make_done, user_of

MINE, ITS = Scores(5, 4, 3, 2, 1), Scores(4, 4, 4, 4, 4)
CANARY = "金丝雀评语"
DUE = T0.replace(day=14, hour=16)
"""00:00 in Beijing of 15 June: fourteen days after acceptance at T0."""


@pytest.fixture
def parties(db: Database) -> dict[str, Any]:
    with db.write() as s:
        owner, firm, other = make_owner(s), make_firm(s), make_owner(s)
        done = make_done(s, owner, firm)
        office = make_org(s, kind="authority", is_owner=False)
        regulator = Party(office, make_person(s, office, office="regulator"))
        return {
            "owner": user_of(s, owner), "firm": user_of(s, firm), "stranger": user_of(s, other), "id": done.id,
            "code": done.code, "regulator": user_of(s, regulator), "firm_id": firm.org.id,
        }  # fmt: skip


def give(db: Database, parties: dict[str, Any], who: str, scores: Scores = MINE, **but: Any) -> int:
    row = {"comment": CANARY, "now": T0 + timedelta(days=1), **but}
    with db.write() as s:
        return give_review(s, parties["id"], scores, row["comment"], parties[who], row["now"]).id


def refused(db: Database, parties: dict[str, Any], who: str, **but: Any) -> tuple[int, list[str]]:
    with pytest.raises(Refused) as no:
        give(db, parties, who, **but)
    return no.value.status, [r.code for r in no.value.refusals]


def test_only_the_parties_review_once_each_until_the_day_comes(db: Database, parties: dict[str, Any]) -> None:
    assert refused(db, parties, "stranger") == (404, ["review.stranger"])
    assert refused(db, parties, "owner", now=DUE) == (409, ["review.late"])
    assert refused(db, parties, "owner", scores=Scores(0, 1, 2, 3, 9)) == (422, ["review.score", "review.score"])
    assert refused(db, parties, "owner", comment="字" * 1001) == (422, ["review.comment"])
    give(db, parties, "owner", now=DUE - timedelta(microseconds=1), comment="字" * 1000)

    assert refused(db, parties, "owner") == (409, ["review.given"])
    with db.read() as s:
        assert s.scalar(select(func.count()).select_from(Review)) == 1


def test_nobody_reviews_before_acceptance(db: Database, parties: dict[str, Any]) -> None:
    with db.write() as s:
        owner = Party(make_org(s), make_person(s, make_org(s)))
        firm = make_firm(s)
        waiting = make_done(s, Party(owner.org, make_person(s, owner.org)), firm, None).id

        with pytest.raises(Refused, match=r"review\.not_accepted"):
            give_review(s, waiting, MINE, "", user_of(s, firm), T0)


def told(s: Session, table: str) -> str:
    return repr(s.execute(text(f"SELECT * FROM {table}")).fetchall())


def test_a_blind_review_is_told_nowhere(db: Database, parties: dict[str, Any]) -> None:
    """A canary: the words, the scores, and that there is a review at all."""
    give(db, parties, "owner")
    later = DUE - timedelta(microseconds=1)
    with db.write() as s:
        place(s, 0)

    with db.read() as s:
        assert all(CANARY not in told(s, table) for table in ("audit_entry", "notice", "outbox"))
        mine, its = (queries.standing(s, parties["code"], parties[w].org_id, later) for w in ("owner", "firm"))
        assert mine is not None and mine.mine is not None and mine.shown == ()
        assert its is not None and its.mine is None and its.shown == ()
        assert (
            queries.about(s, parties["firm_id"], later) == []
            and queries.after(s, parties["firm_id"], later, None, 9) == []
        )
        assert queries.summary(s, parties["firm_id"], later).n == 0
        assert queries.of_contract(s, parties["id"], later) == []
        assert all(f.kind != "review" for f in facts(s, parties["firm_id"], later))
        assert s.scalars(select(Notice.id)).all() == [] and s.scalars(select(Outbox.id)).all() == []
        given = [r for r in s.scalars(select(AuditEntry)) if r.deed == "review.given"]
        assert [r.facts for r in given] == [{"contract": parties["id"], "side": "owner"}]
        assert all(r.opaque for r in feed(s, later) if r.leaf == given[0].leaf.hex())
        assert queries.standing(s, parties["code"], parties["stranger"].org_id, later) is None


def test_the_second_review_shows_both_at_once(db: Database, parties: dict[str, Any]) -> None:
    give(db, parties, "owner")
    now = T0 + timedelta(days=2)
    give(db, parties, "firm", ITS, now=now, comment="")

    with db.read() as s:
        shown = queries.of_contract(s, parties["id"], now)
        assert [(r.side, r.scores, r.comment, r.shown_at) for r in shown] == [
            (Side.OWNER, MINE, CANARY, now), (Side.FIRM, ITS, None, now),
        ]  # fmt: skip
        assert queries.of_contract(s, parties["id"], now - timedelta(microseconds=1)) == []
        record = [r for r in s.scalars(select(AuditEntry)) if r.deed == "review.shown"]
        assert [r.facts["scores"] for r in record] == [[5, 4, 3, 2, 1], [4, 4, 4, 4, 4]]
        assert sorted(n.kind for n in s.scalars(select(Notice))) == ["review.shown", "review.shown"]
        review = next(f for f in facts(s, parties["firm_id"], now) if f.kind == "review")
        assert (review.value, review.recorded_at) == (15, now)
    with db.write() as s:
        assert show_due_next(s, DUE) is None


def test_one_review_alone_shows_on_day_fourteen_even_if_no_scheduler_ran(db: Database, parties: dict[str, Any]) -> None:
    give(db, parties, "firm")
    late = DUE + timedelta(days=3)

    with db.read() as s:
        assert len(queries.of_contract(s, parties["id"], DUE)) == 1
    with db.write() as s:
        assert show_due_next(s, DUE - timedelta(microseconds=1)) is None
        found = show_due_next(s, late)
        assert found is not None and found.shown_at == DUE
        assert show_due_next(s, late) is None
    with db.read() as s:
        assert [r.shown_at for r in queries.about(s, parties["owner"].org_id, late, side=Side.FIRM)] == [DUE]
    assert refused(db, parties, "owner", now=late) == (409, ["review.late"])


def test_what_an_owner_is_said_of_is_no_credit_of_a_firm(db: Database, parties: dict[str, Any]) -> None:
    give(db, parties, "firm")

    with db.read() as s:
        assert facts(s, parties["owner"].org_id, DUE) == []


def test_one_reply_by_the_other_side_after_it_shows(db: Database, parties: dict[str, Any]) -> None:
    review = give(db, parties, "owner")
    now = T0 + timedelta(days=2)

    def answer(who: str, words: str = "谢谢") -> None:
        with db.write() as s:
            reply(s, review, words, parties[who], now)

    with pytest.raises(Refused, match=r"review\.unknown"):
        answer("firm")
    give(db, parties, "firm", now=now)
    for who in ("owner", "stranger"):
        with pytest.raises(Refused, match=r"review\.unknown"):
            answer(who)
    with pytest.raises(Refused, match=r"review\.reply"):
        answer("firm", " ")
    answer("firm")
    with pytest.raises(Refused, match=r"review\.replied"):
        answer("firm", "再说")
    with db.read() as s:
        shown = queries.one(s, review, now)
        assert shown is not None and (shown.reply, shown.replied_at) == ("谢谢", now)


def test_hidden_words_leave_a_reason_and_the_scores(db: Database, parties: dict[str, Any]) -> None:
    review = give(db, parties, "owner")
    now = DUE

    def moderate(reason: str, at: Any = now) -> None:
        with db.write() as s:
            hide(s, review, reason, parties["regulator"], at)

    with pytest.raises(Refused, match=r"review\.unknown"):
        moderate("辱骂", DUE - timedelta(seconds=1))
    with pytest.raises(Refused, match=r"review\.reason"):
        moderate("")
    with db.read() as s:
        before = credit_as_of(s, parties["firm_id"], now)
    moderate("含人身攻击")
    with pytest.raises(Refused, match=r"review\.hidden"):
        moderate("再次")
    with db.read() as s:
        shown = queries.one(s, review, now)
        assert shown is not None and (shown.comment, shown.hidden_reason, shown.scores) == (None, "含人身攻击", MINE)
        assert credit_as_of(s, parties["firm_id"], now) == before


def test_what_a_party_may_still_review(db: Database, parties: dict[str, Any]) -> None:
    last = DUE - timedelta(microseconds=1)
    with db.read() as s:
        found = to_review(s, parties["owner"].org_id, last)
        assert [(d.code, d.until) for d in found] == [(parties["code"], DUE)]
        assert to_review(s, parties["owner"].org_id, DUE) == []
        assert to_review(s, parties["stranger"].org_id, last) == []
    give(db, parties, "owner")
    with db.read() as s:
        assert to_review(s, parties["owner"].org_id, last) == []
        assert [d.code for d in to_review(s, parties["firm_id"], last)] == [parties["code"]]
