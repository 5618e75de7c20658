"""Indicator `close_bids`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.measures import BP, by, names, ratios, spread
from oversight.indicators.rules.tender import Finding, Indicator, Tender


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
    inputs = (
        "同一组机构每次的有效报价（以价格竞争的方式）",
        "the valid prices of the same firms, each time they met, where firms compete by price",
    )
    limits: ClassVar[Mapping[str, int]] = {"firms": 3, "jobs": 3, "spread_bp": 200}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a group of firms: nearly equal, and one where the ratios repeat."""
        found = []
        enough = [t for t in tenders if len(t.valid) >= self.limits["firms"]]
        for firms, met in by(enough, lambda t: t.firms):
            close = [t for t in met if spread(t.prices) < self.limits["spread_bp"]]
            if len(close) >= self.limits["jobs"]:
                numbers = {"tenders": len(close), "met": len(met), "widest_bp": max(spread(t.prices) for t in close)}
                found.append(Finding(f"close:{names(firms)}", tuple(close), firms, numbers))
            for same, fixed in by(met, ratios):
                if len(fixed) >= self.limits["jobs"] and max(same) > BP:
                    repeated = {"tenders": len(fixed), "met": len(met), "ratios_bp": list(same)}
                    found.append(Finding(f"ratio:{names(firms)}", tuple(fixed), firms, repeated))
        return found
