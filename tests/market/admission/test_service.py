"""Admission on both databases: applied for in parts, decided with reasons, judged as of any instant."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.admission import changes, desk, firms, queries, service
from market.admission.documents import keep_document
from market.admission.models import Application, FirmProfile, Practitioner, Qualification
from market.admission.rules import Event, State, why_not
from market.audit.models import AuditEntry
from market.db import Database
from market.errors import Refused
from market.identity.models import Tie
from market.identity.service import record_tie
from market.notices.models import Notice, Outbox
from tests.counting import counted
from tests.makers import T0, Party, make_firm, make_org, make_person
from tests.makers_admission import IDENTITY, PDF, admit, apply, make_applicant

DAY = timedelta(days=1)


def operator(s: Session, office: str = "operator") -> int:
    return make_person(s, make_org(s, kind="authority", is_owner=False), office=office).id


def refused(call: Any, *args: Any, **kwargs: Any) -> list[str]:
    with pytest.raises(Refused) as no:
        call(*args, **kwargs)
    return [r.code for r in no.value.refusals]


def may(s: Session, firm: Party, category: str = "01", qualification: str = "", at: Any = T0) -> list[str]:
    facts = queries.facts(s, [firm.org.id], category, qualification)
    found = [r.code for r in why_not(facts[firm.org.id], at, category, qualification)]
    listed = firm.org.id in queries.eligible(s, category, qualification, at)
    assert listed == (not found), "the list and the reasons agree"
    assert queries.eligible_among(s, [firm.org.id], category, qualification, at) == ([firm.org.id] if listed else [])
    return found


def test_an_application_is_admitted_and_the_firm_may_bid_from_then_on(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        firm, by = make_applicant(s), operator(s)
        row = apply(s, firm, tmp_path, ("01", "05"), ("测绘资质",))
        assert may(s, firm) == ["bid.notadmitted"]
        no = why_not(queries.facts(s, [firm.org.id], "01", "")[firm.org.id], T0, "01", "")[0]
        assert (no.values["cat"], no.values["cat_en"]) == ("环境影响评价", "Environmental impact assessment")
        admit(s, row, by, T0 + DAY)
    with db.write() as s:
        assert may(s, firm, at=T0 + DAY) == [] and may(s, firm, at=T0) == ["bid.notadmitted"]
        assert may(s, firm, "05", "测绘资质", T0 + DAY) == []
        page = firms.firm(s, firm.org.uscc, T0 + DAY)
        assert page is not None and page.profile.legal_rep == "沈某某" and page.profile.staff == 18
        assert [c.category_code for c in page.categories] == ["01", "05"] and page.categories[0].main
        assert [(p.service_code, p.days) for p in page.prices] == [("S012", 20)]
        assert len(page.people) == 1 and page.people[0].certificate == f"证{firm.org.id:06d}"
        notice = s.scalars(select(Notice).where(Notice.org_id == firm.org.id)).one()
        assert notice.kind == "admission.admitted"
        index = s.scalars(select(Outbox).where(Outbox.topic == "index")).all()
        assert [o.payload for o in index] == [{"kind": "firm", "id": firm.org.id}]


def test_an_identity_number_is_nowhere_in_the_tables(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        apply(s, make_applicant(s), tmp_path)
        kept = str([r.content for r in s.scalars(select(Application))])
        kept += str([(t.party, t.party_name) for t in s.scalars(select(Tie))])
        kept += str([(e.facts, e.blinded) for e in s.scalars(select(AuditEntry))])
        assert IDENTITY not in kept and IDENTITY[:14] not in kept


def test_what_is_missing_is_told_whole_and_nothing_is_submitted(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        firm = make_applicant(s)
        service.start(s, firm.org.id, T0)
        codes = refused(service.submit, s, firm.org.id, False, T0, "person:1")
        assert codes.count("admission.part_missing") == 6
        assert {"admission.payer_missing", "admission.undeclared"} <= set(codes)
    with db.write() as s:
        late = make_applicant(s)
        apply(s, late, tmp_path, ("05",), (), submit=False)
        assert refused(service.submit, s, late.org.id, True, T0, "person:1") == ["admission.certificate_missing"]


def test_a_returned_application_keeps_what_was_accepted(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        firm, by = make_applicant(s), operator(s)
        row = apply(s, firm, tmp_path)
        mend = {"people": "证书号与登记不符"}
        admit(s, row, by, outcome=Event.RETURN, reason="请补正从业人员", mend=mend)
        org = firm.org.id
        other = {"founded": date(2011, 1, 1), "staff": 1, "address": "x", "phone": "1"}
        assert refused(service.save_firm, s, org, other, T0, "person:1") == ["admission.kept"]
        service.drop_entry(s, org, service.Part.PEOPLE, 1, T0, "person:1")
        service.add_person(s, org, {"name": "顾某某", "certificate": "Z-77"}, T0, "person:1")
        assert refused(service.submit, s, org, False, T0, "person:1") == ["admission.undeclared"]
        assert service.submit(s, org, True, T0, "person:1").state == State.SUBMITTED
        assert refused(service.save_firm, s, org, other, T0, "person:1") == ["admission.state"]


def test_some_categories_may_be_admitted_and_the_rest_refused_with_reason(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        firm, by = make_applicant(s), operator(s)
        row = apply(s, firm, tmp_path, ("01", "02"))
        assert refused(admit, s, row, by, categories=frozenset({"01"})) == ["admission.reason"]
    with db.write() as s:
        row = s.get_one(Application, row.id)
        admit(s, row, by, categories=frozenset({"01"}), reason="没有水土保持方面的人员")
        assert may(s, firm) == [] and may(s, firm, "02") == ["bid.notadmitted"]
        again = service.start(s, firm.org.id, T0)
        assert again.state == State.DRAFT and again.content["scope"]["categories"] == ["01", "02"]
        assert refused(admit, s, row, by) == ["admission.state"]


def test_a_refused_firm_may_apply_again_with_what_it_had_entered(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        firm, by = make_applicant(s), operator(s)
        row = apply(s, firm, tmp_path)
        admit(s, row, by, outcome=Event.REFUSE, reason="营业范围不符")
        assert s.get(FirmProfile, firm.org.id) is None
        again = service.start(s, firm.org.id, T0)
        assert again.id != row.id and again.content["firm"]["staff"] == 18 and "declared" not in again.content
        assert service.start(s, firm.org.id, T0).id == again.id
        service.withdraw(s, firm.org.id, T0, "person:1")
        assert refused(service.withdraw, s, firm.org.id, T0, "person:1") == ["admission.none"]


@pytest.mark.parametrize(
    ("part", "given", "code"),
    [
        ("firm", {"founded": "nonsense"}, "admission.day"),
        ("firm", {"founded": date(2099, 1, 1)}, "admission.day"),
        ("firm", {"staff": -1}, "admission.number"),
        ("firm", {"staff": 10**20}, "admission.number"),
        ("firm", {"staff": "18"}, "admission.number"),
        ("firm", {"address": "x" * 201}, "admission.text.too_long"),
        ("firm", {"address": "a\x00b"}, "admission.text.control"),
        ("scope", {"categories": []}, "admission.categories"),
        ("scope", {"categories": ["99"]}, "admission.categories"),
        ("scope", {"categories": ["01"], "main": "02"}, "admission.main"),
        ("certificate", {"expires_on": date(2023, 1, 1)}, "admission.ends_first"),
        ("certificate", {"expires_on": date(2026, 5, 31)}, "admission.over"),
        ("certificate", {"document": 987654}, "document.unknown"),
        ("person", {"name": ""}, "admission.text.empty"),
        ("price", {"service": "S999"}, "admission.service"),
        ("price", {"days": 0}, "admission.number"),
    ],
)
def test_bad_values_are_refused_by_field(db: Database, part: str, given: dict[str, Any], code: str) -> None:
    good = {
        "firm": {"founded": date(2010, 1, 1), "staff": 3, "address": "x", "phone": "1"},
        "scope": {"categories": ["01"]},
        "certificate": {
            "name": "测绘资质",
            "number": "1",
            "issued_on": date(2024, 1, 1),
            "expires_on": date(2028, 1, 1),
        },
        "person": {"name": "张三", "certificate": "Z1"},
        "price": {"service": "S012", "price": "面议", "days": 3},
    }
    save = {
        "firm": service.save_firm, "scope": service.save_scope, "certificate": service.add_certificate,
        "person": service.add_person, "price": service.add_price,
    }  # fmt: skip
    with db.write() as s:
        org = make_applicant(s).org.id
        service.start(s, org, T0)
        assert refused(save[part], s, org, {**good[part], **given}, T0, "person:1") == [code]
        save[part](s, org, good[part], T0, "person:1")


def test_a_renewed_certificate_counts_once_it_is_verified(db: Database, tmp_path: Path) -> None:
    with db.write() as s:
        firm = make_firm(s, "05", "测绘资质", expires_on=date(2026, 6, 1))
        by = operator(s)
        last = T0.replace(hour=15, minute=59, second=59, microsecond=999999)
        assert may(s, firm, "05", "测绘资质", last) == []
        after = last + timedelta(microseconds=1)
        assert may(s, firm, "05", "测绘资质", after) == ["bid.expired"]
        paper = {"name": "测绘资质", "number": "新1", "issued_on": date(2026, 5, 1), "expires_on": date(2031, 5, 1)}
        assert refused(changes.add_qualification, s, firm.org.id, paper, T0, "person:1") == ["admission.scan"]
        scan = keep_document(s, tmp_path, firm.org.id, None, "新证.pdf", PDF, T0)
        id = changes.add_qualification(s, firm.org.id, paper | {"document": scan.id}, T0, "person:1")
        assert may(s, firm, "05", "测绘资质", after) == ["bid.unqualified"]
        changes.verify_qualification(s, id, by, T0)
        assert may(s, firm, "05", "测绘资质", after) == []
        assert refused(changes.refuse_qualification, s, id, "x", by, T0) == ["qualification.ended"]
        changes.revoke_qualification(s, id, "发证机关撤销", by, T0 + DAY)
        assert may(s, firm, "05", "测绘资质", T0 + 2 * DAY) == ["bid.expired"]


def test_people_and_prices_end_and_another_firms_are_unknown(db: Database) -> None:
    with db.write() as s:
        firm, other = make_firm(s), make_firm(s)
        org = firm.org.id
        id = changes.add_practitioner(s, org, {"name": "钱某某", "certificate": "ab 12"}, T0, "person:1")
        same = {"name": "钱某某", "certificate": "ＡＢ-12"}
        assert refused(changes.add_practitioner, s, org, same, T0, "person:1") == ["admission.person_twice"]
        twin = changes.add_practitioner(s, other.org.id, same, T0, "person:1")
        assert s.get_one(Practitioner, id).key == s.get_one(Practitioner, twin).key
        assert refused(changes.remove_practitioner, s, org, twin, T0, "person:1") == ["practitioner.unknown"]
        changes.remove_practitioner(s, org, id, T0 + DAY, "person:1")
        assert id in [p.id for p in queries.practitioners_of(s, org, T0)]
        assert id not in [p.id for p in queries.practitioners_of(s, org, T0 + DAY)]
        changes.set_price(s, org, {"service": "S012", "price": "8 折", "days": 20}, T0, "person:1")
        changes.set_price(s, org, {"service": "S012", "price": "7 折", "days": 18}, T0, "person:1")
        assert [p.price for p in queries.prices(s, org)] == ["7 折"]
        changes.end_price(s, org, "S012", T0, "person:1")
        assert queries.prices(s, org) == []
        assert refused(changes.end_price, s, org, "S012", T0, "person:1") == ["admission.no_entry"]


def test_a_suspension_runs_to_its_end_is_appealed_and_lifted(db: Database) -> None:
    with db.write() as s:
        firm, other = make_firm(s), make_firm(s)
        by, regulator = operator(s), operator(s, "regulator")
        org, until = firm.org.id, T0 + 30 * DAY
        assert refused(service.suspend, s, org, " ", until, by, T0) == ["suspension.reason"]
        assert refused(service.suspend, s, org, "x", T0, by, T0) == ["suspension.until"]
        assert refused(service.suspend, s, org, "x", T0 + 2000 * DAY, by, T0) == ["suspension.until"]
        assert refused(service.suspend, s, 987654, "x", until, by, T0) == ["firm.unknown"]
        id = service.suspend(s, org, "逾期未交付", until, by, T0)
        assert may(s, firm, at=T0) == ["bid.suspended"] and may(s, firm, at=until) == []
        assert refused(service.suspend, s, org, "y", until, by, T0) == ["suspension.twice"]
        assert refused(service.appeal, s, other.org.id, id, "x", T0, "person:1") == ["suspension.unknown"]
        assert refused(service.decide_appeal, s, id, True, "x", regulator, T0) == ["suspension.no_appeal"]
        service.appeal(s, org, id, "交付已经完成", T0 + DAY, "person:1")
        assert refused(service.appeal, s, org, id, "再", T0 + DAY, "person:1") == ["suspension.appealed"]
        assert [x[0].id for x in desk.appeals(s)] == [id]
        service.decide_appeal(s, id, True, "材料属实", regulator, T0 + 2 * DAY)
        assert may(s, firm, at=T0 + 2 * DAY) == [] and may(s, firm, at=T0 + DAY) == ["bid.suspended"]
        assert refused(service.lift, s, id, "x", by, T0 + 3 * DAY) == ["suspension.over"]


def test_firms_are_warned_once_at_each_step_and_not_of_a_certificate_already_renewed(db: Database) -> None:
    with db.write() as s:
        firm = make_firm(s, "05", "测绘资质", expires_on=date(2026, 7, 1))
        renewed = make_firm(s, "05", "测绘资质", expires_on=date(2026, 6, 20))
        s.add(
            Qualification(
                org_id=renewed.org.id, name="测绘资质", level="", number="新", issued_on=date(2026, 1, 1),
                expires_on=date(2030, 1, 1), recorded_at=T0, verified_at=T0,
            )
        )  # fmt: skip
        assert service.warn_expiring(s, T0) == 1 and service.warn_expiring(s, T0) == 0
        assert service.warn_expiring(s, T0 + 24 * DAY) == 1
        kinds = s.execute(select(Notice.org_id, Notice.kind, Notice.values)).all()
        assert [(o, k, v["left"]) for o, k, v in kinds] == [
            (firm.org.id, "qualification.expiring", 30), (firm.org.id, "qualification.expiring", 6),
        ]  # fmt: skip


def test_an_operator_ends_a_category(db: Database) -> None:
    with db.write() as s:
        firm, by = make_firm(s), operator(s)
        changes.end_category(s, firm.org.id, "01", "营业执照注销", by, T0)
        assert may(s, firm, at=T0) == ["bid.notadmitted"] and may(s, firm, at=T0 - DAY) == []


def test_lists_cost_the_same_for_one_firm_and_for_many(db: Database) -> None:
    def cost() -> list[int]:
        with db.read() as s:
            queries.coverage(s, T0)  # whatever is parsed once
            sizes = []
            for work in (
                lambda: firms.firms(s, T0, categories=["01"], districts=["339901"], like="澄"),
                lambda: queries.coverage(s, T0),
                lambda: queries.facts(s, queries.eligible(s, "01", "", T0), "01", ""),
                lambda: queries.index_text(s, range(1, 99), T0),
            ):
                with counted(s) as seen:
                    work()
                sizes.append(len(seen))
            return sizes

    with db.write() as s:
        make_firm(s)
    one = cost()
    with db.write() as s:
        for _ in range(24):
            make_firm(s)
    assert cost() == one and one[2] == 2


def test_the_firm_list_pages_counts_and_searches(db: Database) -> None:
    with db.write() as s:
        for n in range(23):
            make_firm(s, "01" if n % 2 else "02", district="339902" if n % 3 else "339901", name=f"澄浦甲{n:02d}_公司")
        page = firms.firms(s, T0)
        assert (page.total, len(page.rows), page.by_category) == (23, 20, {"01": 11, "02": 12})
        assert len(firms.firms(s, T0, page=2).rows) == 3
        assert firms.firms(s, T0, categories=["01"]).by_category == {"01": 11, "02": 12}
        assert sum(firms.firms(s, T0, categories=["01"]).by_district.values()) == 11
        assert firms.firms(s, T0, like="甲05_").total == 1 and firms.firms(s, T0, like="%").total == 0
        ids = [r.id for r in page.rows[:3]][::-1]
        assert [r.id for r in firms.firms(s, T0, ids=ids).rows] == ids
        assert firms.firms(s, T0, ids=[]).total == 0


def test_coverage_counts_independent_groups_that_may_bid(db: Database) -> None:
    with db.write() as s:
        one, two = make_firm(s), make_firm(s)
        make_firm(s, "05", "测绘资质")
        make_firm(s, "05")  # admitted, but without the certificate every service of surveying asks for
        for firm in (one, two):
            record_tie(s, firm.org.id, "legal_rep", IDENTITY, "person", "沈某某", T0, "person:1")
        found = {c.category: (c.groups, c.firms, c.thin) for c in queries.coverage(s, T0)}
        assert found["01"] == (1, 2, True) and found["05"] == (1, 1, True) and found["02"] == (0, 0, True)
        assert len(found) == 21


def test_only_one_application_is_open(db: Database) -> None:
    with db.write() as s:
        firm = make_applicant(s)
        first = service.start(s, firm.org.id, T0)
        assert service.start(s, firm.org.id, T0).id == first.id
        assert s.scalar(select(func.count()).select_from(Application)) == 1
