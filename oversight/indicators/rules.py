"""The risk indicators (风险提示): eight rules, each a class that reads decided tenders and says what it found (pure).

A finding names a rule, its numbers, jobs and firms, and is a reason to look, never a verdict: 招标投标法实施条例 39–41
lists acts to be proved. Thresholds are data (`limits`), shown on every page beside the numbers.
"""

import hashlib
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from typing import Any, ClassVar

from market.errors import Refusal

BP = 10_000
"""Basis points of one: shares and spreads are whole numbers of them."""
YEAR = timedelta(days=365)


class State(StrEnum):
    """Where a flag is: its case is decided by a person with a reason, never by a score."""

    OPEN = "open"
    ASSIGNED = "assigned"
    FOUNDED = "founded"
    UNFOUNDED = "unfounded"


class Event(StrEnum):
    """What moves a flag."""

    ASSIGN = "assign"
    FOUND = "found"
    DISMISS = "dismiss"
    REOPEN = "reopen"


NEXT = {
    (State.OPEN, Event.ASSIGN): State.ASSIGNED,
    (State.ASSIGNED, Event.ASSIGN): State.ASSIGNED,
    (State.ASSIGNED, Event.FOUND): State.FOUNDED,
    (State.ASSIGNED, Event.DISMISS): State.UNFOUNDED,
    (State.FOUNDED, Event.REOPEN): State.OPEN,
    (State.UNFOUNDED, Event.REOPEN): State.OPEN,
}


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads to, or why it cannot."""
    found = NEXT.get((State(state), event))
    return found if found is not None else Refusal("flag.state", values={"state": state, "event": event})


@dataclass(frozen=True, slots=True)
class Offered:
    """A valid bid, opened: the firm's id, its price in fen and the working days it promised."""

    firm: int
    fen: int
    days: int


@dataclass(frozen=True, slots=True)
class Tender:
    """One decided round of a job, and what became of it. Days are working days, amounts fen."""

    job: int
    code: str
    round: int
    decided_at: datetime
    owner: int
    category: str
    district: str
    failed: bool = False
    minimum: int = 3
    valid: tuple[Offered, ...] = ()
    kin: tuple[int, ...] = ()
    """Firms rejected because they were affiliated with another bidder."""
    winner: int | None = None
    awarded: int | None = None
    """Price of the award the contract rests on."""
    price_now: int | None = None
    """Price of the contract with every agreed change."""
    baseline_days: int | None = None
    days_used: int | None = None
    """Of an accepted contract."""
    bid_days: int = 5
    """Working days from the opening of the round to T."""
    off_days: int = 0
    """The longest run of days off between the two."""
    urgency: str | None = None
    """The published reason of a shortened period."""
    refused: tuple[tuple[int, datetime], ...] = ()
    """Firms that did not sign or withdrew after they had won, and when."""

    @property
    def firms(self) -> tuple[int, ...]:
        """The valid bidders, by id."""
        return tuple(sorted(offer.firm for offer in self.valid))

    @property
    def prices(self) -> list[int]:
        """The valid prices, lowest first."""
        return sorted(offer.fen for offer in self.valid)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. `key` names it from run to run; `numbers` are what the rule measured, whole numbers."""

    key: str
    tenders: tuple[Tender, ...]
    firms: tuple[int, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def jobs(self) -> tuple[int, ...]:
        """The jobs it rests on, by id, each once."""
        return tuple(sorted({t.job for t in self.tenders}))


class Indicator(ABC):
    """A rule: its name, version, source, words in both languages (Chinese, English), limits, and the judgement."""

    id: ClassVar[str]
    version: ClassVar[int]
    name: ClassVar[tuple[str, str]]
    text: ClassVar[tuple[str, str]]
    source: ClassVar[tuple[str, str]]
    limits: ClassVar[Mapping[str, int]]

    @abstractmethod
    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """The findings among these tenders, each key once."""


def spread(prices: Sequence[int]) -> int:
    """Coefficient of variation (population) of prices in basis points, rounded down. Exact: no float."""
    n, total = len(prices), sum(prices)
    squares = n * sum(p * p for p in prices) - total * total
    return _root(squares * BP * BP // (total * total))


def _root(value: int) -> int:
    """Whole square root, rounded down (Newton)."""
    if value < 2:
        return value
    guess = 1 << (value.bit_length() + 1) // 2
    while (better := (guess + value // guess) // 2) < guess:
        guess = better
    return guess


def ratios(tender: Tender) -> tuple[int, ...]:
    """Each loser's price ÷ the lowest, in basis points rounded half up, ascending."""
    first, *others = tender.prices
    return tuple(int(Fraction(p * BP, first) + Fraction(1, 2)) for p in others)


def _by(tenders: Iterable[Tender], key: Callable[[Tender], Any]) -> list[tuple[Any, list[Tender]]]:
    """Groups in the order of their keys; inside, by time and code."""
    found: dict[Any, list[Tender]] = defaultdict(list)
    for tender in sorted(tenders, key=lambda t: (t.decided_at, t.code, t.round)):
        found[key(tender)].append(tender)
    return sorted(found.items())


def _names(firms: Iterable[int]) -> str:
    """A name for a group of firms; a digest where their ids would be too long for a key."""
    text = "-".join(map(str, sorted(firms)))
    return text if len(text) <= 80 else hashlib.sha256(text.encode()).hexdigest()


def _all_firms(tenders: Iterable[Tender]) -> tuple[int, ...]:
    return tuple(sorted({firm for t in tenders for firm in t.firms}))


class TooFew(Indicator):
    """Competition fell short: a job failed in two rounds, or an owner's jobs of a category never had more."""

    id, version = "too_few", 1
    name = ("竞争不足", "Too few competitors")
    text = (
        "同一项目两次流标；或者同一业主在同一类别连续多个项目，有效报价都不超过最低家数。",
        "A job failed twice, or all jobs of one owner in one category had no more valid bids than the minimum.",
    )
    source = ("《招标投标法》第二十八条；开放合同组织《红旗指标》R018", "Tendering Law art. 28; OCP Red Flags R018")
    limits: ClassVar[Mapping[str, int]] = {"rounds": 2, "jobs": 4}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a job that failed twice; one an owner and category."""
        found = []
        for job, rounds in _by((t for t in tenders if t.failed), lambda t: t.job):
            if len(rounds) >= self.limits["rounds"]:
                found.append(Finding(f"job:{job}", tuple(rounds), _all_firms(rounds), {"rounds": len(rounds)}))
        for (owner, category), all_of in _by(tenders, lambda t: (t.owner, t.category)):
            held = [t for t in all_of if not t.failed]
            if len(held) >= self.limits["jobs"] and all(len(t.valid) <= t.minimum for t in held):
                numbers = {"tenders": len(held), "most": max(len(t.valid) for t in held)}
                found.append(Finding(f"owner:{owner}:{category}", tuple(held), _all_firms(held), numbers))
        return found


class Affiliation(Indicator):
    """Bidders that law counts as one bid on the same job and were rejected unopened."""

    id, version = "affiliation", 1
    name = ("关联机构同场报价", "Affiliated bidders")
    text = (
        "互有关联的机构对同一项目报价，开标前已被否决。",
        "Firms joined by an affiliation bid on the same job; all were rejected before opening.",
    )
    source = ("《招标投标法实施条例》第三十四条、第四十条", "Tendering Regulation arts. 34 and 40")
    limits: ClassVar[Mapping[str, int]] = {"firms": 2}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a round in which affiliated bidders were rejected."""
        return [
            Finding(f"round:{t.code}-{t.round}", (t,), tuple(sorted(t.kin)), {"rejected": len(t.kin)})
            for t in sorted(tenders, key=lambda t: (t.code, t.round))
            if len(t.kin) >= self.limits["firms"]
        ]


class CloseBids(Indicator):
    """The same firms meet again and again with nearly equal prices, or with losers in the same ratios to the winner.

    One job alone says nothing: trades with a tight price, or the same round number by chance, are innocent.
    """

    id, version = "close_bids", 1
    name = ("报价异常接近或成固定比例", "Bids nearly equal or in fixed ratios")
    text = (
        "同一组机构多次同场，报价离散系数低于阈值，或落选报价与中选报价之比每次相同。",
        "The same firms met repeatedly, with a spread of prices under the limit or with the same ratios to the winner.",
    )
    source = (
        "《招标投标法实施条例》第四十条第（四）项（报价呈规律性差异）；经合组织《打击串通投标指南》",
        "Tendering Regulation art. 40(4), prices that differ by a pattern; OECD Guidelines for Fighting Bid Rigging",
    )
    limits: ClassVar[Mapping[str, int]] = {"firms": 3, "jobs": 3, "spread_bp": 200}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a group of firms: nearly equal, and one where the ratios repeat."""
        found = []
        enough = [t for t in tenders if len(t.valid) >= self.limits["firms"]]
        for firms, met in _by(enough, lambda t: t.firms):
            close = [t for t in met if spread(t.prices) < self.limits["spread_bp"]]
            if len(close) >= self.limits["jobs"]:
                numbers = {"tenders": len(close), "met": len(met), "widest_bp": max(spread(t.prices) for t in close)}
                found.append(Finding(f"close:{_names(firms)}", tuple(close), firms, numbers))
            for same, fixed in _by(met, ratios):
                if len(fixed) >= self.limits["jobs"] and max(same) > BP:
                    repeated = {"tenders": len(fixed), "met": len(met), "ratios_bp": list(same)}
                    found.append(Finding(f"ratio:{_names(firms)}", tuple(fixed), firms, repeated))
        return found


class SameLosers(Indicator):
    """The same firms meet, and always the same one wins, or they win in turn. A small trade is no ring."""

    id, version = "same_losers", 1
    name = ("固定陪标或轮流中选", "The same losers, or winning in turn")
    text = (
        "同一组机构多次同场，总由同一家中选，或各家轮流中选；该组只占本类别活跃机构的一小部分。",
        "The same firms met repeatedly and one always won, or they won in turn, while they are few of their trade.",
    )
    source = (
        "《招标投标法实施条例》第三十九条第（二）（五）项；经合组织《打击串通投标指南》",
        "Tendering Regulation art. 39(2) and (5); OECD Guidelines for Fighting Bid Rigging",
    )
    limits: ClassVar[Mapping[str, int]] = {"firms": 3, "jobs": 4, "part_of_trade_bp": 5_000}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a group of firms and category."""
        trade = {c: len(_all_firms(all_of)) for c, all_of in _by(tenders, lambda t: t.category)}
        won = [t for t in tenders if t.winner is not None and len(t.valid) >= self.limits["firms"]]
        found = []
        for (category, firms), met in _by(won, lambda t: (t.category, t.firms)):
            if len(met) < self.limits["jobs"] or len(firms) * BP > self.limits["part_of_trade_bp"] * trade[category]:
                continue
            wins = [sum(t.winner == firm for t in met) for firm in firms]
            if max(wins) == len(met) or (min(wins) > 0 and max(wins) - min(wins) <= 1):
                how = "captive" if max(wins) == len(met) else "rotation"
                numbers = {"tenders": len(met), "how": how, "most_wins": max(wins), "trade": trade[category]}
                found.append(Finding(f"{category}:{_names(firms)}", tuple(met), firms, numbers))
        return found


class RaisedAfter(Indicator):
    """The price rose after the award by more than a change of the work may explain."""

    id, version = "raised_after", 1
    name = ("中选后加价", "Price raised after the award")
    text = (
        "经变更后的合同价超过中选价的幅度大于阈值。",
        "With its changes the contract's price exceeds the award by more than the limit.",
    )
    source = (
        "《政府采购法》第四十九条（补充合同不超过 10%）；世界银行《欺诈与腐败警示信号手册》",
        "Government Procurement Law art. 49 (at most 10 % more); World Bank, Warning Signs of Fraud and Corruption",
    )
    limits: ClassVar[Mapping[str, int]] = {"raise_bp": 1_500}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a contract."""
        found = []
        for t in sorted(tenders, key=lambda t: t.code):
            if t.awarded is None or t.price_now is None or t.winner is None:
                continue
            more = (t.price_now - t.awarded) * BP // t.awarded
            if t.price_now * BP > t.awarded * (BP + self.limits["raise_bp"]):
                numbers = {"awarded_fen": t.awarded, "price_now_fen": t.price_now, "raise_bp": more}
                found.append(Finding(f"job:{t.job}", (t,), (t.winner,), numbers))
        return found


class PaddedDays(Indicator):
    """Work accepted after a sliver of the days it is said to need: padded, or done before."""

    id, version = "padded_days", 1
    name = ("时限虚高", "Days padded")
    text = (
        "基准时限较长的项目在极少的工作日内验收：基准可能虚高，或者中选前已开工。",
        "Accepted after a sliver of a long baseline: its days may be padded, or the work was done before the award.",
    )
    source = ("开放合同组织《红旗指标》（履约期异常）", "OCP Red Flags (abnormal time of performance)")
    limits: ClassVar[Mapping[str, int]] = {"baseline_days": 20, "used_bp": 1_000}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a contract."""
        found = []
        for t in sorted(tenders, key=lambda t: t.code):
            if t.days_used is None or t.winner is None or (t.baseline_days or 0) < self.limits["baseline_days"]:
                continue
            part = t.days_used * BP // (t.baseline_days or 1)
            if part <= self.limits["used_bp"]:
                numbers = {"days_used": t.days_used, "baseline_days": t.baseline_days, "used_bp": part}
                found.append(Finding(f"job:{t.job}", (t,), (t.winner,), numbers))
        return found


class ShortPeriod(Indicator):
    """One owner keeps giving very little time to bid, or puts a holiday into it, without a published urgency."""

    id, version = "short_period", 1
    name = ("报价期过短", "Short bidding periods")
    text = (
        "同一业主多次把报价期定得过短，或安排在长假期间，且没有公开紧急理由。",
        "One owner repeatedly left very few working days, or few around a long holiday, and published no urgency.",
    )
    source = ("《招标投标法》第二十四条；开放合同组织《红旗指标》R003", "Tendering Law art. 24; OCP Red Flags R003")
    limits: ClassVar[Mapping[str, int]] = {"jobs": 3, "days": 2, "holiday_days": 3, "off_days": 4}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding an owner."""
        found = []
        for owner, all_of in _by((t for t in tenders if not t.urgency), lambda t: t.owner):
            short = [t for t in all_of if self._short(t)]
            if len({t.job for t in short}) >= self.limits["jobs"]:
                numbers = {
                    "tenders": len(short), "of": len(all_of),
                    "shortest_days": min(t.bid_days for t in short), "off_days": max(t.off_days for t in short),
                }  # fmt: skip
                found.append(Finding(f"owner:{owner}", tuple(short), (), numbers))
        return found

    def _short(self, t: Tender) -> bool:
        over_holiday = t.off_days >= self.limits["off_days"] and t.bid_days <= self.limits["holiday_days"]
        return t.bid_days <= self.limits["days"] or over_holiday


class RefusedAfter(Indicator):
    """A firm wins and then does not sign, more than once in a year: it may sell its place to the next."""

    id, version = "refused_after", 1
    name = ("中选后放弃", "Refusals after winning")
    text = (
        "同一机构一年内多次中选后放弃或拒签合同。",
        "A firm withdrew or refused the contract after winning, more than once in a year.",
    )
    source = (
        "《招标投标法实施条例》第七十四条；经合组织《打击串通投标指南》（报价抑制）",
        "Tendering Regulation art. 74; OECD Guidelines (bid suppression)",
    )
    limits: ClassVar[Mapping[str, int]] = {"times": 2}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a firm: all its refusals, if any year holds too many."""
        by_firm: dict[int, list[tuple[datetime, Tender]]] = defaultdict(list)
        for t in tenders:
            for firm, at in t.refused:
                by_firm[firm].append((at, t))
        found, times = [], self.limits["times"]
        for firm, acts in sorted(by_firm.items()):
            acts.sort(key=lambda act: (act[0], act[1].code))
            if any(acts[i + times - 1][0] - acts[i][0] <= YEAR for i in range(len(acts) - times + 1)):
                numbers = {"times": len(acts)}
                found.append(Finding(f"firm:{firm}", tuple(t for _, t in acts), (firm,), numbers))
        return found


INDICATORS: tuple[Indicator, ...] = (
    TooFew(), Affiliation(), CloseBids(), SameLosers(), RaisedAfter(), PaddedDays(), ShortPeriod(), RefusedAfter(),
)  # fmt: skip
"""The rules of this market; a new one is a class and its place here."""
BY_ID: Mapping[str, Indicator] = {one.id: one for one in INDICATORS}
