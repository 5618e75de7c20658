"""A price document as frozen dataclasses, read from JSON without a binary float.

Scales are ints in the standard's unit (fen, or 0.01 m²); fees are int fen; rates and factors are exact fractions.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any

METHODS = ("band_interpolate", "interpolate", "progressive", "rate")
SCALE_UNITS = ("fen", "0.01 m2")


class Kind(StrEnum):
    """What a price document is. Figures of different kinds are never mixed; the headline uses `official` only."""

    OFFICIAL = "official"
    CEILING = "ceiling"
    GUIDE = "guide"
    ANALOGY = "analogy"


class StandardsError(ValueError):
    """A file of fee standards that cannot be used: `faults` are (where, what is wrong), one for each standard."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{where}: {what}" for where, what in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table; which fields hold something depends on the method.

    `start`, `end`: limits of a band (end None: open), or start alone: a point. `fee`, `fee_end`: fen at start and
    end. `rate`, `low`, `high`: the share of the scale, with the document's own range where it gives one.
    """

    start: int
    end: int | None = None
    fee: int = 0
    fee_end: int = 0
    rate: Fraction = Fraction(0)
    low: Fraction | None = None
    high: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A factor of the fee: a choice among `values`, or a decimal within `least` … `most`, or (`several`) a list."""

    name: str
    meaning: str
    by_owner: bool
    values: Mapping[str, Fraction] | None
    labels: Mapping[str, str]
    least: Fraction | None
    most: Fraction | None
    several: bool
    default: object  # as a case would write it; None: the form must ask
    max_scale: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Standard:
    """One price table with its document, kind and status."""

    id: str
    document: str
    date: str
    title: str
    kind: Kind
    status: str
    method: str
    scale_unit: str
    scale_means: str
    rows: tuple[Row, ...]
    below: Fraction | None
    below_basis: str  # why the rate below the table holds, where the document itself is silent
    above: Fraction | None
    cap: int | None
    coefficients: tuple[Coefficient, ...]
    note: str
    confidence: str
    basis: str

    def coefficient(self, name: str) -> Coefficient | None:
        """The coefficient of this name."""
        return next((c for c in self.coefficients if c.name == name), None)

    @property
    def asked(self) -> tuple[Coefficient, ...]:
        """What the owner chooses on the form (the ±20 % float is nobody's choice)."""
        return tuple(c for c in self.coefficients if c.by_owner)


@dataclass(frozen=True, slots=True)
class Standards:
    """All tables of one file, by id, with the SHA-256 of the file, which a job keeps."""

    by_id: Mapping[str, Standard]
    digest: str

    def get(self, id_: object) -> Standard | None:
        """The standard of this id; None for anything else."""
        return self.by_id.get(id_) if isinstance(id_, str) else None


def parse_standards(content: str | bytes) -> Standards:
    """Read fee_standards.json. Raises StandardsError with every faulty standard."""
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    try:
        document = json.loads(raw.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError):
        raise StandardsError([("file", "is not JSON in UTF-8")]) from None
    entries = document.get("standards") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise StandardsError([("file", "has no list of standards")])
    found: dict[str, Standard] = {}
    faults: list[tuple[str, str]] = []
    for place, entry in enumerate(entries, 1):
        where = str(entry.get("id"))[:40] if isinstance(entry, dict) else f"standard {place}"
        try:
            standard = _standard(entry)
            if standard.id in found:
                raise ValueError("the id stands twice")
        except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
            faults.append((where, f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)))
        else:
            found[standard.id] = standard
    if faults:
        raise StandardsError(faults)
    return Standards(found, hashlib.sha256(raw).hexdigest())


def _standard(entry: Mapping[str, Any]) -> Standard:
    method, unit = entry["method"], entry["scale_unit"]
    if method not in METHODS or unit not in SCALE_UNITS or entry["fee_unit"] != "fen":
        raise ValueError("method, scale_unit or fee_unit is not known")
    if re.fullmatch(r"[a-z][a-z0-9_]{0,39}", entry["id"]) is None:
        raise ValueError("an id is a–z, 0–9 and _, at most 40")
    cap = entry.get("cap")
    return Standard(
        id=entry["id"],
        method=method,
        scale_unit=unit,
        kind=Kind(entry["kind"]),
        rows=_rows(method, entry["rows"]),
        below=_beyond(entry.get("below")),
        below_basis=_text((entry.get("below") or {}).get("basis", "")),
        above=_beyond(entry.get("above")),
        cap=None if cap is None else _whole(cap),
        coefficients=tuple(_coefficient(c) for c in entry.get("coefficients", ())),
        **{
            name: _text(entry.get(name, ""))
            for name in ("document", "date", "title", "status", "scale_means", "note", "confidence", "basis")
        },
    )


def _rows(method: str, entries: list[Mapping[str, Any]]) -> tuple[Row, ...]:
    rows = tuple(_row(method, entry) for entry in entries)
    if not rows:
        raise ValueError("there are no rows")
    for one, two in pairwise(rows):
        if method == "interpolate" and one.start >= two.start:
            raise ValueError("points do not rise")
        if method in ("band_interpolate", "progressive") and one.end != two.start:
            raise ValueError("bands do not meet")
        if method == "band_interpolate" and one.fee_end != two.fee:
            raise ValueError("fees of neighbouring bands do not meet")
    if method == "progressive" and rows[0].start != 0:
        raise ValueError("the first band does not begin at 0")
    if method == "rate" and len(rows) > 1:
        raise ValueError("a rate has one row")
    return rows


def _row(method: str, entry: Mapping[str, Any]) -> Row:
    if method == "rate":
        return Row(0, rate=_quotient(entry["rate"]))
    if method == "interpolate":
        return Row(_whole(entry["scale"]), fee=_whole(entry["fee"]))
    start, end = _whole(entry["scale_from"]), entry["scale_to"]
    if end is not None and _whole(end) <= start:
        raise ValueError("a band ends before it begins")
    if method == "progressive":
        low, high = (entry.get(f"rate_percent_{side}") for side in ("low", "high"))
        return Row(
            start,
            end,
            rate=_percent(entry["rate_percent"]),
            low=None if low is None else _percent(low),
            high=None if high is None else _percent(high),
        )
    fee = _whole(entry["fee_from"])
    return Row(start, end, fee=fee, fee_end=fee if end is None else _whole(entry["fee_to"]))


def _coefficient(entry: Mapping[str, Any]) -> Coefficient:
    if entry["chosen_by"] not in ("owner", "nobody"):
        raise ValueError("chosen_by is owner or nobody")
    values, default = entry.get("values"), entry.get("default")
    coefficient = Coefficient(
        name=_text(entry["name"]),
        meaning=_text(entry.get("meaning", "")),
        by_owner=entry["chosen_by"] == "owner",
        values=None if values is None else {_text(key): _fraction(value) for key, value in values.items()},
        labels={_text(key): _text(value) for key, value in entry.get("labels_zh", {}).items()},
        least=None if values is not None else _fraction(entry["min"]),
        most=None if values is not None else _fraction(entry["max"]),
        several=entry.get("list", False) is True,
        default=tuple(default) if isinstance(default, list) else default,
        max_scale={_text(key): _whole(value) for key, value in entry.get("max_scale", {}).items()},
    )
    if values is not None and default is not None and default not in values:
        raise ValueError(f"the default of {coefficient.name} is none of its values")
    return coefficient


def _beyond(entry: Mapping[str, Any] | None) -> Fraction | None:
    return None if entry is None else _quotient(entry["rate"])


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("text is missing")
    return value


def _whole(value: object) -> int:
    if type(value) is not int or not 0 <= value < 10**18:
        raise ValueError("a scale or fee is not a whole number below 10^18")
    return value


def _fraction(value: object) -> Fraction:
    """A number of the file by its text. Raises ValueError if it is not a plain one."""
    text = str(value)
    if type(value) not in (int, Decimal, str) or re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text) is None:
        raise ValueError("a factor or rate is not a plain decimal")
    return Fraction(text)


def _percent(value: object) -> Fraction:
    return _fraction(value) / 100


def _quotient(value: object) -> Fraction:
    """A quotient of two decimals, "1.039/100"."""
    above, _, below = _text(value).partition("/")
    return _fraction(above) / _fraction(below or "1")


_PHASES = {"S018": "scheme", "S020": "preliminary"}
_FITS = {"municipal_I_II": ("I", "II"), "municipal_III": ("III",), "housing_area": ("I", "II", "III")}


def phase_of(service: str) -> str | None:
    """The phase of design a service is: S018 a scheme, S020 a preliminary design; None: no single phase."""
    return _PHASES.get(service)


def stages_that_fit(stage: Coefficient, complexity: str, phase: str | None = None) -> tuple[str, ...]:
    """The keys of design's `stage` that an owner may choose: building_II_* with complexity II, and so on.

    With a `phase` (scheme, preliminary, drawings) only its keys: one phase is never measured against the whole.
    """
    fit = []
    for key in stage.values or ():
        group, _, part = key.rpartition("_")
        levels = _FITS.get(group, (group.removeprefix("building_"),))
        if key == "whole":
            levels, part = ("I", "II", "III"), "whole"
        if complexity in levels and phase in (None, part):
            fit.append(key)
    return tuple(fit)
