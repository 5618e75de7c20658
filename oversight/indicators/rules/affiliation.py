"""Indicator `affiliation`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.tender import Finding, Indicator, Tender


class Affiliation(Indicator):
    """Bidders that law counts as one bid on the same job and were rejected unopened."""

    id, version = "affiliation", 1
    name = ("关联机构同场报价", "Affiliated bidders")
    text = (
        "互有关联的机构对同一项目报价，开标前已被否决。",
        "Firms joined by an affiliation bid on the same job; all were rejected before opening.",
    )
    source = ("《招标投标法实施条例》第三十四条、第四十条", "Tendering Regulation arts. 34 and 40")
    inputs = ("每一轮开标前因关联被否决的机构", "firms rejected before the opening of each round for their affiliation")
    limits: ClassVar[Mapping[str, int]] = {"firms": 2}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a round in which affiliated bidders were rejected."""
        return [
            Finding(f"round:{t.code}-{t.round}", (t,), tuple(sorted(t.kin)), {"rejected": len(t.kin)})
            for t in sorted(tenders, key=lambda t: (t.code, t.round))
            if len(t.kin) >= self.limits["firms"]
        ]
