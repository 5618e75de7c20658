"""Indicator `refused_after`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

from oversight.indicators.rules.tender import Finding, Indicator, Tender

YEAR = timedelta(days=365)


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
    inputs = ("中选后放弃或拒签的机构和日期", "firms that withdrew or refused after winning, and when")
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
