"""Days of a contract for its page: counted by contracts.rules, explained one by one, drawn as bars."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from market.contracts.folder import Folder
from market.contracts.rules import Count, DayLine, Stop, days_used
from market.workdays import Calendar
from portal.charts import Drawing
from portal.contracts.bars import Days, day_bars


def stops_of(f: Folder) -> list[Stop]:
    """The pauses both sides agreed to."""
    return [Stop(p.whose, p.from_at, p.until_at) for p in f.pauses if p.agreed_at is not None]


def counted(f: Folder, calendar: Calendar, at: datetime) -> Count | None:
    """Days used until the accepted delivery, or until `at`; None before the clock has started."""
    return _until(f, calendar, f.contract.delivered_at or f.contract.ended_at or at)


def _until(f: Folder, calendar: Calendar, at: datetime) -> Count | None:
    c = f.contract
    if c.signed_at is None or (c.inputs_at is None and c.delivered_at is None):
        return None
    return days_used(calendar, c.signed_at, c.inputs_at, at, stops_of(f))


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, the numbers behind them, and the finding that is their title."""

    bars: tuple[Drawing, Drawing]
    pairs: list[Days]
    finding: str


def chart(f: Folder, calendar: Calendar, at: datetime, lang: str) -> Chart | None:
    """Promised against real days, by milestone and in all; None before the clock has started."""
    whole = counted(f, calendar, at)
    if whole is None:
        return None
    running = f.contract.state == "active"
    pairs, current = [], True
    for m in f.milestones:
        end = m.delivered_at if m.state in ("delivered", "accepted") else None
        goes = end is None and current and running
        current = current and end is not None
        found = _until(f, calendar, end or at) if end is not None or goes else None
        name = f"{m.no} {m.name}"
        pairs.append(Days(name, m.due_days, found.used if found is not None else None, goes))
    if len(f.milestones) > 1:
        pairs.append(Days(_("全部"), f.contract.days_now, whole.used, running))
    return Chart(day_bars(pairs, lang), pairs, _finding(whole.used, f.contract.days_now, running))


def _finding(used: int, days: int, running: bool) -> str:
    if running:
        return str(_("已用 %(used)s 个工作日，承诺 %(days)s 个", used=used, days=days))
    if used < days:
        return str(_("实际 %(used)s 个工作日，比承诺少 %(n)s 个", used=used, n=days - used))
    if used > days:
        return str(_("实际 %(used)s 个工作日，比承诺多 %(n)s 个", used=used, n=used - days))
    return str(_("实际 %(used)s 个工作日，与承诺相同", used=used))


@dataclass(frozen=True, slots=True)
class Told:
    """One day in words: whether it counts, why, and the sum so far."""

    day: date
    counts: bool
    why: str
    sum: int


def told(count: Count) -> list[Told]:
    """Every calendar day of the count."""
    found, so_far = [], 0
    for line in count.lines:
        so_far += line.why == "counted"
        found.append(Told(line.day, line.why == "counted", _why(line), so_far))
    return found


def _why(line: DayLine) -> str:
    words: dict[str, Any] = {
        "counted": _("工作日"), "weekend": _("周末"), "holiday": _("法定节假日或调休"),
        "owner": _("暂停：业主的原因"), "authority": _("暂停：主管部门的原因"),
    }  # fmt: skip
    said = _("周末调休上班，工作日") if line.make_up and line.why == "counted" else words[line.why]
    return f"{said}{_('（暂定）')}" if line.provisional else str(said)
