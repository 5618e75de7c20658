"""Facts from the tables that state them, findings with their right of reply, repair with its clock."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.models import FirmCategory, Qualification
from market.admission.queries import standing_today
from market.admission.rules import good_until
from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.notices.models import Notice
from ratings.credit.facts import SIZE, facts_of
from ratings.credit.findings import Finding, record_finding, reply_finding, withdraw_finding
from ratings.credit.models import CreditFact
from ratings.credit.queries import credit_as_of, credits_as_of, facts
from ratings.credit.repairs import ask_repair, decide_repair
from ratings.credit.rules import Fact, Kind
from ratings.credit.service import record_fact
from ratings.reviews.rules import Scores
from tests.counting import counted
from tests.makers import T0, Party, make_firm, make_org, make_owner, make_person
from tests.makers_ratings import make_done, make_review, user_of

DAY = timedelta(days=1)
SHOWS = datetime(2026, 6, 8, 9, tzinfo=UTC)
"""17:00 in Beijing, five working days after T0."""
FINDING = Finding(
    2,
    "澄浦市生态环境局",
    "澄环罚〔2026〕7号",
    "环评法 第三十二条",
    "报告数据失实。",
    date(2026, 5, 20),
    date(2027, 5, 20),
)


def regulator(s: Session) -> Party:
    office = make_org(s, kind="authority", is_owner=False)
    return Party(office, make_person(s, office, office="regulator"))


def kinds(found: list[Fact]) -> dict[str, int]:
    return {str(f.kind): f.value for f in found}


def test_a_contract_says_days_and_price_once_it_is_accepted(db: Database) -> None:
    with db.write() as s:
        owner, firm, late = make_owner(s), make_firm(s), make_firm(s)
        make_done(s, owner, firm)
        make_done(s, owner, firm, None)
        make_done(s, owner, late, days_used=27, amount_now=8_640_000)

        assert kinds(facts(s, firm.org.id, T0)) == {"on_time": 0, "price_kept": 0}
        assert kinds(facts(s, late.org.id, T0)) == {"late": 7, "price_raised": 800}
        assert facts(s, late.org.id, T0 - timedelta(microseconds=1)) == []


def test_days_and_a_lower_price_agreed_by_both_are_kept(db: Database) -> None:
    with db.write() as s:
        firm = make_firm(s)
        make_done(s, make_owner(s), firm, days_now=30, days_used=30, amount_now=7_000_000)

        assert kinds(facts(s, firm.org.id, T0)) == {"on_time": 0, "price_kept": 0}


def test_credit_at_posting_does_not_move_later(db: Database) -> None:
    """Issue 10, Shows: whatever is recorded afterwards, the credit of the day a job was posted stays."""
    posted = T0 + 30 * DAY
    with db.write() as s:
        owner, firm, office = make_owner(s), make_firm(s, "06", "测绘资质", expires_on=date(2026, 8, 1)), regulator(s)
        for n in range(4):
            make_review(s, make_done(s, owner, firm, T0 + n * DAY), owner)
        before = credit_as_of(s, firm.org.id, posted)
        blind = make_done(s, owner, firm, posted - DAY)
        before = credit_as_of(s, firm.org.id, posted)

        make_review(s, blind, owner, Scores(1, 1, 1, 1, 1), shown_at=posted + DAY)
        make_done(s, owner, firm, posted + DAY, days_used=90, amount_now=16_000_000)
        record_fact(s, firm.org.id, Kind.REFUSED_AWARD, "ZJ-2026-00001", posted, "award", posted + DAY, "r1")
        record_finding(s, firm.org.uscc, FINDING, user_of(s, office), posted - DAY)
        key = next(f.key for f in facts(s, firm.org.id, posted) if f.kind is Kind.REVIEW)
        s.flush()

        assert credit_as_of(s, firm.org.id, posted) == before and before.score is not None
        after = credit_as_of(s, firm.org.id, T0 + 300 * DAY)
        assert after.value < before.value
        assert {"refused_award", "finding", "paper_lapsed", "late", "price_raised"} <= {
            str(p.fact.kind) for p in after.parts
        }
        assert key in {p.fact.key for p in before.parts}


@pytest.mark.parametrize("way", ["renewed", "late", "revoked", "ended", "unverified", "lapsed"])
def test_a_paper_lapses_unless_it_was_followed_or_the_firm_had_gone(db: Database, way: str) -> None:
    last = date(2026, 6, 30)
    end = good_until(last)
    with db.write() as s:
        firm = make_firm(s, "06", "测绘资质", expires_on=last)
        paper = s.scalars(select(Qualification).where(Qualification.org_id == firm.org.id)).one()
        if way in ("renewed", "late"):
            verified = end - DAY if way == "renewed" else end + timedelta(seconds=1)
            s.add(
                Qualification(
                    org_id=firm.org.id, name="测绘资质", level="甲级", number="N2", issued_on=date(2026, 7, 1),
                    expires_on=date(2029, 6, 30), recorded_at=T0, verified_at=verified,
                )
            )  # fmt: skip
        elif way == "revoked":
            paper.revoked_at = end - DAY
        elif way == "ended":
            s.scalars(select(FirmCategory).where(FirmCategory.org_id == firm.org.id)).one().ended_at = end - DAY
        elif way == "unverified":
            paper.verified_at = None
        s.flush()

        found = facts(s, firm.org.id, end + 9 * DAY)
        assert facts(s, firm.org.id, end - timedelta(microseconds=1)) == []
        assert [(f.kind, f.recorded_at) for f in found] == (
            [(Kind.PAPER_LAPSED, end)] if way in ("late", "lapsed") else []
        )


def test_many_firms_are_asked_for_in_few_statements(db: Database) -> None:
    with db.write() as s:
        owner, firms = make_owner(s), [make_firm(s) for _ in range(3)]
        for firm in firms:
            make_done(s, owner, firm)
        ids = [f.org.id for f in firms]
        with counted(s) as few:
            one = facts_of(s, ids[:1], T0)
        with counted(s) as many:
            found = facts_of(s, [*ids, 999_999], T0)

        assert len(few) == len(many) <= 6 and SIZE >= 1000
        assert found[ids[0]] == one[ids[0]] and found[999_999] == []
        assert credits_as_of(s, ids, T0)[ids[1]] == credit_as_of(s, ids[1], T0)


def test_a_fact_is_recorded_once_and_only_of_a_kind_no_other_table_states(db: Database) -> None:
    with db.write() as s:
        firm = make_firm(s)
        first = record_fact(s, firm.org.id, "refused_award", "ZJ-2026-00001", T0 - DAY, "中选后放弃", T0, "refused:1")
        again = record_fact(
            s, firm.org.id, "refused_award", "ZJ-2026-00001", T0 - DAY, "中选后放弃", T0 + DAY, "refused:1"
        )

        assert first is again and kinds(facts(s, firm.org.id, T0)) == {"refused_award": 0}
        assert facts(s, firm.org.id, T0 - timedelta(microseconds=1)) == []
        with pytest.raises(ValueError):
            record_fact(s, firm.org.id, "on_time", "x", T0, "x", T0, "x")


# ── findings ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finding_counts_and_shows_after_the_right_of_reply(db: Database) -> None:
    with db.write() as s:
        firm, office = make_firm(s), regulator(s)
        row = record_finding(s, firm.org.uscc, FINDING, user_of(s, office), T0)
        reply_finding(s, row.id, "已整改", user_of(s, firm), SHOWS)

        assert row.shows_at == SHOWS and (row.reply, row.replied_at) == ("已整改", SHOWS)
        assert facts(s, firm.org.id, SHOWS - timedelta(microseconds=1)) == []
        found = facts(s, firm.org.id, SHOWS)
        assert [(f.kind, f.value, f.recorded_at, f.source) for f in found] == [
            (Kind.FINDING, 2, SHOWS, "澄浦市生态环境局")
        ]
        assert found[0].expires_at == datetime(2027, 5, 20, 16, tzinfo=UTC)
        veils = {r.veil for r in s.scalars(select(AuditEntry)) if r.deed.startswith("credit.")}
        assert veils == {f"fact:{row.id}"}
        assert [(n.kind, n.org_id) for n in s.scalars(select(Notice)) if n.org_id] == [
            ("finding.recorded", firm.org.id)
        ]


@pytest.mark.parametrize(
    ("but", "fields"),
    [
        ({"severity": 4}, ["severity"]), ({"source": " "}, ["source"]), ({"number": "号" * 81}, ["number"]),
        ({"happened_on": date(2026, 6, 2), "expires_on": date(2027, 6, 2)}, ["happened_on"]),
        ({"expires_on": date(2026, 6, 1)}, ["expires_on"]), ({"expires_on": date(2099, 1, 1)}, ["expires_on"]),
        ({"suspend_until": date(2026, 6, 1)}, ["suspend_until"]),
        ({"suspend_until": date(2099, 6, 1)}, ["suspend_until"]),
        ({"severity": 0, "suspend_until": date(2026, 9, 1)}, ["suspend_until"]),
    ],
)  # fmt: skip
def test_a_finding_that_does_not_fit_is_refused_at_its_field(
    db: Database, but: dict[str, Any], fields: list[str]
) -> None:
    with db.write() as s:
        firm, by = make_firm(s), user_of(s, regulator(s))
        with pytest.raises(Refused) as no:
            record_finding(s, firm.org.uscc, replace(FINDING, **but), by, T0)

        assert [r.field for r in no.value.refusals] == fields


def test_a_finding_is_of_an_admitted_firm_and_entered_once(db: Database) -> None:
    with db.write() as s:
        firm, by, owner = make_firm(s), user_of(s, regulator(s)), make_owner(s)
        with pytest.raises(Refused, match=r"finding\.firm"):
            record_finding(s, owner.org.uscc, FINDING, by, T0)
        record_finding(s, firm.org.uscc, FINDING, by, T0)
        with pytest.raises(Refused, match=r"finding\.twice"):
            record_finding(s, firm.org.uscc, FINDING, by, T0)


def test_a_reply_is_the_firms_own_once_and_in_time(db: Database) -> None:
    with db.write() as s:
        firm, other, by = make_firm(s), make_firm(s), user_of(s, regulator(s))
        row = record_finding(s, firm.org.uscc, FINDING, by, T0)
        refusals = []
        for who, words, at in ((other, "x", T0), (firm, "", T0), (firm, "x", SHOWS + timedelta(seconds=1))):
            with pytest.raises(Refused) as no:
                reply_finding(s, row.id, words, user_of(s, who), at)
            refusals.append(no.value.refusals[0].code)
        reply_finding(s, row.id, "x", user_of(s, firm), T0)
        with pytest.raises(Refused, match=r"finding\.replied"):
            reply_finding(s, row.id, "y", user_of(s, firm), T0)

        assert refusals == ["finding.unknown", "finding.reply", "finding.reply_late"]


def test_a_withdrawn_finding_counts_no_more_and_moves_no_history(db: Database) -> None:
    with db.write() as s:
        firm, by = make_firm(s), user_of(s, regulator(s))
        row = record_finding(s, firm.org.uscc, FINDING, by, T0)
        before = credit_as_of(s, firm.org.id, SHOWS + DAY)
        with pytest.raises(Refused, match=r"finding\.reason"):
            withdraw_finding(s, row.id, " ", by, SHOWS + 2 * DAY)
        withdraw_finding(s, row.id, "复议撤销", by, SHOWS + 2 * DAY)
        with pytest.raises(Refused, match=r"finding\.ended"):
            withdraw_finding(s, row.id, "再次", by, SHOWS + 3 * DAY)

        assert credit_as_of(s, firm.org.id, SHOWS + DAY) == before and len(before.parts) == 1
        assert credit_as_of(s, firm.org.id, SHOWS + 2 * DAY).parts == ()


def test_one_withdrawn_before_it_shows_never_counts(db: Database) -> None:
    with db.write() as s:
        firm, by = make_firm(s), user_of(s, regulator(s))
        row = record_finding(s, firm.org.uscc, FINDING, by, T0)
        withdraw_finding(s, row.id, "误录", by, T0 + DAY)

        assert all(not credit_as_of(s, firm.org.id, SHOWS + n * DAY).parts for n in range(3))
        with pytest.raises(Refused, match=r"finding\.ended"):
            reply_finding(s, row.id, "x", user_of(s, firm), T0 + DAY)


def test_a_proposed_suspension_goes_to_the_operator_and_suspends_nobody(db: Database) -> None:
    with db.write() as s:
        firm, by = make_firm(s), user_of(s, regulator(s))
        record_finding(s, firm.org.uscc, replace(FINDING, suspend_until=date(2026, 9, 1)), by, T0)

        told = [n for n in s.scalars(select(Notice)) if n.office == "operator"]
        assert [n.kind for n in told] == ["finding.suspend"] and firm.org.uscc in (told[0].link or "")
        assert not standing_today(s, firm.org.id, T0)


# ── repair ──────────────────────────────────────────────────────────────────────────────────────────────────────


def bad_firm(s: Session) -> tuple[Party, str]:
    firm = make_firm(s)
    made = make_done(s, make_owner(s), firm, days_used=30)
    return firm, f"days-{made.id}"


def test_a_granted_repair_ends_the_fact_from_the_decision_on(db: Database) -> None:
    with db.write() as s:
        (firm, key), by = bad_firm(s), user_of(s, regulator(s))
        asked, decided = T0 + DAY, T0 + 5 * DAY
        row = ask_repair(s, key, "已赔付", None, user_of(s, firm), asked)
        before = credit_as_of(s, firm.org.id, decided - DAY)
        decide_repair(s, row.id, True, "核实已赔付", by, decided)

        assert row.due_at == datetime(2026, 6, 16, 9, tzinfo=UTC)
        assert credit_as_of(s, firm.org.id, decided - DAY) == before
        assert key not in {p.fact.key for p in credit_as_of(s, firm.org.id, decided).parts}
        assert credit_as_of(s, firm.org.id, decided).value > before.value
        with pytest.raises(Refused, match=r"repair\.decided"):
            decide_repair(s, row.id, False, "再次", by, decided)


def test_a_repaired_finding_ends_too(db: Database) -> None:
    with db.write() as s:
        firm, by = make_firm(s), user_of(s, regulator(s))
        fact = record_finding(s, firm.org.uscc, FINDING, by, T0)
        row = ask_repair(s, f"fact-{fact.id}", "已整改", None, user_of(s, firm), SHOWS + DAY)
        decide_repair(s, row.id, True, "同意", by, SHOWS + 2 * DAY)

        kept = s.get_one(CreditFact, fact.id)
        assert (kept.ended_at, kept.end_reason) == (SHOWS + 2 * DAY, "同意")


def test_repair_is_asked_of_the_own_bad_fact_in_force_and_once(db: Database) -> None:
    with db.write() as s:
        (firm, key), (other, _), by = bad_firm(s), bad_firm(s), user_of(s, regulator(s))
        good = key.replace("days", "price")
        codes = []
        for who, what, words in ((other, key, "x"), (firm, good, "x"), (firm, "days-0", "x"), (firm, key, " ")):
            with pytest.raises(Refused) as no:
                ask_repair(s, what, words, None, user_of(s, who), T0 + DAY)
            codes.append(no.value.refusals[0].code)
        row = ask_repair(s, key, "x", None, user_of(s, firm), T0 + DAY)
        with pytest.raises(Refused, match=r"repair\.twice"):
            ask_repair(s, key, "x", None, user_of(s, firm), T0 + DAY)
        decide_repair(s, row.id, False, "未见改正", by, T0 + 2 * DAY)
        assert key in {p.fact.key for p in credit_as_of(s, firm.org.id, T0 + 3 * DAY).parts}
        ask_repair(s, key, "这次有材料", None, user_of(s, firm), T0 + 3 * DAY)

        assert codes == ["repair.unknown", "repair.unknown", "repair.unknown", "repair.grounds"]
