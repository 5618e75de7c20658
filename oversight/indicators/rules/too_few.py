"""Indicator `too_few`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.measures import all_firms, by
from oversight.indicators.rules.tender import Finding, Indicator, Tender


class TooFew(Indicator):
    """Competition fell short: a job failed in two rounds with the same lone bidder, or an owner's jobs of a category
    never had more than the minimum. A job that failed twice for want of anybody is a poor trade, not a sign."""

    id, version = "too_few", 2
    name = ("竞争不足", "Too few competitors")
    text = (
        "同一项目两次流标，两次都只有同一家机构报价；或者同一业主在同一类别的多个项目，有效报价都不超过最低家数。",
        "A job failed twice with the same lone bidder, or all jobs of one owner in one category had no more valid bids "
        "than the minimum.",
    )
    source = ("《招标投标法》第二十八条；开放合同组织《红旗指标》R018", "Tendering Law art. 28; OCP Red Flags R018")
    inputs = (
        "每一轮的结果、报价机构、有效报价家数、最低家数、业主和类别",
        "each round: its result, bidders, valid bids, the minimum; owner and category",
    )
    limits: ClassVar[Mapping[str, int]] = {"rounds": 2, "jobs": 4}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a job that failed twice with one bidder; one an owner and category."""
        found = []
        for job, rounds in by((t for t in tenders if t.failed), lambda t: t.job):
            lone = {t.bidders for t in rounds}
            if len(rounds) >= self.limits["rounds"] and len(lone) == 1 and len(firms := lone.pop()) == 1:
                found.append(Finding(f"job:{job}", tuple(rounds), firms, {"rounds": len(rounds)}))
        for (owner, category), all_of in by(tenders, lambda t: (t.owner, t.category)):
            held = [t for t in all_of if not t.failed]
            if len(held) >= self.limits["jobs"] and all(len(t.valid) <= t.minimum for t in held):
                numbers = {"tenders": len(held), "most": max(len(t.valid) for t in held)}
                found.append(Finding(f"owner:{owner}:{category}", tuple(held), all_firms(held), numbers))
        return found
