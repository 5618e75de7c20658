"""Indicator `raised_after`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.measures import BP
from oversight.indicators.rules.tender import Finding, Indicator, Tender


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
    inputs = (
        "中选价、合同现价（含已同意的变更）",
        "price of the award; price of the contract with every agreed change",
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
