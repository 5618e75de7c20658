"""The firms of the sample city: who they are, what they hold, when they were admitted (sample_city.md, 800 firms)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from portal.sample.days import Days, history_begins, instant, working_hour
from portal.sample.luck import log_normal, luck, pick
from portal.sample.names import CITY, Names, account, identity, names, person, uscc
from portal.sample.papers import Paper, papers_for
from portal.sample.services import services

GROUPS: Mapping[str, tuple[str, ...]] = {
    code: group
    for group in (
        ("01", "02", "20", "03", "21"), ("05", "06", "04"), ("09", "10", "11", "12"), ("07", "08", "19"),
        ("13", "14", "15", "16"), ("17", "18"),
    )
    for code in group
}  # fmt: skip
"""Categories among which a firm finds its second and third."""
LEAST = 15
"""Firms that every category has at the end."""
FIRST_CODE = 10_001
REASONS = (
    "在投标文件中提供的从业人员证明与登记信息不一致",
    "中选后无正当理由拒绝签订合同",
    "提交的成果经两次退回仍不符合评审要求",
    "未按公示承诺时限履行合同，逾期超过三十个工作日",
)


@dataclass(frozen=True, slots=True)
class Professional:
    """Somebody who may lead a job."""

    name: str
    certificate: str


@dataclass(frozen=True, slots=True)
class Link:
    """A tie to enter: kind control | payer, what identifies the other side, its kind and name."""

    kind: str
    identifier: str
    party_kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A suspension of the firm."""

    begins: datetime
    ends: datetime
    reason: str


@dataclass
class Firm:
    """A firm; `n` is its place in the list. `group`: the affiliation it belongs to. `quality` ~ N(0, 1)."""

    n: int
    uscc: str
    name: str
    district: str
    categories: tuple[str, ...]
    founded: date
    staff: int
    address: str
    phone: str
    email: str
    rep: tuple[str, str]
    quality: float
    zeal: float
    applied_at: datetime
    admitted_at: datetime
    districts: tuple[str, ...]
    links: list[Link] = field(default_factory=list)
    people: list[Professional] = field(default_factory=list)
    papers: list[Paper] = field(default_factory=list)
    prices: list[tuple[str, str, int]] = field(default_factory=list)
    stop: Stop | None = None
    group: int | None = None

    def able(self, category: str, qualification: str, since: datetime, until: datetime) -> bool:
        """Whether it may bid at every instant of [since, until]."""
        if category not in self.categories or self.admitted_at > since:
            return False
        if self.stop is not None and self.stop.begins <= until and since < self.stop.ends:
            return False
        return not qualification or any(p.name == qualification and p.covers(since, until) for p in self.papers)


def make_firms(seed: int, days: Days, scale: float) -> list[Firm]:
    """All firms, by their place; the last two have only applied (`admitted_at` after today)."""
    rng, known = luck(seed, "firms"), names()
    brands = brand_pairs(seed)
    mains = [t.category for t in known.trades for _ in range(max(round(t.firms * scale), 4))]
    others = _second_categories(rng, mains)
    firms = [
        _firm(rng, known, days, n, brands[n], (main, *more))
        for n, (main, more) in enumerate(zip(mains, others, strict=True))
    ]
    for n in range(len(firms), len(firms) + 2):
        main = pick(rng, known.trades, lambda t: t.firms).category
        firm = _firm(rng, known, days, n, brands[n], (main,))
        firm.applied_at = instant(days.work[days.now - 1 - (n % 2)], working_hour(rng))
        firm.admitted_at = instant(days.today, 24 * 30)
        firms.append(firm)
    for firm in firms:
        firm.papers = papers_for(luck(seed, f"papers:{firm.n}"), days, firm.categories, firm.name, firm.admitted_at)
    _suspend(luck(seed, "suspensions"), days, firms[:-2])
    return firms


def brand_pairs(seed: int) -> list[str]:
    """Every brand once, shuffled: firms take them from the front, private owners from the back."""
    known = names()
    pairs = [a + b for a in known.first for b in known.second]
    luck(seed, "brands").shuffle(pairs)
    return pairs


def _second_categories(rng: Random, mains: list[str]) -> list[tuple[str, ...]]:
    """35 % hold a second category of their group, 10 % a third; then the thin ones are filled to the least."""
    found: list[list[str]] = []
    for main in mains:
        more = [code for code in GROUPS[main] if code != main]
        rng.shuffle(more)
        draw = rng.random()
        found.append(more[: 2 if draw < 0.10 else 1 if draw < 0.35 else 0])
    least = min(LEAST, len(mains) // 20)
    for code in sorted(set(GROUPS)):
        have = sum(code in (main, *more) for main, more in zip(mains, found, strict=True))
        free = [i for i, main in enumerate(mains) if code in GROUPS[main] and code != main and not found[i]]
        for i in rng.sample(free, min(max(least - have, 0), len(free))):
            found[i].append(code)
    return [tuple(more) for more in found]


def _firm(rng: Random, known: Names, days: Days, n: int, brand: str, categories: tuple[str, ...]) -> Firm:
    main = categories[0]
    district = pick(rng, known.districts, lambda d: d.firm_weight)
    trade = rng.choice(next(t.trades for t in known.trades if t.category == main))
    forms = [f for f in known.forms if not f.only_for or main in f.only_for]
    place = rng.choices((CITY, district.name, "浙江澄浦"), (55, 30, 15))[0]
    staff = max(3, round(log_normal(rng, 18, 0.9)))
    admitted = _admitted_on(rng, days)
    applied = max(0, admitted - rng.randint(1, 5))
    first = instant(days.work[applied], working_hour(rng))
    then = instant(days.work[admitted], working_hour(rng))
    rep = person(rng.choice(known.surnames), n + 1)
    others = [d.code for d in known.districts if d.code != district.code]
    form = pick(rng, forms, lambda f: f.weight)
    firm = Firm(
        n=n, uscc=uscc(FIRST_CODE + n, f"91{district.code}"), name=f"{place}{brand}{trade}{form.name}",
        district=district.code, categories=categories, founded=_founded(rng, days), staff=staff,
        address=f"{CITY}{district.name}{rng.choice(known.places)}路{rng.randint(1, 980)}号",
        phone=f"0990-{rng.randint(2_000_000, 8_999_999)}", email=f"firm{n + 1:03d}@chengpu.example",
        rep=(rep, identity(n, f"{rng.randint(1958, 1992)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}", "339901")),
        quality=rng.gauss(0, 1), zeal=rng.gammavariate(1.6, 1 / 1.6), applied_at=first, admitted_at=max(then, first),
        districts=tuple(sorted([district.code, *rng.sample(others, rng.randint(0, len(others)))])),
    )  # fmt: skip
    firm.people = _people(rng, known, firm)
    firm.links.append(Link("payer", account(n), "account", "澄浦银行"))
    firm.prices = _prices(rng, firm)
    return firm


def _admitted_on(rng: Random, days: Days) -> int:
    """The place of the day of admission: three quarters before the first job, the others over the history."""
    first = days.place(history_begins(days.today))
    if rng.random() < 0.75:
        return rng.randint(6, first - 2)
    return rng.randint(first, max(first + 1, days.now - 45))


def _founded(rng: Random, days: Days) -> date:
    """1993 + gamma(4, 4.5 years), cut at two years ago (and before the market began)."""
    latest = history_begins(days.today) - timedelta(days=120)
    while True:
        found = date(1993, 1, 1) + timedelta(days=int(rng.gammavariate(4, 4.5) * 365.25))
        if found <= latest:
            return found


def _people(rng: Random, known: Names, firm: Firm) -> list[Professional]:
    many = min(4, max(1, math.ceil(firm.staff / 12)))
    return [
        Professional(person(rng.choice(known.surnames), 1000 + firm.n * 4 + i), f"ZJ3399{firm.n:04d}{i + 1:02d}")
        for i in range(many)
    ]


def _prices(rng: Random, firm: Firm) -> list[tuple[str, str, int]]:
    """One to three services of its categories: a public price in words and promised working days."""
    mine = [s for s in services() if s.category in firm.categories]
    chosen = sorted(rng.sample(mine, min(len(mine), rng.randint(1, 3))), key=lambda s: s.code)
    found = []
    for service in chosen:
        share = rng.randint(12, 18) * 5
        text = f"参考基准价的 {share}%" if service.standard else f"{rng.randint(4, 40) * 5_000:,} 元起，按工作量议定"
        found.append((service.code, text, max(3, round(service.days * rng.uniform(0.5, 0.95)))))
    return found


def _suspend(rng: Random, days: Days, firms: list[Firm]) -> None:
    """2 % were suspended once; three of them still are, if there are so many."""
    chosen = rng.sample(firms, round(len(firms) * 0.02))
    for i, firm in enumerate(chosen):
        length = timedelta(days=rng.choice((30, 60, 90)))
        last = days.now - 1
        first = next(j for j, d in enumerate(days.work) if instant(d, 8) > firm.admitted_at) + 2
        start = rng.randint(max(first, last - 12), last) if i < 3 else rng.randint(first, max(first, last - 20))
        begins = instant(days.work[start], working_hour(rng))
        ends = instant(days.work[start] + length, 17.0)
        firm.stop = Stop(begins, ends, rng.choice(REASONS))
