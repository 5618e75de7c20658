"""Owners and projects of the sample city (names/owners.csv, names/projects.csv)."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from portal.sample.days import history_begins
from portal.sample.luck import log_normal, luck, pick
from portal.sample.names import CITY, District, Names, ProjectType, account, identity, names, person, uscc

PROJECTS = 210
FIRST_CODE = 20_001
PRIVATE = 48
"""Private owners there are to choose from."""
HEADS = {"government": "11", "institution": "12", "state_company": "91", "private": "91"}
NUMBERS = "一二三四五六七八九"

BUREAUS = {
    "road": ("交通运输局", "交通投资", "城建投资"),
    "bridge": ("交通运输局", "交通投资"),
    "school": ("教育局", "中学", "职业技术学院"),
    "hospital": ("人民医院",),
    "river": ("水利局",),
    "farmland": ("水利局",),
    "culture": ("住房和城乡建设局", "文化馆"),
    "park": ("产业园区",),
    "housing": ("城市建设投资", "城建投资", "置业"),
    "sewage": ("水务",),
    "utility": ("水务", "城建投资"),
    "factory": ("新材料", "电子", "纺织", "机械", "食品"),
}
"""Part of the name of owners that build a type of project."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who posts jobs. `rep`: legal representative, name and identity number."""

    n: int
    uscc: str
    name: str
    kind: str
    district: str
    email: str
    rep: tuple[str, str]
    account: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project; investment in fen. `code` is the national project code, None before it was given one."""

    n: int
    owner: Owner
    type: str
    title: str
    product: str
    district: str
    investment: int
    complexity: str
    code: str | None


def make_owners(seed: int, brands: list[str]) -> list[Owner]:
    """Every owner that the patterns give; private ones take brands no firm has."""
    rng, known = luck(seed, "owners"), names()
    found: list[tuple[str, str, str]] = []
    for kind in known.owner_kinds:
        for pattern in kind.patterns:
            found += [(kind.kind, name, code) for name, code in _named(rng, known, kind.kind, pattern)]
    private = [entry for entry in found if entry[0] == "private"]
    brands = list(reversed(brands))[: len(private)]
    filled = iter(brands)
    owners: list[Owner] = []
    for kind_, name, code in found:
        name = name.replace("{brand}", next(filled)) if "{brand}" in name else name
        n = len(owners)
        born = f"{rng.randint(1960, 1988)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
        owners.append(
            Owner(
                n, uscc(FIRST_CODE + n, f"{HEADS[kind_]}{code}"), name, kind_, code,
                f"owner{n + 1:03d}@chengpu.example",
                (person(rng.choice(known.surnames), 5000 + n), identity(n, born, "339902")), account(5_000_000 + n),
            )
        )  # fmt: skip
    return owners


def _named(rng: Random, known: Names, kind: str, pattern: str) -> list[tuple[str, str]]:
    """Names and districts of one pattern: one a district, or one of the city, or many brands."""
    if "{brand}" in pattern:
        places = [pick(rng, known.districts, _firms) for _ in range(PRIVATE // 6)]
        return [(pattern, place.code) for place in places]
    if "{district}" in pattern:
        named = []
        for place in known.districts:
            name = pattern.replace("{district}", place.name)
            named.append((name.replace("{n}", rng.choice(NUMBERS[:6])), place.code))
        return named
    return [(pattern, known.districts[0].code)]


def _firms(place: District) -> float:
    return place.firm_weight


def _jobs(place: District) -> float:
    return place.job_weight


def make_projects(seed: int, owners: list[Owner], today: date, scale: float) -> list[Project]:
    """About 210 projects, no two of one title."""
    rng, known = luck(seed, "projects"), names()
    taken: set[str] = set()
    found: list[Project] = []
    weights = {k.kind: k.weight for k in known.owner_kinds}
    while len(found) < max(8, round(PROJECTS * scale)):
        type_ = pick(rng, known.project_types, lambda t: t.weight)
        place = pick(rng, known.districts, _jobs)
        owner = _owner(rng, owners, type_, place.code, weights)
        title, product = _title(rng, known, type_, place)
        if title in taken:
            continue
        taken.add(title)
        wan = max(300, round(log_normal(rng, type_.median_wan, type_.sigma) / 10) * 10)
        code = _code(rng, place.code, today, len(found)) if rng.random() < 0.85 else None
        complexity = type_.complexity
        found.append(Project(len(found), owner, type_.name, title, product, place.code, wan * 10**6, complexity, code))
    return found


def _owner(rng: Random, owners: list[Owner], type_: ProjectType, district: str, weights: dict[str, int]) -> Owner:
    """One of the kinds that build such projects, if possible of the same district."""
    words = BUREAUS[type_.name]
    able = [o for o in owners if o.kind in type_.owner_kinds and any(word in o.name for word in words)]
    kinds = sorted({o.kind for o in able})
    kind = pick(rng, kinds, lambda k: weights[k])
    mine = [o for o in able if o.kind == kind]
    near = [o for o in mine if o.district == district]
    if kind == "private" or not near or (rng.random() < 0.3 and any(o.name.startswith(CITY) for o in mine)):
        near = mine if kind == "private" else [o for o in mine if o.name.startswith(CITY)] or mine
    return rng.choice(near)


def _title(rng: Random, known: Names, type_: ProjectType, place: District) -> tuple[str, str]:
    text, product = rng.choice(type_.patterns), rng.choice(known.products)
    while "{place}" in text:
        text = text.replace("{place}", rng.choice([p for p in known.places if p not in text]), 1)
    many = NUMBERS[rng.randint(0, 3)] if type_.name in ("park", "housing") else str(rng.randint(2, 50))
    text = text.replace("{district}", place.name).replace("{product}", product)
    return text.replace("{unit}", _unit(rng, product)).replace("{n}", many), product


def _unit(rng: Random, product: str) -> str:
    """A unit that the product is counted in."""
    if product in ("化纤面料", "食品添加剂", "新型建材", "包装材料"):
        return "吨"
    return "台" if product == "智能水表" else rng.choice(("件", "套"))


def _code(rng: Random, district: str, today: date, n: int) -> str:
    """A national project code of a month up to a year before the history."""
    begins = history_begins(today)
    day = begins + timedelta(days=math.floor(rng.random() * 500) - 300)
    day = min(day, today - timedelta(days=90))
    return f"{day:%y%m}-{district}-{rng.choice(('04', '05', '48', '77'))}-01-{rng.randint(100_000, 999_999)}"
