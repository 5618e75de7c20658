"""Words for people: refusals and notices by code from each room's JSON, values shown by kind, and the catalogue build.

Chinese is the language of the source; English stands in `portal/translations/en/*.po`, one file an area, compiled
into one `messages.mo` by `python -m portal.words compile` (never committed). Rooms below the portal keep
`refusals.json` {code: {zh: {why, do}, en: {why, do}}} and `notices.json` {kind: {zh: {subject, body}, en: …}};
`{name|kind}` in them is filled by `show`: fen, time, day, text, percent.
"""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from market.clock import BEIJING
from market.errors import Refusal
from market.money import Fen, show_fraction_percent, show_yuan

ROOT = Path(__file__).resolve().parent.parent
TRANSLATIONS = ROOT / "portal" / "translations"
_SLOT = re.compile(r"\{(\w+)(?:\|(\w+))?\}")
_WEEK = "一二三四五六日"
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Said:
    """A refusal in words: what is wrong and how to mend it."""

    code: str
    field: str | None
    why: str
    do: str


def say(refusal: Refusal, lang: str) -> Said:
    """The words of a refusal in `zh` or `en`."""
    words = _words("refusals.json")[refusal.code][lang]
    return Said(
        refusal.code, refusal.field, fill(words["why"], refusal.values, lang), fill(words["do"], refusal.values, lang)
    )


def in_both(refusals: Sequence[Refusal]) -> str:
    """Refusals for a terminal: Chinese, then English, each on lines of its own."""
    zh = [say(r, "zh") for r in refusals]
    en = [say(r, "en") for r in refusals]
    return "\n".join([*(f"{w.why}{w.do}" for w in zh), *(f"{w.why} {w.do}" for w in en)])


def notice(kind: str, values: Mapping[str, Any], lang: str) -> tuple[str, str]:
    """Subject and body of a notice in `zh` or `en`."""
    words = _words("notices.json")[kind][lang]
    return fill(words["subject"], values, lang), fill(words["body"], values, lang)


def deed_words(deed: str, lang: str) -> str:
    """What happened, in a sentence; the deed itself where a later version of the log knows one that this does not."""
    words: dict[str, str] = _words("deeds.json").get(deed, {})
    return words.get(lang, deed)


def actor_words(actor: str, lang: str) -> str:
    """Who did it, as far as everybody may know: people and bidders by number, the system by its kind."""
    kind, _, number = actor.partition(":")
    known = {
        "system": ("系统按规则自动完成，没有人工操作", "The system, by rule, without a person's act"),
        "asker": ("提问者（匿名）", "The asker (anonymous)"),
        "person": (f"人员 {number}", f"Person {number}"),
        "bidder": (f"报价机构 {number}", f"Bidder {number}"),
    }
    return known.get(kind, (actor, actor))[lang == "en"]


def fill(template: str, values: Mapping[str, Any], lang: str) -> str:
    """`{name|kind}` replaced by the value shown as its kind; a missing value is an error of ours (KeyError)."""
    return _SLOT.sub(lambda m: show(values[m[1]], m[2] or "text", lang), template)


def show(value: Any, kind: str, lang: str) -> str:
    """A value as people read it: `fen`, `time` (Beijing, minutes), `instant` (seconds), `day`, else text."""
    if value is None:
        return "—"
    if kind == "fen":
        return show_yuan(Fen(int(value)), lang)
    if kind in ("time", "instant"):
        return show_time(datetime.fromisoformat(value) if isinstance(value, str) else value, lang, kind == "instant")
    if kind == "day":
        return show_day(date.fromisoformat(value) if isinstance(value, str) else value, lang)
    if kind == "percent":
        return show_fraction_percent(Fraction(value), 1)
    return str(value)


def show_day(day: date, lang: str) -> str:
    """2026年5月12日（周二） or 12 May 2026."""
    if lang == "en":
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日（周{_WEEK[day.weekday()]}）"


def show_time(at: datetime, lang: str, seconds: bool = False) -> str:
    """An instant in Beijing time: 2026年5月12日（周二）17:00, or 12 May 2026, 17:00 China time (UTC+8)."""
    here = at.astimezone(BEIJING)
    clock = here.strftime("%H:%M:%S" if seconds else "%H:%M")
    if lang == "en":
        return f"{show_day(here.date(), lang)}, {clock} China time (UTC+8)"
    return f"{show_day(here.date(), lang)}{clock}"


def show_left(left: timedelta, lang: str, seconds: bool = False) -> str:
    """What is left: 3 天 7 小时; under a day 7 小时 18 分, with seconds if wanted; 已截标 when nothing is."""
    whole = -(-left // timedelta(seconds=1))
    if whole <= 0:
        return "closed" if lang == "en" else "已截标"
    days, rest = divmod(whole, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, secs = divmod(rest, 60)
    d, h, m, s = ("d", "h", "min", "s") if lang == "en" else ("天", "小时", "分", "秒")
    if days:
        return f"{days} {d} {hours} {h}"
    if seconds:
        return f"{hours} {h} {minutes:02d} {m} {secs:02d} {s}" if hours else f"{minutes} {m} {secs:02d} {s}"
    return f"{hours} {h} {minutes} {m}" if hours else f"{max(minutes, 1)} {m}"


STAGES: dict[str, tuple[str, str, str]] = {
    "draft": ("off", "草稿", "Draft"),
    "submitted": ("warn", "待审核", "Under review"),
    "returned": ("warn", "已退回", "Returned"),
    "published": ("info", "正在报价", "Open for bids"),
    "open": ("info", "正在报价", "Open for bids"),
    "closing": ("warn", "正在截标", "Closing"),
    "failed": ("off", "流标", "No award"),
    "decided": ("info", "已开标", "Opened"),
    "explaining": ("warn", "待说明低价", "Low price to explain"),
    "proposed": ("info", "公示中", "Standstill"),
    "contested": ("warn", "有异议", "Contested"),
    "standing": ("ok", "中选确定", "Award stands"),
    "contracted": ("ok", "已签合同", "Contracted"),
    "struck": ("off", "已取消资格", "Struck"),
    "cancelled": ("off", "已取消", "Cancelled"),
}
"""The furthest word of job, auction and award (Job.stage) → kind of tag, Chinese, English."""

DISTRICTS: dict[str, tuple[str, str]] = {
    "339901": ("望浦区", "Wangpu District"),
    "339902": ("栖澄区", "Qicheng District"),
    "339903": ("澄北新区", "Chengbei New District"),
    "339904": ("临汐市", "Linxi City"),
    "339905": ("芦汀县", "Luting County"),
    "339906": ("墨溪县", "Moxi County"),
}
"""Districts of the sample city (invented; area code 3399 is assigned to nobody); a city hands over its own."""


@cache
def _words(name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for package in ("market", "ratings", "bidding", "oversight", "portal"):
        for file in sorted((ROOT / package).rglob(name)):
            for code, words in json.loads(file.read_text("utf-8")).items():
                if code in found:
                    raise ValueError(f"{file}: {code} stands in two files.")
                found[code] = words
    return found


def compile_catalogue() -> Path:
    """Merge the English .po files into one messages.mo for Flask-Babel; gives its path. Raises on a clash."""
    from babel.messages.catalog import Catalog
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    whole = Catalog(locale="en")
    for file in sorted((TRANSLATIONS / "en").glob("*.po")):
        with file.open("rb") as f:
            for message in read_po(f, locale="en"):
                if not message.id:
                    continue
                known = whole.get(message.id)
                if known is not None and known.string != message.string:
                    raise ValueError(f"{file.name}: {message.id!r} is translated in two ways.")
                whole.add(message.id, message.string)
    target = TRANSLATIONS / "en" / "LC_MESSAGES" / "messages.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_suffix(f".{os.getpid()}")  # put in its place whole: a running site may be reading the old one
    with new.open("wb") as out:
        write_mo(out, whole)
    new.replace(target)
    return target


if __name__ == "__main__" and sys.argv[1:] == ["compile"]:
    compile_catalogue()
