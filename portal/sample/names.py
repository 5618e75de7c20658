"""The words the sample city is named with, and the codes its invented bodies and people carry."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

USCC_SIGNS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CITY = "澄浦市"


@dataclass(frozen=True, slots=True)
class Trade:
    """How many firms have a category as their main one, and what they call themselves."""

    category: str
    firms: int
    trades: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A legal form; `only_for` empty: of every category."""

    name: str
    weight: int
    only_for: frozenset[str]


@dataclass(frozen=True, slots=True)
class District:
    """A district with its share of firms and jobs."""

    code: str
    name: str
    firm_weight: int
    job_weight: int


@dataclass(frozen=True, slots=True)
class OwnerKind:
    """A kind of owner and the patterns of their names."""

    kind: str
    weight: int
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectType:
    """A type of project: investment is log-normal with this median (万元) and sigma."""

    name: str
    weight: int
    patterns: tuple[str, ...]
    median_wan: int
    sigma: float
    owner_kinds: tuple[str, ...]
    complexity: str


@dataclass(frozen=True, slots=True)
class Names:
    """All words of the sample city."""

    trades: tuple[Trade, ...]
    forms: tuple[Form, ...]
    districts: tuple[District, ...]
    owner_kinds: tuple[OwnerKind, ...]
    project_types: tuple[ProjectType, ...]
    first: str
    second: str
    places: tuple[str, ...]
    products: tuple[str, ...]
    units: tuple[str, ...]
    surnames: tuple[str, ...]


def _rows(name: str) -> list[dict[str, str]]:
    text = files("portal.sample").joinpath("data", name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def full_width(text: str) -> str:
    """Brackets as Chinese names are written with them."""
    return text.replace("(", "（").replace(")", "）")


def _split(text: str) -> tuple[str, ...]:
    return tuple(full_width(part) for part in text.split("|") if part)


@cache
def names() -> Names:
    """The words of the data files, read once."""
    brand = {row["place"]: row["characters"] for row in _rows("brand.csv")}
    words = {row["kind"]: _split(row["words"]) for row in _rows("words.csv")}
    return Names(
        trades=tuple(Trade(r["category_code"], int(r["firms"]), _split(r["trade"])) for r in _rows("firm_trade.csv")),
        forms=tuple(
            Form(full_width(r["form"]), int(r["weight"]), frozenset(_split(r["only_for"])))
            for r in _rows("firm_form.csv")
        ),
        districts=tuple(
            District(r["code"], r["name"], int(r["firm_weight"]), int(r["job_weight"])) for r in _rows("districts.csv")
        ),
        owner_kinds=tuple(
            OwnerKind(r["kind"], int(r["weight"]), _split(r["pattern"])) for r in _rows("owners.csv")
        ),
        project_types=tuple(
            ProjectType(
                r["type"], int(r["weight"]), _split(r["pattern"]), int(r["median_wan"]), float(r["sigma"]),
                _split(r["owner_kinds"]), r["complexity"],
            )
            for r in _rows("projects.csv")
        ),
        first=brand["first"],
        second=brand["second"],
        places=words["place"],
        products=words["product"],
        units=words["unit"],
        surnames=words["surname"],
    )  # fmt: skip


def uscc(n: int, head: str) -> str:
    """The n-th code of the invented pattern: head (8 characters), DEM and five digits, both check characters.

    Source: GB 32100-2015 and GB 11714-1997; area 3399nn and bodies DEM… are given to nobody.
    """
    body = f"DEM{n:05d}"
    total = sum(int(c, 36) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    code = head + body + "0123456789X0"[11 - total % 11]
    check = sum(USCC_SIGNS.index(c) * pow(3, i, 31) for i, c in enumerate(code))
    return code + USCC_SIGNS[(31 - check % 31) % 31]


def identity(n: int, born: str, area: str) -> str:
    """An identity number of nobody: an area 3399nn, a day of birth (YYYYMMDD), the n-th of it, the check digit."""
    body = f"{area}{born}{n % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def account(n: int) -> str:
    """An account number of nobody."""
    return f"9999{n:014d}"


def person(surname: str, n: int) -> str:
    """How people of the sample are called: 周某某12."""
    return f"{surname}某某{n}"


def holding_brand(n: int) -> str:
    """Brands of holding companies, which are no firms of the market."""
    return ("澄源", "中砚", "浦桥", "汀和", "榆泰", "岚同", "苓华", "屿正")[n % 8]
