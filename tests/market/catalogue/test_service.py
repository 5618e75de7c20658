"""Loading the catalogue on both databases: all or nothing, by versions, and the same file twice does nothing."""

import json
from datetime import date, timedelta
from importlib.resources import files

import pytest
from sqlalchemy import func, select

from market.audit.models import AuditEntry
from market.catalogue import queries
from market.catalogue.models import CatalogueVersion, Service
from market.catalogue.service import (
    Report,
    load_calendar,
    load_categories,
    load_city_rules,
    load_method_rules,
    load_services,
    load_standards,
)
from market.catalogue.shipped import shipped
from market.db import Database
from market.errors import Refused
from tests.counting import counted
from tests.makers import FOUNDED, T0

TODAY = date(2026, 6, 1)
CITY = files("market").joinpath("city_rules.json").read_text("utf-8")
DAYS = files("market").joinpath("calendar.json").read_text("utf-8")


def services(s, text: str | bytes, day: date = TODAY, dry_run: bool = False) -> Report:  # type: ignore[no-untyped-def]
    return load_services(s, text, "测试文件", day, T0, "person:1", dry_run)


def changed_days(code: str, days: str) -> str:
    lines = shipped("approval_items.csv").decode().splitlines(keepends=True)
    cells = [line.split(",") for line in lines]
    return "".join(
        ",".join([*c[:7], days, *c[8:]]) if c[0] == code else line for c, line in zip(cells, lines, strict=True)
    )


def versions(s) -> int:  # type: ignore[no-untyped-def]
    return s.scalar(select(func.count()).select_from(CatalogueVersion)) or 0


def test_the_founded_city_has_the_whole_catalogue(db: Database) -> None:
    with db.read() as s:
        assert len(queries.categories(s)) == 21
        assert len(queries.services_on(s, T0)) == 45
        assert len(queries.standards_on(s, T0).by_id) == 23
        assert queries.city_rules_on(s, T0)["min_competitors"] == 3
        assert set(queries.method_rules_on(s, T0)["funding"]) == {"fiscal", "state", "private"}
        calendar = queries.calendar(s)
        assert calendar.is_workday(date(2026, 10, 10)) and calendar.is_provisional(date(2027, 3, 1))
        assert queries.service_on(s, "S011", FOUNDED - timedelta(days=40)) is None


def test_the_same_file_twice_is_a_no_op(db: Database) -> None:
    with db.write() as s:
        before = versions(s)
        report = services(s, shipped("approval_items.csv"))
        assert report.ok and report.idle and report.same == 45 and report.version is None
        standards = load_standards(s, shipped("fee_standards.json"), "同一文件", TODAY, T0, "person:1")
        assert standards.idle and standards.version is None
        assert load_city_rules(s, CITY, "同一文件", TODAY, T0, "person:1").idle
        assert load_calendar(s, DAYS, "同一文件", TODAY, T0, "person:1").idle
        assert versions(s) == before


def test_a_dry_run_tells_what_would_change_and_writes_nothing(db: Database) -> None:
    with db.write() as s:
        before = versions(s)
        report = services(s, changed_days("S011", "40"), dry_run=True)
        assert [(c.key, c.column, c.before, c.after) for c in report.changed] == [
            ("S011", "baseline_working_days", "45", "40")
        ]
        assert report.same == 44 and report.version is None and versions(s) == before


def test_a_new_version_begins_on_its_day_and_the_old_one_stays_for_what_rests_on_it(db: Database) -> None:
    with db.write() as s:
        old = queries.service_on(s, "S011", T0)
        report = services(s, changed_days("S011", "40"), TODAY + timedelta(days=9))
        assert report.version is not None
        now, later = queries.service_on(s, "S011", T0), queries.service_on(s, "S011", TODAY + timedelta(days=9))
        assert old is not None and now is not None and later is not None
        assert (now.id, now.days, later.days) == (old.id, 45, 40)
        assert s.get(Service, old.id) is not None
        record = s.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert record is not None and record.deed == "catalogue.loaded" and record.facts["version"] == report.version


def test_one_faulty_line_keeps_the_whole_file_out(db: Database) -> None:
    with db.write() as s:
        before = versions(s)
        report = services(s, changed_days("S020", "-1"))
        assert [(f.line, f.column, f.refusal.code) for f in report.refused] == [
            (21, "baseline_working_days", "catalogue.cell_days")
        ]
        assert report.version is None and versions(s) == before


def test_a_service_left_out_is_gone_from_its_day_on(db: Database) -> None:
    with db.write() as s:
        text = "".join(shipped("approval_items.csv").decode().splitlines(keepends=True)[:-1])
        report = services(s, text)
        assert report.gone == ("S045",) and queries.service_on(s, "S045", T0) is None
        assert queries.service_on(s, "S045", FOUNDED) is not None


def test_categories_take_new_names_and_keep_codes_the_file_leaves_out(db: Database) -> None:
    text = "code,name_zh,name_en\n01,环评,EIA\n22,碳排放核查,Carbon verification\n"
    with db.write() as s:
        report = load_categories(s, text, "测试", TODAY, T0, "person:1")
        assert report.added == ("22",) and {c.key for c in report.changed} == {"01"}
        names = {c.code: c.name_zh for c in queries.categories(s)}
        assert names["01"] == "环评" and names["02"] == "水土保持方案编制" and len(names) == 22
        late = load_categories(s, text, "测试", TODAY + timedelta(days=1), T0, "person:1", True)
        assert [f.refusal.code for f in late.refused] == ["catalogue.at_once"]


def test_a_table_that_does_not_give_its_check_values_is_refused(db: Database) -> None:
    text = shipped("fee_standards.json").decode()
    wrong = text.replace('"fee": 22550000', '"fee": 22550001', 1)
    assert wrong != text
    with db.write() as s:
        report = load_standards(s, wrong, "测试", TODAY, T0, "person:1")
        assert [f.refusal.code for f in report.refused] == ["catalogue.check_differs"]
        assert report.refused[0].line > 1 and report.refused[0].column == "tender_works"


def test_a_standard_in_use_cannot_be_left_out(db: Database) -> None:
    document = json.loads(shipped("fee_standards.json"))
    document["standards"] = [x for x in document["standards"] if x["id"] != "house_survey"]
    with db.write() as s:
        report = load_standards(s, json.dumps(document), "测试", TODAY, T0, "person:1")
        assert [f.refusal.values["code"] for f in report.refused] == ["S042"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"min_competitors": 2}, "catalogue.key_range"),
        ({"standstill_wd": -1}, "catalogue.key_range"),
        ({"standstill_wd": True}, "catalogue.key_range"),
        ({"standstill_wd": 10**30}, "catalogue.key_range"),
        ({"min_bid_period_wd": 40, "max_bid_period_wd": 30}, "catalogue.key_order"),
        ({"closing_times": {"from": "09:00", "to": "18:00", "minutes": [0]}}, "catalogue.closing_times"),
        ({"abnormally_low": {"mean": "3/2", "next": "3/10"}}, "catalogue.shares"),
    ],
)
def test_a_citys_numbers_have_limits(db: Database, change: dict[str, object], code: str) -> None:
    with db.write() as s:
        text = json.dumps(json.loads(CITY) | change)
        report = load_city_rules(s, text, "测试", TODAY, T0, "person:1")
        assert code in [f.refusal.code for f in report.refused] and report.version is None


def test_a_calendar_tells_the_days_that_move_and_is_used_at_once(db: Database) -> None:
    document = json.loads(DAYS)
    document["holidays"].append("2026-11-02")
    with db.write() as s:
        dry = load_calendar(s, json.dumps(document), "测试", TODAY, T0, "person:1", True)
        assert [(c.key, c.after) for c in dry.changed] == [("2026-11-02", "off")]
        assert queries.calendar(s).is_workday(date(2026, 11, 2))
        load_calendar(s, json.dumps(document), "测试", TODAY, T0, "person:1")
        assert not queries.calendar(s).is_workday(date(2026, 11, 2))
        wrong = load_calendar(s, json.dumps(document | {"last": "2026-13-01"}), "测试", TODAY, T0, "person:1")
        assert [f.refusal.code for f in wrong.refused] == ["catalogue.calendar"]


def test_method_rules_need_bands(db: Database) -> None:
    with db.write() as s:
        report = load_method_rules(s, '{"funding": {"fiscal": {"bands": []}}}', "测试", TODAY, T0, "person:1")
        assert [f.refusal.code for f in report.refused] == ["catalogue.bands"]


def test_dates_and_sources_are_checked(db: Database) -> None:
    text = changed_days("S011", "40")
    with db.write() as s:
        assert [f.refusal.code for f in services(s, text, TODAY - timedelta(days=1)).refused] == ["catalogue.past"]
        assert [f.refusal.code for f in services(s, text, date(2099, 1, 1)).refused] == ["catalogue.far"]
        report = load_services(s, text, " ", TODAY, T0, "person:1")
        assert [f.refusal.code for f in report.refused] == ["catalogue.source"]


def test_search_takes_signs_literally_and_every_word(db: Database) -> None:
    with db.read() as s:
        assert queries.suggest(s, "环境 报告表", T0)[0][0].code == "S012"
        assert queries.suggest(s, "%", T0)[1] == 0 and queries.suggest(s, "_", T0)[1] == 0
        assert queries.suggest(s, "", T0)[1] == 45
        assert queries.suggest(s, "", T0, "09")[1] == 3
        assert queries.suggest(s, "ENVIRONMENTAL", T0)[1] == 4


def test_what_people_say_for_short_finds_the_category(db: Database) -> None:
    with db.read() as s:
        for word, code in (("环评", "01"), ("水保", "02"), ("能评", "03"), ("安评", "13"), ("可研", "12")):
            assert code in {x.category_code for x in queries.suggest(s, word, T0)[0]}, word


def test_reading_costs_the_same_whatever_there_is(db: Database) -> None:
    with db.read() as s:
        queries.city_rules_on(s, T0)
        with counted(s) as seen:
            queries.services_on(s, T0)
            queries.city_rules_on(s, T0)
            queries.suggest(s, "报告", T0)
        assert len(seen) == 4


def test_nothing_loaded_is_told_with_the_mend(db: Database) -> None:
    with db.read() as s, pytest.raises(Refused) as no:
        queries.city_rules_on(s, date(1999, 1, 1))
    assert no.value.status == 503


def test_a_file_from_before_a_rule_is_as_good_as_ever_and_a_new_number_is_checked(db: Database) -> None:
    old = {key: value for key, value in json.loads(CITY).items() if key not in queries.LATER}
    with db.write() as s:
        load_city_rules(s, json.dumps(old), "旧文件", TODAY, T0, "person:1")
        assert {key: queries.city_rules_on(s, T0)[key] for key in queries.LATER} == queries.LATER
        load_city_rules(s, json.dumps({**old, "pay_within_wd": 30}), "新文件", TODAY, T0, "person:1")
        assert queries.city_rules_on(s, T0)["pay_within_wd"] == 30
        for wrong in (0, 121, "10", True, None, 5.0):
            report = load_city_rules(s, json.dumps({**old, "pay_within_wd": wrong}), "错文件", TODAY, T0, "person:1")
            assert [f.refusal.code for f in report.refused] == ["catalogue.key_range"] and report.version is None
