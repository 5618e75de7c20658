"""Indicator `padded_days`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.measures import BP
from oversight.indicators.rules.tender import Finding, Indicator, Tender


class PaddedDays(Indicator):
    """Work accepted after a sliver of the days it is said to need: padded, or done before."""

    id, version = "padded_days", 1
    name = ("时限虚高", "Days padded")
    text = (
        "基准时限较长的项目在极少的工作日内验收：基准可能虚高，或者中选前已开工。",
        "Accepted after a sliver of a long baseline: its days may be padded, or the work was done before the award.",
    )
    source = ("开放合同组织《红旗指标》（履约期异常）", "OCP Red Flags (abnormal time of performance)")
    inputs = ("基准工作日、实际用时（扣除暂停）", "baseline days; days used, pauses not counted")
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
