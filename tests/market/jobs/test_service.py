"""From draft to review on both databases: nothing typed is lost, nothing of another's is touched."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.identity.rules import Role, User
from market.jobs import queries, service
from market.jobs.models import Invitation, Job, Question
from market.jobs.rules import Posting
from market.notices.models import Notice
from tests.makers import T0, Party, closing, make_firm, make_owner, make_person

POSTING = Posting(
    service="S012",
    title="望浦区再生水厂二期环境影响报告表编制",
    summary="编制环境影响报告表，配合审批，直到取得批复。",
    district="339901",
    ceiling=2_600_000,
    days_max=25,
    tax="included",
    closes_at=closing(T0),
    scale=5_000_000_000,
    coefficients={"industry": "c", "sensitivity": "normal", "sector_cut": "other"},
)
RAISED = replace(POSTING, coefficients={**POSTING.coefficients, "industry": "a"}, evidence="表2第一类：化工")


def user(party: Party, *roles: Role) -> User:
    return User(
        party.person.id, party.person.name, party.person.email, party.org.id, party.org.name, party.org.uscc,
        frozenset(roles or (Role.OWNER,)), 0,
    )  # fmt: skip


def operator(s: Session) -> User:
    party = make_owner(s)
    return user(Party(party.org, make_person(s, party.org, office="operator")), Role.OPERATOR)


def refused(error: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [r.code for r in error.value.refusals]


def typed(job: Job, step: int) -> Mapping[str, Any]:
    found: Mapping[str, Any] = job.draft[str(step)]
    return found


def test_a_draft_keeps_every_step_as_typed_wrong_input_too(db: Database) -> None:
    with db.write() as s:
        by = user(make_owner(s))
        job = service.start_draft(s, by, T0)
        service.save_step(s, job.id, 3, {"ceiling": "17.28万左右", "closing_time": "17:30\x00\ud800"}, by, T0)
        service.save_step(s, job.id, 2, {"title": "名" * 300, "coef_additional": ["1.3", "x"]}, by, T0)
    with db.read() as s:
        again = queries.draft(s, job.id, by.org_id)
        assert again is not None
        assert typed(again, 3) == {"ceiling": "17.28万左右", "closing_time": "17:30?"}
        assert typed(again, 2) == {"title": "名" * 300, "coef_additional": ["1.3", "x"]}
        assert again.draft["step"] == 2 and again.title == "名" * 120


def test_saving_the_same_again_leaves_no_record(db: Database) -> None:
    with db.write() as s:
        by = user(make_owner(s))
        job = service.start_draft(s, by, T0)
        service.save_step(s, job.id, 1, {"service": "S012"}, by, T0)
        before = s.scalar(select(func.count()).select_from(AuditEntry))
        service.save_step(s, job.id, 1, {"service": "S012"}, by, T0 + timedelta(seconds=10))
        assert s.scalar(select(func.count()).select_from(AuditEntry)) == before
        assert {e.veil for e in s.scalars(select(AuditEntry).where(AuditEntry.deed == "draft.saved"))} == {"never"}


def test_another_organisations_draft_is_as_unknown_as_none(db: Database) -> None:
    with db.write() as s:
        by, stranger = user(make_owner(s)), user(make_owner(s))
        job = service.start_draft(s, by, T0)
        for act in (
            lambda: service.save_step(s, job.id, 1, {}, stranger, T0),
            lambda: service.delete_draft(s, job.id, stranger, T0),
            lambda: service.submit(s, job.id, POSTING, stranger, T0),
            lambda: service.save_step(s, 10**6, 1, {}, by, T0),
        ):
            with pytest.raises(Refused) as no:
                act()
            assert refused(no) == ["job.unknown"] and no.value.status == 404
        assert queries.draft(s, job.id, stranger.org_id) is None


def test_a_deleted_draft_can_be_taken_back_for_thirty_days(db: Database) -> None:
    with db.write() as s:
        by = user(make_owner(s))
        job = service.start_draft(s, by, T0)
        service.delete_draft(s, job.id, by, T0)
        assert queries.drafts_of(s, by.org_id) == [] and queries.deleted_of(s, by.org_id, T0) == [job]
        service.restore_draft(s, job.id, by, T0 + timedelta(days=29))
        assert queries.drafts_of(s, by.org_id) == [job]
        service.delete_draft(s, job.id, by, T0)
        with pytest.raises(Refused) as no:
            service.restore_draft(s, job.id, by, T0 + timedelta(days=30))
        assert refused(no) == ["job.gone"]


def test_a_submitted_job_has_its_columns_baseline_code_and_tells_the_operator(db: Database) -> None:
    with db.write() as s:
        job = service.post_job(s, POSTING, user(make_owner(s)), T0)
        second = service.post_job(s, POSTING, user(make_owner(s)), T0)
    with db.read() as s:
        job = s.get_one(Job, job.id)
        assert (job.state, job.stage, job.funding, job.category_code) == ("submitted", "submitted", "private", "01")
        assert job.baseline is not None and job.baseline_fen == job.baseline["fee"] and job.baseline_days == 25
        assert job.code is not None and second.code is not None and job.code.startswith("ZJ-2026-")
        assert int(second.code[-5:]) == int(job.code[-5:]) + 1
        told = s.scalars(select(Notice).where(Notice.office == "operator")).all()
        assert [n.kind for n in told] == ["job.submitted", "job.submitted"]
        with_code = [w.code for w in queries.waiting(s)]
        assert with_code == [job.code, second.code]


def test_all_that_is_wrong_is_said_at_once_and_nothing_moves(db: Database) -> None:
    bad = replace(POSTING, title="x", ceiling=0, scale=None, closes_at=datetime(2026, 6, 6, 9, tzinfo=UTC))
    with db.write() as s:
        by = user(make_owner(s))
        job = service.start_draft(s, by, T0)
    with pytest.raises(Refused) as no, db.write() as s:
        service.submit(s, job.id, bad, by, T0)
    assert refused(no) == ["job.title", "job.ceiling", "job.deadline", "baseline.scale"]
    with db.read() as s:
        job = s.get_one(Job, job.id)
        assert (job.state, job.code, job.ceiling_fen) == ("draft", None, None)


def test_a_returned_job_keeps_its_draft_and_code_and_can_be_sent_again(db: Database) -> None:
    with db.write() as s:
        by, reviewer = user(make_owner(s)), operator(s)
        job = service.post_job(s, POSTING, by, T0)
        code = job.code
        with pytest.raises(Refused) as no:
            service.save_step(s, job.id, 1, {"service": "S011"}, by, T0)
        assert refused(no) == ["job.locked"]
        with pytest.raises(Refused) as no:
            service.return_job(s, job.id, " ", reviewer, T0)
        assert refused(no) == ["job.return_reason"]
        service.return_job(s, job.id, "工期与服务不符，请核对。", reviewer, T0)
        assert job.state == "returned" and job.reason == "工期与服务不符，请核对。"
        service.save_step(s, job.id, 1, {"service": "S012"}, by, T0)
        service.submit(s, job.id, POSTING, by, T0)
        assert (job.state, job.code, job.reason) == ("submitted", code, None)
        kinds = s.scalars(select(Notice.kind).where(Notice.org_id == by.org_id)).all()
        assert kinds == ["job.returned"]


def test_publication_needs_the_nod_a_fresh_deadline_and_the_same_tables(db: Database) -> None:
    with db.write() as s:
        by, reviewer = user(make_owner(s)), operator(s)
        job = service.post_job(s, RAISED, by, T0)
        with pytest.raises(Refused) as no:
            service.recheck(s, job, T0)
        assert refused(no) == ["job.nod"]
        service.approve_coefficients(s, job.id, reviewer, T0)
        service.recheck(s, job, T0)
        with pytest.raises(Refused) as no:
            service.recheck(s, job, T0 + timedelta(days=4))
        assert refused(no) == ["job.deadline"]
        assert job.baseline is not None
        job.baseline = {**job.baseline, "digest": "0" * 64, "fee": 1}
        with pytest.raises(Refused) as no:
            service.recheck(s, job, T0)
        assert refused(no) == ["job.baseline_moved"]


def test_a_recusal_has_a_reason_counts_once_and_drops_the_invitation(db: Database) -> None:
    with db.write() as s:
        by, firm, other = user(make_owner(s)), make_firm(s), make_owner(s)
        job = service.start_draft(s, by, T0)
        service.invite(s, job.id, firm.org.id, by, T0)
        service.recuse(s, job.id, firm.org.id, "interest", "", by, T0)
        assert queries.invited_and_read(s, job.id) == (0, 0)
        assert [r.reason for r in queries.recusals_of(s, job.id)] == ["与业主有投资、控股或管理关系"]
        for act, code in (
            (lambda: service.recuse(s, job.id, firm.org.id, "interest", "", by, T0), "recusal.twice"),
            (lambda: service.recuse(s, job.id, other.org.id, "interest", "", by, T0), "recusal.firm"),
            (lambda: service.recuse(s, job.id, firm.org.id, "", "", by, T0), "recusal.reason"),
            (lambda: service.invite(s, job.id, firm.org.id, by, T0), "invitation.recused"),
            (lambda: service.invite(s, job.id, other.org.id, by, T0), "invitation.firm"),
        ):
            with pytest.raises(Refused) as no:
                act()
            assert refused(no) == [code]
        service.take_back_recusal(s, job.id, firm.org.id, by, T0)
        assert queries.recusals_of(s, job.id) == []


def published(s: Session, by: User, now: datetime = T0) -> Job:
    job = service.post_job(s, POSTING, by, now)
    job.state, job.stage, job.published_at = "published", "open", now
    s.flush()
    return job


def test_firms_may_be_recused_and_invited_until_the_deadline_and_are_told(db: Database) -> None:
    with db.write() as s:
        by, one, two = user(make_owner(s)), make_firm(s), make_firm(s)
        job = published(s, by)
        service.invite(s, job.id, one.org.id, by, T0)
        service.invite(s, job.id, one.org.id, by, T0)
        service.recuse(s, job.id, two.org.id, "dispute", "2025年合同纠纷", by, T0)
        service.mark_read(s, job.id, one.org.id, T0)
        assert queries.invited_and_read(s, job.id) == (1, 1)
        told = s.execute(select(Notice.org_id, Notice.kind).where(Notice.org_id.in_([one.org.id, two.org.id]))).all()
        assert sorted(tuple(row) for row in told) == sorted([(one.org.id, "job.invited"), (two.org.id, "job.recused")])
        assert job.closes_at is not None
        with pytest.raises(Refused) as no:
            service.recuse(s, job.id, make_firm(s).org.id, "kin", "", by, job.closes_at)
        assert refused(no) == ["job.locked"]
        assert s.scalar(select(func.count()).select_from(Invitation)) == 1


def test_questions_are_public_their_askers_are_not(db: Database) -> None:
    with db.write() as s:
        by, firm = user(make_owner(s)), user(make_firm(s), Role.FIRM)
        job = published(s, by)
        question = service.ask_question(s, job.id, "地下水监测井由谁打？是否计入报价？", firm, T0)
        with pytest.raises(Refused) as no:
            service.answer_question(s, question.id, "现有五口井可用。", user(make_owner(s)), T0)
        assert no.value.status == 404
        service.answer_question(s, question.id, "现有五口井可用。", by, T0)
        with pytest.raises(Refused) as no:
            service.answer_question(s, question.id, "另有说明。", by, T0)
        assert refused(no) == ["question.answered"]
        told = s.execute(select(Notice.org_id, Notice.kind).where(Notice.kind.in_(["job.question", "job.answered"])))
        assert [tuple(row) for row in told] == [(by.org_id, "job.question"), (firm.org_id, "job.answered")]
        public = s.scalars(select(AuditEntry).where(AuditEntry.deed == "question.asked", AuditEntry.veil.is_(None)))
        assert [e.actor for e in public] == ["asker"]


def test_a_question_comes_from_an_admitted_firm_and_before_the_cutoff(db: Database) -> None:
    with db.write() as s:
        by, firm = user(make_owner(s)), user(make_firm(s), Role.FIRM)
        job = published(s, by)
        cutoff = datetime(2026, 6, 4, 9, tzinfo=UTC)  # T is Monday 8 June: two working days before is Thursday
        service.ask_question(s, job.id, "截止那一秒还能问吗？", firm, cutoff)
        for asker, text, when, code in (
            (firm, "晚了一微秒呢？", cutoff + timedelta(microseconds=1), "question.late"),
            (user(make_owner(s), Role.FIRM), "没有入驻可以问吗？", T0, "question.firm"),
            (by, "自己问自己？？", T0, "question.firm"),
            (firm, "？", T0, "question.text"),
        ):
            with pytest.raises(Refused) as no:
                service.ask_question(s, job.id, text, asker, when)
            assert refused(no) == [code]
        for n in range(9):
            service.ask_question(s, job.id, f"第{n}个问题是什么？", firm, T0)
        with pytest.raises(Refused) as no:
            service.ask_question(s, job.id, "再问一个可以吗？", firm, T0)
        assert refused(no) == ["question.many"]
        assert s.scalar(select(func.count()).select_from(Question)) == 10
