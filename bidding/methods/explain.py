"""The steps of a decision as lines people read, in Chinese or English, through messages.json.

A template has places `{name|kind}`; the kind says how the value of that name is shown. Only here is anything
rounded: half away from zero to two decimals, with ≈ before what is not exact.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any, Literal, TypeAlias

Language: TypeAlias = Literal["zh", "en"]
Step: TypeAlias = Mapping[str, Any]

_PLACE = re.compile(r"\{(\w+)\|(\w+)\}")
_NONE = "—"
_COMMA = {"zh": "、", "en": ", "}
_SEMICOLON = {"zh": "；", "en": "; "}
_BRACKETS = {"zh": "（{}）", "en": " ({})"}
# Asia/Shanghai has had this offset without summer time since 1992; no auction is older.
_SHANGHAI_EPOCH = datetime(1970, 1, 1, 8)


@cache
def messages() -> Mapping[str, Any]:
    """The templates (`messages`) and words (`codes`), as packaged."""
    found: Mapping[str, Any] = json.loads(files(__package__).joinpath("messages.json").read_text("utf-8"))
    return found


def explain(steps: Sequence[Step], language: Language) -> list[str]:
    """A line for each step of an outcome, in its order."""
    method = next((step["values"]["method"] for step in steps if step["key"] == "start"), "")
    return [line(step, method, language) for step in steps]


def line(step: Step, method: str, language: Language) -> str:
    """One step of a decision by `method` as a line."""
    template: str = messages()["messages"][_key(step, method)][language]
    values = step["values"]
    return _PLACE.sub(lambda place: _shown(values[place[1]], place[2], language), template)


def word(code: str, language: Language) -> str:
    """The word for a code, such as a method or a kind of link; the code itself when it has none."""
    entry = messages()["codes"].get(code)
    return entry[language] if entry else code


def _key(step: Step, method: str) -> str:
    """The template's name: some steps have one a method, a code or a figure."""
    key, values = step["key"], step["values"]
    if key in ("excluded", "failed", "waiting"):
        return f"{key}.{values['code']}"
    if key == "figure":
        return f"figure.{method}.{values['name']}"
    if key == "ranked":
        return f"ranked.{method}"
    if key == "awarded" and values["needs_explanation"]:
        return "awarded.explain"
    return str(key)


def _shown(value: Any, kind: str, language: Language) -> str:
    return _NONE if value is None else _KINDS[kind](value, language)


def _rounded(exact: Fraction) -> tuple[str, str]:
    """Two decimals, half away from zero, thousands apart; and ≈ when that is not exact."""
    cents = abs(exact) * 100
    whole = (2 * cents.numerator + cents.denominator) // (2 * cents.denominator)
    sign = "-" if exact < 0 and whole else ""
    return f"{sign}{whole // 100:,}.{whole % 100:02d}", "" if whole == cents else "≈"


def _fen(value: int | str, language: Language) -> str:
    """Fen, whole or as a fraction, in yuan."""
    text, about = _rounded(Fraction(value) / 100)
    return f"{about}{text} 元" if language == "zh" else f"{about}CNY {text}"


def _ratio(value: str, language: Language) -> str:
    text, about = _rounded(Fraction(value) * 100)
    return f"{about}{text}%"


def _points(value: str, language: Language) -> str:
    text, about = _rounded(Fraction(value))
    return f"{about}{text}"


def _time(value: int, language: Language) -> str:
    """Microseconds since 1970 UTC as date and time in Shanghai; a moment beyond the calendar as its number."""
    try:
        return (_SHANGHAI_EPOCH + timedelta(microseconds=value)).strftime("%Y-%m-%d %H:%M:%S")
    except OverflowError:
        return str(value)


def _joined(texts: Iterable[str], between: str) -> str:
    return between.join(texts) or _NONE


def _list(value: Iterable[object], language: Language) -> str:
    return _joined(map(str, value), _COMMA[language])


def _codes(value: Iterable[str], language: Language) -> str:
    return _joined((word(code, language) for code in value), _COMMA[language])


def _partners(value: Iterable[Step], language: Language) -> str:
    """Each partner with the kinds of its links in brackets."""
    return _joined(
        (_noted(partner["bidder"], (f"link.{kind}" for kind in partner["kinds"]), language) for partner in value),
        _COMMA[language],
    )


def _moves(value: Iterable[Step], language: Language) -> str:
    """Each refused move's bidder with the reason in brackets."""
    return _joined((_noted(move["bidder"], [f"move.{move['code']}"], language) for move in value), _COMMA[language])


def _noted(bidder: str, codes: Iterable[str], language: Language) -> str:
    return bidder + _BRACKETS[language].format(_codes(codes, language))


def _turns(value: Iterable[Iterable[str]], language: Language) -> str:
    return _joined((" → ".join(turn) for turn in value), _SEMICOLON[language])


def _extensions(value: Iterable[Step], language: Language) -> str:
    return _joined(
        (f"{_time(entry['from'], language)} → {_time(entry['to'], language)}" for entry in value),
        _SEMICOLON[language],
    )


_KINDS: dict[str, Callable[[Any, Language], str]] = {
    "text": lambda value, language: str(value),
    "code": word,
    "codes": _codes,
    "fen": _fen,
    "ratio": _ratio,
    "points": _points,
    "time": _time,
    "list": _list,
    "partners": _partners,
    "moves": _moves,
    "turns": _turns,
    "extensions": _extensions,
}
