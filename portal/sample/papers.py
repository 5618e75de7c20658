"""The certificates of a firm: which it holds, how long each is good, and when it was renewed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from market.moments import beijing_day
from portal.sample.days import Days, instant
from portal.sample.services import qualifications

YEARS5 = 1826
"""Days a certificate is good for."""
LEVELS = {
    "测绘资质": ("甲级", "乙级", "乙级"),
    "工程勘察资质": ("甲级", "乙级", "乙级", "丙级"),
    "工程设计资质": ("甲级", "乙级", "乙级", "丙级"),
    "工程监理资质": ("综合", "甲级", "甲级", "乙级"),
    "城乡规划编制资质": ("甲级", "乙级", "乙级"),
    "工程咨询单位备案": ("甲级资信", "乙级资信", ""),
    "地质灾害评估资质": ("甲级", "乙级"),
    "雷电防护装置检测资质": ("甲级", "乙级"),
    "房地产估价机构备案": ("一级", "二级", "三级"),
}
_SHORT = {
    "测绘资质": "CH", "工程勘察资质": "KC", "工程设计资质": "SJ", "工程监理资质": "JL", "城乡规划编制资质": "GH",
    "工程咨询单位备案": "ZX", "地质灾害评估资质": "DZ", "雷电防护装置检测资质": "FL", "房地产估价机构备案": "FG",
    "土地评估机构备案": "TD", "检验检测机构资质认定": "CMA", "安全评价机构资质": "AP", "施工图审查机构认定": "ST",
    "职业卫生技术服务机构资质": "ZW", "会计师事务所执业许可": "KJ", "资产评估机构备案": "ZP",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate. `entered_at` None: with the application, else the instant a renewal is entered.

    `checked_at`: when an operator has verified it. `until`: its last day, or that of the one that renews it.
    """

    name: str
    level: str
    number: str
    issued: date
    expires: date
    entered_at: datetime | None
    checked_at: datetime
    until: date

    def covers(self, since: datetime, until: datetime) -> bool:
        """Whether it, with the one it renews, holds at every instant of [since, until]."""
        return self.checked_at <= since and beijing_day(until) <= self.until


def papers_for(rng: Random, days: Days, categories: tuple[str, ...], name: str, admitted_at: datetime) -> list[Paper]:
    """The certificates of a firm, each followed by its renewal where the first one ran out meanwhile.

    The last day is uniform over the five years to come; 3 % are over today, 7 % end within 60 days.
    """
    found: list[Paper] = []
    for wanted in _held(rng, categories, name):
        expires = _expiry(rng, days.today, admitted_at)
        level = rng.choice(LEVELS.get(wanted, ("",)))
        serial = f"{_SHORT.get(wanted, 'ZS')}33990{rng.randint(0, 99_999):05d}"
        found += _with_renewal(rng, days, wanted, level, serial, expires, admitted_at)
    return found


def _expiry(rng: Random, today: date, admitted_at: datetime) -> date:
    draw, since = rng.random(), (today - beijing_day(admitted_at)).days
    if draw < 0.03 and since > 2:  # who only applies comes with papers that hold
        return today - timedelta(days=rng.randint(1, max(2, since - 30)))
    if draw < 0.10:
        return today + timedelta(days=rng.randint(0, 60))
    return today + timedelta(days=rng.randint(61, YEARS5))


def _with_renewal(
    rng: Random, days: Days, name: str, level: str, serial: str, expires: date, admitted_at: datetime
) -> list[Paper]:
    admitted = beijing_day(admitted_at)
    issued = expires - timedelta(days=YEARS5)
    if issued <= admitted - timedelta(days=30):
        return [Paper(name, level, f"{serial}-1", issued, expires, None, admitted_at, expires)]
    entered = _workday_before(days, issued - timedelta(days=rng.randint(3, 8)), admitted)
    if entered is None:  # the first one would end within days of the admission: the firm came with the new one
        issued = admitted - timedelta(days=rng.randint(31, 60))
        return [Paper(name, level, f"{serial}-1", issued, expires, None, admitted_at, expires)]
    first = Paper(name, level, f"{serial}-1", issued - timedelta(days=YEARS5), issued, None, admitted_at, expires)
    at = instant(days.work[entered], rng.uniform(9, 11))
    checked = instant(days.work[entered], rng.uniform(13.5, 16.5))
    return [first, Paper(name, level, f"{serial}-2", days.work[entered], expires, at, checked, expires)]


def _workday_before(days: Days, day: date, admitted: date) -> int | None:
    """The place of the last working day up to `day`; None unless it lies after the admission."""
    places = [i for i, d in enumerate(days.work) if admitted < d <= day and d < days.today]
    return places[-1] if places else None


def _held(rng: Random, categories: tuple[str, ...], name: str) -> list[str]:
    """Names of the certificates: all that a category cannot do without, some of the others."""
    found: list[str] = []
    for category in categories:
        asked = [q for q in qualifications()[category] if q]
        if category == "18":
            mine = ["会计师事务所执业许可"] if "会计师" in name else ["资产评估机构备案"]
            found += mine + (["资产评估机构备案"] if rng.random() < 0.35 else [])
        elif category == "12":
            found += ["工程咨询单位备案"] + (["城乡规划编制资质"] if rng.random() < 0.5 else [])
        elif len(asked) == 1 and "" not in qualifications()[category]:
            found += asked
        else:
            some = [q for q in asked if rng.random() < 0.7]
            found += some or ([] if "" in qualifications()[category] else asked[:1])
    return sorted(set(found))
