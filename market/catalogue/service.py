"""Loading the catalogue: each file is checked whole, then taken whole or not at all, as a new version with its date."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from importlib.resources import files
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries
from market.catalogue.checking import calendar_of, check_calendar, check_city, check_methods, moved_days
from market.catalogue.models import CatalogueVersion, Category, Service
from market.catalogue.reading import (
    Column,
    Document,
    Fault,
    Table,
    code_of,
    days_of,
    one_of,
    read_json,
    read_table,
    text_of,
)
from market.catalogue.shipped import shipped
from market.catalogue.standards import check_standards
from market.clock import BEIJING
from market.errors import Refusal
from market.ids import canonical_json

Faults = Callable[[Mapping[str, Any], str], list[Fault]]


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one entry that the file would change."""

    key: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a file would do (`dry_run`) or did. `version` is None unless one was written."""

    kind: str
    source: str
    effective_on: date
    encoding: str
    digest: str
    added: tuple[str, ...] = ()
    changed: tuple[Change, ...] = ()
    gone: tuple[str, ...] = ()
    same: int = 0
    refused: tuple[Fault, ...] = ()
    dry_run: bool = True
    version: int | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing was refused."""
        return not self.refused

    @property
    def idle(self) -> bool:
        """Whether the file changes nothing."""
        return self.ok and not (self.added or self.changed or self.gone)


CATEGORY_COLUMNS = (
    Column("code", code_of(r"[0-9A-Za-z]{1,12}", "01")),
    Column("name_zh", text_of(60)),
    Column("name_en", text_of(80)),
)
_SERVICE_FIELDS = {
    "stage": "stage",
    "approval_item_zh": "item",
    "department_zh": "department",
    "service_zh": "name",
    "category_code": "category_code",
    "qualification_zh": "qualification",
    "baseline_working_days": "days",
    "fee_standard_id": "standard",
    "days_source": "days_source",
}
"""Columns of approval_items.csv after the code, and where each is kept."""


def service_columns(categories: frozenset[str], standards: frozenset[str]) -> tuple[Column, ...]:
    """The columns of approval_items.csv; unknown categories and fee standards are refused by line."""
    return (
        Column("code", code_of(r"[0-9A-Za-z]{1,12}", "S001")),
        Column("stage", code_of(r"[a-z][a-z_]{0,23}", "initiation")),
        Column("approval_item_zh", text_of(100)),
        Column("department_zh", text_of(50)),
        Column("service_zh", text_of(100)),
        Column("category_code", one_of(categories, "catalogue.category_unknown")),
        Column("qualification_zh", text_of(80, 0)),
        Column("baseline_working_days", days_of),
        Column("fee_standard_id", one_of(standards, "catalogue.standard_unknown", optional=True)),
        Column("days_source", text_of(200)),
    )


def load_categories(
    s: Session, data: str | bytes, source: str, effective_on: date, now: datetime, by: str, dry_run: bool = False
) -> Report:
    """Take a categories.csv. Codes stand for ever: a code the file leaves out stays; names change at once."""
    table = read_table(data, CATEGORY_COLUMNS)
    have = {c.code: {"name_zh": c.name_zh, "name_en": c.name_en} for c in queries.categories(s)}
    want = {row.cells["code"]: {k: row.cells[k] for k in ("name_zh", "name_en")} for row in table.rows}
    report = replace(_compare("categories", table, source, effective_on, have, want), gone=(), dry_run=dry_run)
    if effective_on > _today(now):
        report = _with(report, Fault(0, "effective_on", Refusal("catalogue.at_once", "effective_on")))
    report = _dated(s, report, now, source)
    if dry_run or report.idle or not report.ok:
        return report
    version = _version(s, report, table.text, now, by)
    for code in report.added:
        s.execute(insert(Category).values(code=code, version_id=version, **want[code]))
    for code in {change.key for change in report.changed}:
        s.execute(update(Category).where(Category.code == code).values(version_id=version, **want[code]))
    return replace(report, version=version)


def load_services(
    s: Session, data: str | bytes, source: str, effective_on: date, now: datetime, by: str, dry_run: bool = False
) -> Report:
    """Take an approval_items.csv as the whole list from `effective_on` on; jobs already posted keep theirs."""
    known = frozenset(queries.category_codes(s))
    table = read_table(data, service_columns(known, queries.standard_ids(s, effective_on)))
    have = {x.code: _cells(x) for x in queries.services_on(s, effective_on)}
    want = {row.cells["code"]: {k: v for k, v in row.cells.items() if k != "code"} for row in table.rows}
    report = replace(_compare("services", table, source, effective_on, have, want), dry_run=dry_run)
    report = _dated(s, report, now, source)
    if dry_run or report.idle or not report.ok:
        return report
    version = _version(s, report, table.text, now, by)
    s.execute(insert(Service), [_service(version, code, cells) for code, cells in want.items()])
    return replace(report, version=version)


def _cells(service: Service) -> dict[str, str]:
    return {column: str(getattr(service, kept) or "") for column, kept in _SERVICE_FIELDS.items()}


def _service(version: int, code: str, cells: Mapping[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {kept: cells[column] for column, kept in _SERVICE_FIELDS.items()}
    row |= {"version_id": version, "code": code, "days": int(row["days"]), "standard": row["standard"] or None}
    return row


def load_standards(
    s: Session, data: str | bytes, source: str, effective_on: date, now: datetime, by: str, dry_run: bool = False
) -> Report:
    """Take a fee_standards.json; every check value in it is computed again and must come out to the fen."""
    document = read_json(data)
    faults = list(document.faults) or check_standards(document.value, document.text)
    if not faults:
        faults = _still_used(s, document, effective_on)
    return _load_document(s, "standards", document, faults, _standards, source, effective_on, now, by, dry_run)


def _standards(value: Any) -> dict[str, Any]:
    return {str(standard["id"]): standard for standard in value["standards"]}


def _still_used(s: Session, document: Document, day: date) -> list[Fault]:
    """A standard that a service in force rests on cannot be left out: its baselines would silently be gone."""
    left = _standards(document.value)
    lost = [x for x in queries.services_on(s, day) if x.standard and x.standard not in left]
    values = [{"standard": x.standard, "code": x.code} for x in lost]
    return [Fault(0, "id", Refusal("catalogue.standard_used", values=value)) for value in values]


def load_city_rules(
    s: Session, data: str | bytes, source: str, effective_on: date, now: datetime, by: str, dry_run: bool = False
) -> Report:
    """Take a city_rules.json: notice periods, standstill, drain and the other numbers of the city."""
    document = read_json(data)
    faults = list(document.faults) or check_city(document.value, document.text)
    return _load_document(s, "city_rules", document, faults, dict, source, effective_on, now, by, dry_run)


def load_method_rules(
    s: Session,
    data: str | bytes,
    source: str,
    effective_on: date,
    now: datetime,
    by: str,
    dry_run: bool = False,
    check: Faults | None = None,
) -> Report:
    """Take a method_rules.json. `check` is the bidding package's own, which knows the methods."""
    document = read_json(data)
    faults = list(document.faults) or check_methods(document.value, document.text)
    if not faults and check is not None:
        faults = check(document.value, document.text)
    return _load_document(s, "method_rules", document, faults, dict, source, effective_on, now, by, dry_run)


def load_calendar(
    s: Session, data: str | bytes, source: str, effective_on: date, now: datetime, by: str, dry_run: bool = False
) -> Report:
    """Take a calendar.json (first, last, holidays, make_up_days). Deadlines already set are moved by nobody."""
    document = read_json(data)
    faults = list(document.faults) or check_calendar(document.value, document.text)
    report = _load_document(s, "calendar", document, faults, _calendar_days, source, effective_on, now, by, True)
    if report.ok and queries.version_on(s, "calendar", date.max) is not None:
        moved = moved_days(queries.calendar(s), calendar_of(document.value))
        report = replace(
            report, changed=tuple(_moved(d.isoformat(), calendar_of(document.value).is_workday(d)) for d in moved)
        )
    if dry_run or report.idle or not report.ok:
        return replace(report, dry_run=dry_run)
    version = _version(s, report, document.text, now, by)
    return replace(report, version=version, dry_run=False)


def _calendar_days(value: Any) -> dict[str, Any]:
    return {"first": value["first"], "last": value["last"]}


def _moved(day: str, worked: bool) -> Change:
    return Change(day, "workday", "off" if worked else "work", "work" if worked else "off")


def _load_document(
    s: Session,
    kind: str,
    document: Document,
    faults: list[Fault],
    entries: Callable[[Any], Mapping[str, Any]],
    source: str,
    effective_on: date,
    now: datetime,
    by: str,
    dry_run: bool,
) -> Report:
    before = queries.version_on(s, kind, effective_on)
    have = {} if before is None else entries(_json_of(s, before))
    want = {} if faults else entries(document.value)
    report = _compare(kind, document, source, effective_on, _flat(have), _flat(want), tuple(faults))
    if before is not None and before.digest == document.digest and report.ok:
        report = replace(report, added=(), changed=(), gone=(), same=len(want))
    report = _dated(s, replace(report, dry_run=dry_run), now, source)
    if dry_run or report.idle or not report.ok:
        return report
    return replace(report, version=_version(s, report, document.text, now, by))


def _json_of(s: Session, version: CatalogueVersion) -> Any:
    return read_json(str(version.document["text"])).value


def _flat(entries: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Entries to compare: a nested one by its own names, a plain one under `value`."""
    return {
        key: {k: str(v) for k, v in value.items()} if isinstance(value, dict) else {"value": str(value)}
        for key, value in entries.items()
    }


def _compare(
    kind: str,
    read: Table | Document,
    source: str,
    effective_on: date,
    have: Mapping[str, Mapping[str, str]],
    want: Mapping[str, Mapping[str, str]],
    faults: tuple[Fault, ...] = (),
) -> Report:
    changed = [
        Change(key, column, have[key].get(column, ""), want[key].get(column, ""))
        for key in want
        if key in have
        for column in {**have[key], **want[key]}
        if have[key].get(column, "") != want[key].get(column, "")
    ]
    moved = {change.key for change in changed}
    return Report(
        kind,
        source.strip(),
        effective_on,
        read.encoding,
        read.digest,
        added=tuple(key for key in want if key not in have),
        changed=tuple(changed),
        gone=tuple(key for key in have if key not in want),
        same=sum(key in have and key not in moved for key in want),
        refused=tuple(sorted(faults or read.faults, key=lambda f: f.line)),
    )


def _today(now: datetime) -> date:
    return now.astimezone(BEIJING).date()


def _with(report: Report, fault: Fault) -> Report:
    return replace(report, refused=(fault, *report.refused))


def _dated(s: Session, report: Report, now: datetime, source: str) -> Report:
    """A source is named; only the first version of a kind may begin in the past, when nothing was in force yet."""
    if not 1 <= len(report.source) <= 200:
        report = _with(report, Fault(0, "source", Refusal("catalogue.source", "source", {"most": 200})))
    day = report.effective_on
    if day < _today(now) and queries.version_on(s, report.kind, date.max) is not None and not report.idle:
        past = {"day": day, "today": _today(now)}
        report = _with(report, Fault(0, "effective_on", Refusal("catalogue.past", "effective_on", past)))
    if (day - _today(now)).days > 3 * 366:
        report = _with(report, Fault(0, "effective_on", Refusal("catalogue.far", "effective_on", {"day": day})))
    return report


def _version(s: Session, report: Report, text: str, now: datetime, by: str) -> int:
    row = CatalogueVersion(
        kind=report.kind,
        effective_on=report.effective_on,
        loaded_at=now,
        source=report.source,
        digest=report.digest,
        document={"text": text, "encoding": report.encoding},
    )
    s.add(row)
    s.flush()
    record(
        s,
        Deed.CATALOGUE_LOADED,
        now,
        by,
        subject=f"catalogue:{row.kind}",
        version=row.id,
        kind=row.kind,
        digest=row.digest,
        effective_on=row.effective_on.isoformat(),
    )
    return row.id


SHIPPED = "随软件提供（market/catalogue/data，出处见文件）"


def found_catalogue(
    s: Session, now: datetime, method_rules: Mapping[str, Any], sample: bool, since: date | None = None
) -> None:
    """Load what ships with the package where a kind has no version yet: calendar, city rules, method rules, standards.

    The sample city gets its categories and services too; an empty one loads its own. `since`: the day they begin,
    today where not given. `method_rules` come from the bidding package, which the market does not know.
    """
    day = since or _today(now)
    market = files("market")
    loads: list[tuple[str, Any, bytes]] = [
        ("calendar", load_calendar, (market / "calendar.json").read_bytes()),
        ("city_rules", load_city_rules, (market / "city_rules.json").read_bytes()),
        ("method_rules", load_method_rules, canonical_json(method_rules)),
        ("standards", load_standards, shipped("fee_standards.json")),
    ]
    if sample:
        loads.append(("categories", load_categories, shipped("categories.csv")))
        loads.append(("services", load_services, shipped("approval_items.csv")))
    for kind, load, content in loads:
        if queries.version_on(s, kind, date.max) is None:
            report: Report = load(s, content, SHIPPED, day, now, "system")
            if not report.ok:
                first = report.refused[0]
                raise ValueError(f"The shipped {kind} has a fault in line {first.line}: {first.refusal.code}.")
