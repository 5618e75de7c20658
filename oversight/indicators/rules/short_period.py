"""Indicator `short_period`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.measures import by
from oversight.indicators.rules.tender import Finding, Indicator, Tender


class ShortPeriod(Indicator):
    """One owner keeps giving very little time to bid, or puts a long holiday into it.

    A published urgency explains a short period. It does not explain one that lies over a long holiday: who cannot wait
    for one more working day does not wait for all the days off.
    """

    id, version = "short_period", 2
    name = ("报价期过短", "Short bidding periods")
    text = (
        "同一业主多次把报价期定得过短，且没有公开紧急理由；或者多次安排在长假期间，公开了理由也算。",
        "One owner repeatedly left very few working days without a published urgency, or few around a long holiday, "
        "whatever was published.",
    )
    source = ("《招标投标法》第二十四条；开放合同组织《红旗指标》R003", "Tendering Law art. 24; OCP Red Flags R003")
    inputs = (
        "报价期的工作日数、其中最长的连续休息日、公布的紧急理由、业主",
        "working days to bid, the longest run of days off among them, the published urgency, the owner",
    )
    limits: ClassVar[Mapping[str, int]] = {"jobs": 3, "days": 2, "holiday_days": 3, "off_days": 4}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding an owner."""
        found = []
        for owner, all_of in by(tenders, lambda t: t.owner):
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
        return over_holiday or (t.bid_days <= self.limits["days"] and not t.urgency)
