"""The baseline of a job (参考基准): table figure × coefficients, at most the cap, rounded once to fen, half up.

Any JSON value may come as scale, standard or coefficient: what is not exactly right gives a code, never an error.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, prod

from market.catalogue.rules.figure import Figure, table_figure
from market.catalogue.rules.standards import Coefficient, Standard, Standards
from market.money import Fen

LARGEST_SCALE = 10**18 - 1
FLOAT = (Fraction(8, 10), Fraction(12, 10))
"""浮动幅度 ±20 %: it draws the corridor beside a baseline and is 1 in every baseline."""

_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class NoBaseline:
    """Why there is no baseline.

    `code`: scale, standard, below_table, above_table, coefficient.missing, .unknown, .value, .limit; `name` is the
    coefficient at fault.
    """

    code: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """One coefficient as applied: the owner's key (or decimals) and the factor it stands for."""

    name: str
    key: str
    factor: Fraction


@dataclass(frozen=True, slots=True)
class Baseline:
    """A baseline and all that explains it. `fee` int fen; `exact` is the fraction before rounding (after the cap).

    `low`, `high`: the corridor, fen: ±20 % where the document floats, or its own range of rates; else None.
    """

    standard: Standard
    scale: int
    figure: Figure
    factors: tuple[Factor, ...]
    capped: bool
    exact: Fraction
    fee: Fen
    low: Fen | None
    high: Fen | None
    digest: str

    @property
    def table(self) -> Fraction:
        """The table figure, fen."""
        return self.figure.fen

    @property
    def kind(self) -> str:
        """official, ceiling, guide or analogy: kinds are never mixed in one figure."""
        return self.standard.kind

    @property
    def document(self) -> str:
        """The price document's number."""
        return self.standard.document


def baseline(standards: Standards, standard_id: object, scale: object, coefficients: object) -> Baseline | NoBaseline:
    """The baseline of `scale` (int in the standard's unit) with the owner's `coefficients`, a dict of name → value.

    A value is a key of the standard, or a decimal as text, Decimal or int, or a list of such decimals. Names left
    out take their default. `coefficients` None asks for the table figure alone (steps 1, 3, 4). The first fault is
    the answer: scale, standard, table, then missing, unknown, value and limit of the coefficients.
    """
    if type(scale) is not int or not 1 <= scale <= LARGEST_SCALE:
        return NoBaseline("scale")
    standard = standards.get(standard_id)
    if standard is None:
        return NoBaseline("standard")
    figure = table_figure(standard, scale)
    if isinstance(figure, str):
        return NoBaseline(figure)
    factors = () if coefficients is None else _factors(standard, scale, coefficients)
    if isinstance(factors, NoBaseline):
        return factors
    product = prod((f.factor for f in factors), start=Fraction(1))
    exact, capped = _capped(figure.fen * product, standard.cap)
    low, high = _corridor(standard, figure, product)
    return Baseline(standard, scale, figure, factors, capped, exact, _round(exact), low, high, standards.digest)


def _capped(value: Fraction, cap: int | None) -> tuple[Fraction, bool]:
    return (Fraction(cap), True) if cap is not None and value > cap else (value, False)


def _round(value: Fraction) -> Fen:
    """To fen, half up (values are not negative)."""
    return Fen((value * 2 + 1) // 2)


def _corridor(standard: Standard, figure: Figure, product: Fraction) -> tuple[Fen | None, Fen | None]:
    if any(not c.by_owner for c in standard.coefficients):
        low, high = (figure.fen * product * side for side in FLOAT)
    elif figure.low is not None and figure.high is not None:
        low, high = figure.low * product, figure.high * product
    else:
        return None, None
    return _round(_capped(low, standard.cap)[0]), _round(_capped(high, standard.cap)[0])


def _factors(standard: Standard, scale: int, given: object) -> tuple[Factor, ...] | NoBaseline:
    if not isinstance(given, Mapping):
        return NoBaseline("coefficient.value")
    for coefficient in standard.coefficients:
        if coefficient.name not in given and coefficient.default is None:
            return NoBaseline("coefficient.missing", coefficient.name)
    for name in given:
        if not isinstance(name, str) or standard.coefficient(name) is None:
            return NoBaseline("coefficient.unknown", name if isinstance(name, str) else None)
    found = [_factor(c, given.get(c.name, c.default), scale) for c in standard.coefficients]
    faults = [f for f in found if isinstance(f, NoBaseline)]
    if faults:
        return min(faults, key=lambda fault: fault.code != "coefficient.value")
    return tuple(f for f in found if isinstance(f, Factor))


def _factor(coefficient: Coefficient, value: object, scale: int) -> Factor | NoBaseline:
    """The factor a value stands for. What nobody chooses is 1: a baseline raised by it would fake a saving."""
    name = coefficient.name
    if coefficient.values is not None:
        if not isinstance(value, str) or value not in coefficient.values:
            return NoBaseline("coefficient.value", name)
        if scale > coefficient.max_scale.get(value, scale):
            return NoBaseline("coefficient.limit", name)
        return Factor(name, value, coefficient.values[value])
    if coefficient.several:
        return _sum(coefficient, value)
    factor = _decimal(coefficient, value)
    if isinstance(factor, str):
        return NoBaseline(factor, name)
    if not coefficient.by_owner and factor != 1:
        return NoBaseline("coefficient.value", name)
    return Factor(name, str(value), factor)


def _sum(coefficient: Coefficient, value: object) -> Factor | NoBaseline:
    """Several decimals count as their sum − how many + 1 (附加调整系数); below 0 they would turn a fee around."""
    if not isinstance(value, list | tuple):
        return NoBaseline("coefficient.value", coefficient.name)
    found = [_decimal(coefficient, item) for item in value]
    for fault in ("coefficient.value", "coefficient.limit"):
        if fault in found:
            return NoBaseline(fault, coefficient.name)
    factor = sum((f for f in found if isinstance(f, Fraction)), Fraction(1 - len(found)))
    if factor < 0:
        return NoBaseline("coefficient.limit", coefficient.name)
    return Factor(coefficient.name, "、".join(str(item) for item in value), factor)


def _decimal(coefficient: Coefficient, value: object) -> Fraction | str:
    """A decimal of at most two places within the limits, or the code of its fault."""
    if type(value) is Decimal:
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int) or exponent < -2:  # NaN, Infinity, or a third place
            return "coefficient.value"
        if value.adjusted() >= 30:
            return "coefficient.limit"
        text = f"{value:f}"
    elif type(value) is int:
        if abs(value) >= 10**30:
            return "coefficient.limit"
        text = str(value)
    elif isinstance(value, str):
        text = value
    else:
        return "coefficient.value"
    if _DECIMAL.fullmatch(text) is None:
        return "coefficient.value"
    if len(text) > 40:  # a plain decimal, but far beyond any limit: never build it
        return "coefficient.limit"
    factor = Fraction(text)
    within = (coefficient.least is None or factor >= coefficient.least) and (
        coefficient.most is None or factor <= coefficient.most
    )
    return factor if within else "coefficient.limit"


def supervision_base(works: int, equipment: int) -> Fen:
    """The 计费额 of supervision, fen: construction A (`works`) and equipment with trial run E (`equipment`).

    E below 40 % of A + E counts in full; otherwise A + 0.4 × E, but not less than A ÷ 0.6, which is the full amount
    of a project with the same A and E of exactly 40 %. Rounded up to a fen. Source: 发改价格[2007]670号 1.0.8 as
    data/README.md reads it (marked unsure there). Raises ValueError below 0.
    """
    if works < 0 or equipment < 0:
        raise ValueError("Amounts are not negative.")
    if 5 * equipment < 2 * (works + equipment):
        return Fen(works + equipment)
    return Fen(ceil(max(works + Fraction(2 * equipment, 5), Fraction(5 * works, 3))))
