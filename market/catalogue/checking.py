"""Whether a JSON document is what it claims to be: the city's numbers, the calendar, method rules (pure)."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from market.catalogue.reading import Fault, line_of
from market.errors import Refusal
from market.workdays import Calendar, CalendarError, official_calendar, parse_calendar, with_provisional

Check = Callable[[Mapping[str, Any], str], list[Fault]]

_NUMBERS: Mapping[str, tuple[int, int]] = {
    "min_bid_period_wd": (1, 60),
    "min_bid_period_urgent_wd": (1, 60),
    "max_bid_period_wd": (1, 250),
    "question_cutoff_wd_before_T": (0, 30),
    "after_amendment_min_wd": (1, 60),
    "standstill_wd": (1, 60),
    "objection_answer_wd": (1, 60),
    "complaint_decision_wd": (1, 120),
    "low_price_explanation_wd": (1, 30),
    "sign_after_standing_wd": (1, 60),
    "bid_validity_wd": (1, 250),
    "reruns": (0, 1),
    "drain_seconds": (10, 300),
    "min_competitors": (3, 10),
    "retention_years": (15, 100),
    "review_blind_days": (1, 90),
}
"""The city's numbers and the limits the design allows: three competitors, a drain of ten seconds that the waits of a
bid stay under, and bid files kept fifteen years are floors, not choices. wd = working days."""
_LATER: Mapping[str, tuple[int, int]] = {
    "pay_within_wd": (1, 120), "finding_reply_wd": (1, 60), "credit_repair_wd": (1, 60),
}  # fmt: skip
"""Numbers of later rules: a file from before them is as good as ever (`queries.LATER`)."""
LAST_PROVISIONAL = 2030
"""The last year whose statutory holidays are known to `market.workdays`."""


def check_city(rules: Mapping[str, Any], text: str) -> list[Fault]:
    """Faults of a city's rules: every number there and within its limits, closing times on a working day."""
    found = [_number(rules, name, low, high, text) for name, (low, high) in _NUMBERS.items()]
    found += [_number(rules, name, low, high, text) for name, (low, high) in _LATER.items() if name in rules]
    faults = [fault for fault in found if fault is not None]
    if not faults:
        faults += _order(rules, text)
    return [*faults, *_closing(rules, text), *_abnormal(rules, text)]


def _number(rules: Mapping[str, Any], name: str, low: int, high: int, text: str) -> Fault | None:
    if name not in rules:
        return Fault(0, name, Refusal("catalogue.key_missing", values={"key": name}))
    value = rules[name]
    if type(value) is not int or not low <= value <= high:
        values = {"key": name, "low": low, "high": high, "value": str(value)[:40]}
        return Fault(line_of(text, name), name, Refusal("catalogue.key_range", values=values))
    return None


def _order(rules: Mapping[str, Any], text: str) -> list[Fault]:
    pairs = (
        ("min_bid_period_urgent_wd", "min_bid_period_wd"),
        ("min_bid_period_wd", "max_bid_period_wd"),
        ("question_cutoff_wd_before_T", "min_bid_period_wd"),
    )
    return [
        Fault(line_of(text, less), less, Refusal("catalogue.key_order", values={"less": less, "more": more}))
        for less, more in pairs
        if rules[less] > rules[more]
    ]


def _closing(rules: Mapping[str, Any], text: str) -> list[Fault]:
    times = rules.get("closing_times")
    if isinstance(times, dict):
        start, end, minutes = times.get("from"), times.get("to"), times.get("minutes")
        right = (
            all(isinstance(t, str) and re.fullmatch(r"(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]", t) for t in (start, end))
            and isinstance(minutes, list)
            and bool(minutes)
            and all(type(m) is int and 0 <= m <= 59 for m in minutes)
        )
        # 17:00 ends a working day (market.workdays): a later closing would fall on the next one.
        if right and str(start) <= str(end) <= "17:00":
            return []
    return [Fault(line_of(text, "closing_times"), "closing_times", Refusal("catalogue.closing_times"))]


def _abnormal(rules: Mapping[str, Any], text: str) -> list[Fault]:
    low = rules.get("abnormally_low")
    if isinstance(low, dict) and all(_share(low.get(name)) for name in ("mean", "next")):
        return []
    return [Fault(line_of(text, "abnormally_low"), "abnormally_low", Refusal("catalogue.shares"))]


def _share(value: object) -> bool:
    """A proper fraction written as "2/5"."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,6}/[1-9][0-9]{0,5}", value):
        return False
    above, _, below = value.partition("/")
    return int(above) < int(below)


def calendar_of(document: Mapping[str, Any]) -> Calendar:
    """The calendar of a document and the provisional years after it, as the app uses it. Raises CalendarError."""
    calendar = parse_calendar({name: document.get(name) for name in ("first", "last", "holidays", "make_up_days")})
    # A calendar that ends within a year is not continued: half a year by notice and half by law would be neither.
    whole = (calendar.last.month, calendar.last.day) == (12, 31)
    if not whole or calendar.last.year < official_calendar().last.year:
        return calendar
    return with_provisional(calendar, range(calendar.last.year + 1, LAST_PROVISIONAL + 1))


def check_calendar(document: Mapping[str, Any], text: str) -> list[Fault]:
    """Faults of a calendar: its days, and that it does not end before today's could be asked."""
    faults = []
    for name in ("first", "last", "holidays", "make_up_days"):
        if name not in document:
            faults.append(Fault(0, name, Refusal("catalogue.key_missing", values={"key": name})))
    if faults:
        return faults
    for name in ("holidays", "make_up_days"):
        faults += _days(document, name, text)
    try:
        calendar = calendar_of(document)
    except CalendarError:
        return faults or [Fault(line_of(text, "first"), "first", Refusal("catalogue.calendar"))]
    for day in sorted(calendar.make_up_days):
        if not calendar.first <= day <= calendar.last:
            faults.append(_day(day.isoformat(), "make_up_days", text))
    return faults


def _days(document: Mapping[str, Any], name: str, text: str) -> list[Fault]:
    entries = document[name]
    if not isinstance(entries, list):
        return [Fault(line_of(text, name), name, Refusal("catalogue.calendar"))]
    faults = []
    for entry in entries[:2000]:
        start, _, end = str(entry).partition("/")
        if not isinstance(entry, str) or not (_iso(start) and (not end or _iso(end))) or (end and end < start):
            faults.append(_day(str(entry), name, text))
    return faults


def _day(entry: str, name: str, text: str) -> Fault:
    return Fault(line_of(text, entry), name, Refusal("catalogue.calendar_day", values={"value": entry[:40]}))


def _iso(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def moved_days(before: Calendar | None, after: Calendar) -> list[date]:
    """Days that are worked in one calendar and off in the other: what an operator checks before loading it."""
    if before is None:
        return []
    first, last = max(before.first, after.first), min(before.last, after.last)
    span = (last - first).days + 1
    days = (date.fromordinal(first.toordinal() + n) for n in range(max(span, 0)))
    return [day for day in days if before.is_workday(day) != after.is_workday(day)]


def check_methods(document: Mapping[str, Any], text: str) -> list[Fault]:
    """Faults of the method rules that do not need to know the methods: a table of fundings, each with its bands."""
    funding = document.get("funding")
    if not isinstance(funding, dict) or not funding:
        return [Fault(line_of(text, "funding"), "funding", Refusal("catalogue.key_missing", values={"key": "funding"}))]
    return [
        Fault(line_of(text, name), name, Refusal("catalogue.bands", values={"funding": name}))
        for name, rule in funding.items()
        if not (isinstance(rule, dict) and isinstance(rule.get("bands"), list) and rule["bands"])
    ]
