"""States of a job, and what a posting must be to go out (pure).

Every refusal names the field at fault. Periods are working days of the official calendar, the day of publication
not counted (民法典 201); the numbers are the city's (city_rules).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from market.catalogue.rules import (
    Baseline,
    NoBaseline,
    Standards,
    baseline,
    coefficient_label,
    explain,
    key_label,
    phase_of,
    show_scale,
    stages_that_fit,
)
from market.catalogue.rules.explain import plain, scale_label
from market.errors import Refusal
from market.moments import BEIJING
from market.money import decimals
from market.workdays import Calendar, CalendarError

FEN_MAX: Final = 10**14
"""The largest ceiling, in fen (selection_methods §1)."""
DAYS_MAX: Final = 3650
"""The most working days a job may promise."""
TITLE: Final = (4, 120)
SUMMARY: Final = (10, 4000)
QUESTION: Final = (4, 1000)
ANSWER: Final = (2, 2000)
EVIDENCE: Final = (4, 500)
URGENCY: Final = (10, 500)
TAXES: Final = ("included", "excluded")
UNDO: Final = timedelta(days=30)
"""How long a deleted draft can be taken back."""
# 全国投资项目在线审批监管平台: year and month, area, industry, kind, serial (2605-330482-04-01-123456).
_PROJECT_CODE = re.compile(r"\d{4}-\d{6}-\d{2}-\d{2}-\d{6}")

_DISTRICT = re.compile(r"[0-9]{6}", re.ASCII)  # GB/T 2260; the door offers only the city's own


class State(StrEnum):
    """Where a job is; what happens at its auction is the auction's own state."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What moves a job."""

    SUBMIT = "submit"
    RETURN = "return"
    PUBLISH = "publish"
    CANCEL = "cancel"


NEXT = {
    (State.DRAFT, Event.SUBMIT): State.SUBMITTED,
    (State.SUBMITTED, Event.RETURN): State.RETURNED,
    (State.RETURNED, Event.SUBMIT): State.SUBMITTED,
    (State.SUBMITTED, Event.PUBLISH): State.PUBLISHED,
    (State.PUBLISHED, Event.CANCEL): State.CANCELLED,
}
EDITABLE = frozenset({State.DRAFT, State.RETURNED})
"""States in which the owner may still write."""


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads to, or why it cannot."""
    found = NEXT.get((State(state), event))
    if found is not None:
        return found
    return Refusal("job.state", values={"state": state, "event": event})


RECUSALS: Final[Mapping[str, str]] = {
    "interest": "与业主有投资、控股或管理关系",
    "kin": "双方负责人之间有近亲属或其他利害关系",
    "same_project": "已承担同一项目中须相互独立的另一项服务",
    "dispute": "与业主有尚未了结的诉讼、仲裁或合同争议",
    "breach": "近三年对业主有书面认定的严重违约",
    "other": "其他原因",
}
"""Reasons for a recusal (回避), published as they stand; `other` must be explained."""

FUNDING: Final[Mapping[str, str]] = {
    "government": "fiscal",
    "institution": "fiscal",
    "state_company": "state",
    "private": "private",
}
"""The funding that follows from an owner's kind (decisions.md)."""


@dataclass(frozen=True, slots=True)
class Posting:
    """What an owner asks for, as typed values. Money in fen, days in working days, `closes_at` is T (exclusive).

    `scale` is in the unit of the service's fee standard, `inputs` what it was made of (supervision: works,
    equipment); `evidence` backs coefficients that raise the baseline. `urgency`: why less than the usual time to bid
    is left, published with the job.
    """

    service: str
    title: str
    summary: str
    district: str
    ceiling: int
    days_max: int
    tax: str
    closes_at: datetime
    scale: int | None = None
    coefficients: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=dict)
    evidence: str = ""
    project_code: str | None = None
    urgency: str = ""


def check_posting(
    p: Posting, owner_kind: str, city: Mapping[str, Any], calendar: Calendar, now: datetime
) -> list[Refusal]:
    """Everything that keeps a posting from going out if it were published at `now`; empty when it may.

    Scale and coefficients are judged by `baseline_of`. Sources: decisions.md, city_rules.
    """
    found = [
        check_text("job.title", "title", p.title, TITLE),
        check_text("job.summary", "summary", p.summary, SUMMARY),
        None if _DISTRICT.fullmatch(p.district) else Refusal("job.district", "district"),
        None if 0 < p.ceiling <= FEN_MAX else Refusal("job.ceiling", "ceiling", {"max": FEN_MAX}),
        None if 1 <= p.days_max <= DAYS_MAX else Refusal("job.days", "days_max", {"max": DAYS_MAX}),
        None if p.tax in TAXES else Refusal("job.tax", "tax"),
        check_project_code(p.project_code),
        None if owner_kind in FUNDING else Refusal("job.funding", values={"kind": owner_kind}),
        closing_refusal(p.closes_at, now, city, calendar, urgency=p.urgency),
        check_text("job.urgency_text", "urgency", p.urgency, URGENCY) if p.urgency.strip() else None,
    ]
    return [refusal for refusal in found if refusal is not None]


def check_text(code: str, name: str, text: str, limits: tuple[int, int]) -> Refusal | None:
    """Whether a text is as long as it must be, blanks at the ends not counted."""
    low, high = limits
    if low <= len(text.strip()) <= high:
        return None
    return Refusal(code, name, {"low": low, "high": high, "have": len(text.strip())})


def check_project_code(code: str | None) -> Refusal | None:
    """A national project code (项目代码) is 4-6-2-2-6 ASCII digits, its month 01–12; None where there is none yet."""
    if code is None or (_PROJECT_CODE.fullmatch(code) and code.isascii() and 1 <= int(code[2:4]) <= 12):
        return None
    return Refusal("job.project_code", "project_code")


def closing_refusal(
    closes_at: datetime,
    now: datetime,
    city: Mapping[str, Any],
    calendar: Calendar,
    least: int | None = None,
    urgency: str | None = None,
) -> Refusal | None:
    """Why T may not stand for a job published (or amended) at `now`, or None: time of day, working day, period.

    `least`: working days that must be left; default the city's shortest bid period, which a published reason of
    urgency shortens down to the city's urgent one. The longest period holds always.
    """
    here = closes_at.astimezone(BEIJING)
    times = city["closing_times"]
    clock = here.strftime("%H:%M")
    whole = here.second == 0 and here.microsecond == 0 and here.minute in times["minutes"]
    if not (whole and times["from"] <= clock <= times["to"]):
        return Refusal("job.closing_time", "closing_time", {"from": times["from"], "to": times["to"], "at": clock})
    usual, high = city["min_bid_period_wd"] if least is None else least, city["max_bid_period_wd"]
    urgent = city["min_bid_period_urgent_wd"] if least is None else least
    low = urgent if urgency and urgency.strip() else usual
    try:
        earliest = calendar.add_workdays(calendar.effective_day(now), low)
        days = bid_period(closes_at, calendar, now) if calendar.is_workday(here.date()) else -1
    except CalendarError:
        return Refusal("job.calendar", "closing_day", {"day": here.date()})
    if urgent <= days < low:
        return Refusal("job.urgency", "urgency", {"n": usual, "have": days, "day": earliest})
    if days < low or closes_at <= now:
        return Refusal("job.deadline", "closing_day", {"n": low, "day": earliest})
    if days > high:
        return Refusal("job.too_far", "closing_day", {"n": high, "have": days})
    return None


def bid_period(closes_at: datetime, calendar: Calendar, now: datetime) -> int:
    """Working days between publication and T, T's day included; 0 when T's day is not after it.

    A job published after 17:00 or on a day off counts as published on the next working day. Raises CalendarError.
    """
    start, end = calendar.effective_day(now), closes_at.astimezone(BEIJING).date()
    return calendar.count_workdays(start, end) if end > start else 0


def shortened(closes_at: datetime, now: datetime, city: Mapping[str, Any], calendar: Calendar) -> bool:
    """Whether a job published at `now` leaves less than the usual time to bid. Raises CalendarError."""
    return bid_period(closes_at, calendar, now) < int(city["min_bid_period_wd"])


def earliest_day(city: Mapping[str, Any], calendar: Calendar, now: datetime, urgent: bool = False) -> date:
    """The first day T may fall on for a job published at `now`. Raises CalendarError."""
    least = city["min_bid_period_urgent_wd"] if urgent else city["min_bid_period_wd"]
    return calendar.add_workdays(calendar.effective_day(now), least)


def question_cutoff(closes_at: datetime, city: Mapping[str, Any], calendar: Calendar) -> datetime:
    """When questions end: 17:00:00 (inclusive) on the n-th working day before T's."""
    day = closes_at.astimezone(BEIJING).date()
    left = city["question_cutoff_wd_before_T"]
    while left > 0:
        day -= timedelta(days=1)
        left -= calendar.is_workday(day)
    return datetime(day.year, day.month, day.day, 17, tzinfo=BEIJING)


def check_recusal(reason: str, note: str) -> Refusal | None:
    """A recusal names a reason of the list; `other` is explained in at least four characters."""
    if reason not in RECUSALS:
        return Refusal("recusal.reason", "reason")
    if len(note) > 200:
        return Refusal("recusal.note_long", "note", {"max": 200})
    if reason == "other" and len(note.strip()) < 4:
        return Refusal("recusal.note", "note")
    return None


def recusal_text(reason: str, note: str) -> str:
    """The published words of a recusal."""
    return f"{RECUSALS[reason]}：{note.strip()}" if note.strip() else RECUSALS[reason]


def few_left(left: int, minimum: int) -> Refusal | None:
    """A warning, not a refusal: with fewer firms than the minimum there can be no award (ux M13)."""
    return Refusal("job.recusewarn", values={"n": left, "min": minimum}) if left < minimum else None


def check_nod(baseline: Mapping[str, Any]) -> Refusal | None:
    """Coefficients that raise the baseline go out only with evidence and the reviewer's nod (design, oversight 1)."""
    if not baseline.get("raised"):
        return None
    if not baseline.get("evidence"):
        return Refusal("job.evidence", "evidence")
    return None if baseline.get("nod") else Refusal("job.nod", "nod")


@dataclass(frozen=True, slots=True)
class Measure:
    """What a baseline is made from: the catalogue entry, the owner's scale and coefficients, and what backs them."""

    service: str
    standard: str | None
    days: int
    days_source: str
    scale: int | None = None
    coefficients: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=dict)
    evidence: str = ""


def baseline_of(standards: Standards, m: Measure) -> tuple[dict[str, Any], list[Refusal]]:
    """The baseline of a job as it is stored and published, and what is wrong with scale and coefficients.

    JSON of ints and text: `fee` and `corridor` in fen or None with `why` (no_standard, below_table, above_table),
    `kind`, `standard`, `document`, `digest`, `scale`, `inputs`, `coefficients`, `raised` (names of those that raise
    it), `evidence`, `days`, `days_source`, `parts` (the arithmetic as rows of {zh, en, value}) and `lines` (the same
    in full sentences, {zh, en}). Source: data/README.md of the catalogue.
    """
    stored: dict[str, Any] = {
        "fee": None, "why": "no_standard", "kind": None, "standard": m.standard, "document": None, "digest": None,
        "scale": m.scale, "inputs": dict(m.inputs), "coefficients": {}, "raised": [], "evidence": m.evidence.strip(),
        "days": m.days, "days_source": m.days_source, "corridor": None, "parts": [], "lines": [],
    }  # fmt: skip
    standard = standards.get(m.standard)
    if standard is None:
        return {**stored, "scale": None, "evidence": ""}, []
    given = {name: list(v) if isinstance(v, tuple) else v for name, v in m.coefficients.items()}
    stored |= {
        "kind": str(standard.kind), "document": standard.document, "digest": standards.digest, "coefficients": given,
    }  # fmt: skip
    found = baseline(standards, m.standard, m.scale, given)
    if isinstance(found, NoBaseline):
        if found.code in ("below_table", "above_table"):
            return {**stored, "why": found.code}, []
        name = "scale" if found.name is None else f"coef_{found.name}"
        said = {"name": found.name or "", "means": standard.scale_means}
        return stored, [Refusal(f"baseline.{found.code}", name, said)]
    stored["raised"] = raised(found)
    stored |= {"fee": int(found.fee), "why": None, "parts": _parts(found), "lines": _lines(found)}
    if found.low is not None and found.high is not None:
        stored["corridor"] = [int(found.low), int(found.high)]
    return stored, [*_size_refusals(stored), *_stage_refusals(found, m.service), *_evidence_refusals(stored)]


def raised(found: Baseline) -> list[str]:
    """Names of the owner's coefficients that lift the fee above the table, or use the owner's own discretion.

    A decimal the owner sets (复杂程度 0.8–1.2) counts unless it is 1: the document wants a reason for it.
    """
    free = {c.name for c in found.standard.asked if c.values is None and not c.several}
    return [f.name for f in found.factors if f.factor > 1 or (f.name in free and f.factor != 1)]


def _stage_refusals(found: Baseline, service: str) -> list[Refusal]:
    """A design phase is only measured against keys that fit the complexity and the phase (S018, S020)."""
    stage = found.standard.coefficient("stage")
    if stage is None or stage.values is None:
        return []
    keys = {f.name: f.key for f in found.factors}
    fitting = stages_that_fit(stage, keys.get("complexity", ""), phase_of(service))
    return [] if keys["stage"] in fitting else [Refusal("baseline.stage", "coef_stage")]


def _size_refusals(stored: Mapping[str, Any]) -> list[Refusal]:
    """A baseline above what a ceiling may be is a scale in the wrong unit: beside it every price would be a saving.

    It also keeps the sums of the rollup (oversight/metrics) within 64 bits.
    """
    return [] if stored["fee"] <= FEN_MAX else [Refusal("baseline.large", "scale", {"max": FEN_MAX})]


def _evidence_refusals(stored: Mapping[str, Any]) -> list[Refusal]:
    if not stored["raised"]:
        return []
    no = check_text("job.evidence", "evidence", stored["evidence"], EVIDENCE)
    return [] if no is None else [no]


def _lines(found: Baseline) -> list[dict[str, str]]:
    return [{"zh": zh, "en": en} for zh, en in zip(explain(found, "zh"), explain(found, "en"), strict=True)]


def _parts(found: Baseline) -> list[dict[str, str]]:
    """Table figure in yuan, then each of the owner's factors: what stands beside the price."""
    standard = found.standard
    scale = {lang: f"{scale_label(standard, lang)} {show_scale(standard, found.scale, lang)}" for lang in ("zh", "en")}
    parts = [{**scale, "value": decimals(found.table / 100)}]
    for factor in found.factors:
        coefficient = standard.coefficient(factor.name)
        if coefficient is None or not coefficient.by_owner:
            continue
        row = {"value": f"× {plain(factor.factor)}"}
        for lang, colon in (("zh", "："), ("en", ": ")):
            label = coefficient_label(coefficient, lang)
            row[lang] = label + (colon + key_label(coefficient, factor.key, lang) if coefficient.values else "")
        parts.append(row)
    return parts
