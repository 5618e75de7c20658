"""What figures are asked by: filters read from an address, and the words for them. Unknown values narrow nothing."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from bidding.methods.explain import word
from oversight.metrics.queries import CUTS, By, Filters
from oversight.metrics.rules import FEES, KINDS
from portal import shell, web
from portal.forms.jobs import FUNDINGS

BY: Final = {
    "category": _l("类别"), "month": _l("月份"), "district": _l("区域"), "method": _l("选取方式"),
    "funding": _l("资金"),
}  # fmt: skip
FEE_WORDS: Final = {"awarded": _l("中选价"), "contracted": _l("合同价（含变更）"), "settled": _l("实际结算")}
KIND_WORDS: Final = {
    "official": _l("国家价目"), "ceiling": _l("最高收费标准"), "guide": _l("部门指导"), "analogy": _l("参照"),
    "none": _l("没有基准"),
}  # fmt: skip
METHODS: Final = (
    "lowest_price", "discount_rate", "multi_criteria", "open_descending", "lottery", "direct", "merit",
)  # fmt: skip
_CODE = re.compile(r"[0-9A-Za-z_-]{1,12}", re.ASCII)
MONTH = re.compile(r"(20[0-9]{2})-?(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of figures is asked for: filters, which price, which kind of baseline, and how it is split."""

    at: Filters
    fee: str = "awarded"
    kind: str = "official"
    by: By = "category"
    measure: str = "awarded"
    lowest: bool = False

    def url(self, endpoint: str, **change: Any) -> str:
        """The address of a page with these filters and some of them changed; None takes one away."""
        at = self.at
        args: dict[str, Any] = {
            "category": at.category, "district": at.district, "method": at.method, "funding": at.funding,
            "from": month_text(at.since), "to": month_text(at.until), "fee": self.fee, "kind": self.kind, "by": self.by,
        }  # fmt: skip
        plain = {"fee": "awarded", "kind": "official", "by": "category"}
        args.update(change)
        return url_for(endpoint, **{k: v for k, v in args.items() if v not in (None, "") and plain.get(k) != v})

    def chosen(self, name: str) -> str | None:
        """What a select of the filter form stands at."""
        at = self.at
        months = {"from": month_text(at.since), "to": month_text(at.until)}
        own = {"fee": self.fee, "kind": self.kind}
        return months.get(name) or own.get(name) or getattr(at, name, None)

    def narrowed(self, by: str, value: Any) -> dict[str, Any]:
        """The change of an address that narrows it to one value of a dimension."""
        return {"from": month_text(value), "to": month_text(value)} if by == "month" else {by: value}


def asked(scope: str | None = None) -> Asked:
    """Read the address. `scope`: a district that is taken where none is asked for."""
    args = request.args
    at = Filters(
        category=_code("category"), district=_code("district") or scope, method=_one("method", METHODS),
        funding=_one("funding", FUNDINGS), since=_month("from"), until=_month("to"),
    )  # fmt: skip
    fee = _one("fee", FEES) or "awarded"
    measure = args.get("measure", fee)
    return Asked(
        at=at,
        fee=fee,
        kind=_one("kind", KINDS) or "official",
        by=cast(By, _one("by", BY) or "category"),
        measure=measure if measure in (*CUTS, "bids", "failed", "outside", "covered") else fee,
        lowest=args.get("sort") == "cut" and measure in CUTS,
    )


def _code(name: str) -> str | None:
    text = request.args.get(name, "")
    return text if _CODE.fullmatch(text) else None


def _one(name: str, known: Any) -> str | None:
    text = request.args.get(name, "")
    return text if text in known else None


def _month(name: str) -> int | None:
    found = MONTH.fullmatch(request.args.get(name, ""))
    return int(found[1] + found[2]) if found else None


def month_text(month: int | None) -> str:
    """202604 as 2026-04; nothing for none."""
    return "" if month is None else f"{month // 100}-{month % 100:02d}"


def month_words(text: str) -> str:
    """2026-04 for a sentence."""
    year, month = text.split("-")
    return text if web.lang() == "en" else f" {year}年{int(month)}月"


def label(by: str, value: Any) -> str:
    """A value of a dimension in words."""
    if by == "category":
        return shell.category(value)
    if by == "district":
        return shell.district(value)
    if by == "method":
        return word(value, "en" if web.lang() == "en" else "zh") if value in METHODS else str(value)
    if by == "funding":
        return str(FUNDINGS.get(value, value))
    return month_text(value)


def chosen(view: Asked) -> list[tuple[str, str]]:
    """The filters in words, each with the address without it."""
    at = view.at
    found: list[tuple[str, dict[str, Any]]] = [
        (label(by, getattr(at, by)), {by: None})
        for by in ("category", "district", "method", "funding")
        if getattr(at, by) is not None
    ]
    if at.ranged:
        span = f"{month_text(at.since) or '…'}–{month_text(at.until) or '…'}"
        found.append((span, {"from": None, "to": None}))
    here = request.endpoint or "figures.index"
    return [(words, view.url(here, **gone)) for words, gone in found]


def title(view: Asked) -> str:
    """The filters in one line: 环境影响评价・望浦区; the whole city without any."""
    return str(_("・")).join(words for words, _url in chosen(view)) or str(_("全市"))


def within(view: Asked, **but: Any) -> Asked:
    """The same view with other filters."""
    return replace(view, at=replace(view.at, **but))


def measure_word(view: Asked) -> str:
    """What the rows of a view count in."""
    if view.measure in FEES:
        return str(_("费用降幅，按%(price)s", price=FEE_WORDS[view.measure]))
    words = {
        "days": _("工期降幅"), "bids": _("有效报价"), "failed": _("全部结果"), "outside": _("外区机构"),
        "covered": _("有无基准"),
    }  # fmt: skip
    return str(words[view.measure])


def table_heads() -> list[str]:
    """The columns of a view's file."""
    heads = (
        _("指标"), _("基准性质"), _("维度"), _("值"), _("项数"), _("中位数（%）"), _("下四分位（%）"),
        _("上四分位（%）"), _("加权（%）"), _("覆盖率（%）"),
    )  # fmt: skip
    return [str(head) for head in heads]


def row_heads() -> list[str]:
    """The columns of a file of rows."""
    heads = (
        _("项目"), _("合同"), _("名称"), _("类别"), _("区域"), _("月份"), _("选取方式"), _("资金"), _("中选机构"),
        _("基准性质"), _("参考基准（元）"), _("中选价（元）"), _("合同价（元）"), _("实际结算（元）"), _("基准工作日"),
        _("承诺工作日"), _("实际工作日"), _("有效报价"), _("轮次"), _("流标"), _("费用降幅（%）"), _("工期降幅（%）"),
    )  # fmt: skip
    return [str(head) for head in heads]


def notes() -> list[tuple[str, str]]:
    """The definitions, for the page and for every file."""
    found = [
        (
            _("费用降幅"),
            _(
                "1 − 价格 ÷ 参考基准，按千分比四舍五入。"
                "价格取中选价、合同价（含双方同意的变更）或实际结算，三者分开统计。"
            ),
        ),
        (
            _("参考基准"),
            _(
                "报价开始前按当时公布的收费标准算定并固定，附摘要。不同性质的基准（国家价目、最高收费标准、部门指导、参照）"
                "从不混在一个数里；没有基准的项目只计入覆盖率。"
            ),
        ),
        (
            _("工期降幅"),
            _("1 − 实际工作日 ÷ 基准工作日；实际工作日从签订和资料齐全较晚者算到被验收的交付，扣除双方同意的暂停。"),
        ),
        (
            _("中位数和四分位"),
            _("按公布的千分比计算，相邻两值之间线性插值（与电子表格的 QUARTILE.INC 相同）。"),
        ),
        (_("加权"), _("1 − 价格之和 ÷ 基准之和，大项目影响更大；中位数不受其影响。")),
        (_("样本太少"), _("不足 5 项的格子不给中位数，只列项数和明细。")),
        (_("覆盖率"), _("中选项目里有国家价目基准的比例。")),
        (_("极端值"), _("超过基准 11 倍的单项按 −1000% 计入中位数；加权和明细用原值。")),
        (
            _("竞争"),
            _(
                "有效报价：截标后计入的独立报价数；开启前流标的，按收到的份数计。"
                "外区机构：登记地不在项目所在区的中选机构。"
            ),
        ),
        (_("月份"), _("按北京时间，中选生效的月份；流标项目按终止的月份。")),
        (_("更新"), _("系统读公开日志逐笔更新，和全部重算的结果逐格相同。")),
    ]
    return [(str(head), str(text)) for head, text in found]
