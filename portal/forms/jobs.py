"""What the pages of a job say in words: its baseline, the lines of the check page, the filters of the list."""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market.catalogue.rules import Coefficient, Standard, coefficient_label, key_label, kind_label, show_scale
from market.catalogue.rules.explain import scale_label
from market.jobs.models import Job
from market.moments import BEIJING
from market.money import Fen, daxie, show_fraction_percent
from portal import shell, web

FUNDINGS = {"fiscal": _l("财政资金"), "state": _l("国有资金"), "private": _l("企业自筹")}
BANDS = {"to2": _l("2 万元以下"), "2to10": _l("2–10 万元"), "from10": _l("10 万元以上")}
WINDOWS = {"today": _l("今天"), "3": _l("3 天内"), "7": _l("7 天内")}
STAGES = {
    "open": _l("正在报价"), "deciding": _l("开标和公示"), "awarded": _l("中选确定"), "failed": _l("流标"),
    "cancelled": _l("已取消"),
}  # fmt: skip
TAXES = {"included": _l("含税"), "excluded": _l("不含税")}
_NONE = {
    "no_standard": _l("这项服务没有可用的全国价目，或价目不按规模计费。"),
    "below_table": _l("规模低于收费标准的最低一档，文件没有给出价格。"),
    "above_table": _l("规模高于收费标准的最高一档，文件没有给出价格。"),
}
SAMPLE = "sample assumption, not a statute"


def kind_word(kind: str | None) -> str:
    """What kind of document a baseline rests on."""
    return kind_label(kind, web.lang()) if kind else "—"


def document_word(number: str | None) -> str:
    """The number of a price document, in Chinese with the brackets of official papers."""
    text = number or "—"
    return text if web.lang() == "en" else text.replace("[", "〔").replace("]", "〕").replace("; ", "；")


def why_none(figure: Mapping[str, Any] | None) -> str:
    """Why there is no baseline; before scale and coefficients are given, that they are missing."""
    why = (figure or {}).get("why")
    if why == "no_standard" and (figure or {}).get("kind"):
        return str(_("填好规模和系数后，这里会算出参考基准。"))
    return str(_NONE.get(why or "", _NONE["no_standard"]))


def days_source(text: str) -> str:
    """Where the baseline's days come from; the sample's own word in the language of the page."""
    return str(_("样本假定，不是法定")) if text == SAMPLE else text


def scale_hint(standard: Standard | None) -> str:
    """What the scale is for, and how it may be written."""
    if standard is None:
        return ""
    if standard.id == "supervision":
        return str(_("按批准的概算填写。设备购置费和联合试运转费占四成以上时，只计入四成。可以写 32000 万。"))
    if standard.scale_unit == "fen":
        return str(_("按批准或估算的数填写，可以写 320000000、32000万 或 3.2亿。"))
    return str(_("平方米，最多两位小数。"))


def ceiling_hint(d: Any, figure: Mapping[str, Any] | None) -> str:
    """What stands beside the ceiling's label."""
    parts = [_("高于它的报价不接受。")]
    if figure and figure["fee"] is not None:
        parts.append(_("参考基准 %(fee)s。", fee=shell.money(figure["fee"])))
    parts.append(_("可以写 160000 或 16万。"))
    return "".join(parts)


def ceiling_echo(fen: int | None, figure: Mapping[str, Any] | None) -> str:
    """大写, and the share of the baseline."""
    if fen is None:
        return ""
    said = daxie(Fen(fen))
    if figure and figure["fee"]:
        share = show_fraction_percent(Fraction(fen, figure["fee"]), 1)
        said += _("・") + _("参考基准的 %(share)s", share=share)
    return said


def scale_word(figure: Mapping[str, Any] | None, standard: Standard | None) -> tuple[str, str] | None:
    """Label and value of a scale, or None without one."""
    if standard is None or not figure or figure["scale"] is None:
        return None
    return scale_label(standard, web.lang()), show_scale(standard, figure["scale"], web.lang())


def coefficient_rows(figure: Mapping[str, Any] | None, standard: Standard | None) -> list[tuple[str, str]]:
    """The owner's choices in words."""
    rows = []
    for name, value in (figure or {}).get("coefficients", {}).items():
        coefficient = standard.coefficient(name) if standard else None
        if coefficient is not None:
            rows.append((coefficient_label(coefficient, web.lang()), _chosen(coefficient, value)))
    return rows


def _chosen(coefficient: Coefficient, value: Any) -> str:
    if isinstance(value, list):
        return _("、").join(value) or str(_("无"))
    return key_label(coefficient, value, web.lang()) if coefficient.values else str(value)


def check_rows(d: Any, project: Any, price: Any) -> list[tuple[int, str, list[list[Any]]]]:
    """The check page: (step, title, facts)."""
    figure, missing = d.baseline, _("还没有填")
    service = [[_("服务"), missing]]
    if d.service:
        service = [
            [_("审批事项"), d.service.item],
            [_("服务"), d.service.name],
            [_("类别"), shell.category(d.service.category_code)],
            [_("资质"), d.service.qualification or _("法律没有要求")],
        ]
    scale = scale_word(figure, d.standard)
    about = [[scale[0], scale[1]]] if scale else []
    about += [[label, value] for label, value in coefficient_rows(figure, d.standard)]
    about += [
        [_("业主"), d.owner.name if d.owner else missing],
        [_("项目名称"), project.title.data or missing],
        [_("要做什么"), project.summary.data or missing],
        [_("项目所在区域"), shell.district(project.district.data)],
        [_("项目代码"), project.project_code.data or _("没有")],
        [_("文件"), _("、").join(f.name for f in d.documents) or _("没有")],
    ]
    closes, ceiling = price.closes_at(), price.ceiling.data
    offer = [
        [_("最高限价"), f"{shell.money(ceiling)}{_('，')}{daxie(Fen(ceiling))}" if ceiling else missing],
        [_("截标时间"), shell.at(closes) if closes else missing],
        *([[_("紧急理由"), price.urgency.data]] if price.urgency.data else []),
        [_("工期"), _("不超过 %(n)s 个工作日", n=price.days_max.data) if price.days_max.data else missing],
        [_("报价"), TAXES.get(price.tax.data, missing)],
        [_("选取方式"), _("竞价・最低价")],
    ]
    firms = [
        [_("回避"), _("、").join(f"{r.name}（{_(r.reason)}）" for r in d.recusals) or _("没有")],
        [_("邀请"), _("、").join(org.name for org in d.invited) or _("没有")],
    ]
    return [
        (1, _("事项与服务"), service),
        (2, _("规模与材料"), about),
        (3, _("报价规则"), offer),
        (4, _("回避与邀请"), firms),
    ]


def resume_url(job: Job) -> str:
    """Where a draft goes on."""
    step = int(job.draft.get("step", 1))
    where = url_for("posting.step", draft=job.id, step=step) if step <= 4 else url_for("posting.check", draft=job.id)
    return str(where)


def resume_word(job: Job) -> str:
    """How far a draft has come."""
    step = int(job.draft.get("step", 1))
    return str(_("第 %(n)s 步，共 4 步", n=step)) if step <= 4 else str(_("等待提交"))


def state_sentence(job: Job, now: datetime) -> str:
    """What the state of a job means for a reader, in one sentence; the time of T stands beside it."""
    if job.stage == "open" and job.closes_at is not None and now >= job.closes_at:
        return str(_("正在截标。结果由服务器统一产生，通常不到一分钟。不需要守在本页。"))
    said = {
        "closing": _("正在截标。结果由服务器统一产生，通常不到一分钟。不需要守在本页。"),
        "decided": _("已经开标，结果见截标纪要。"),
        "explaining": _("第一名的报价明显偏低，正在说明成本。"),
        "proposed": _("已经开标，拟中选结果正在公示，可以提出异议。"),
        "contested": _("有异议，业主答复之前中选不生效。"),
        "standing": _("中选已经确定。"),
        "contracted": _("已经签订合同。"),
        "failed": _("流标，没有公开任何价格。"),
        "struck": _("中选资格已取消。"),
        "cancelled": _("业主取消了这个项目，报价信封没有开启。") if job.state == "cancelled" else _("业主取消了结果。"),
    }
    return str(said.get(job.stage, ""))


GLOBALS: dict[str, Any] = {
    "kind_word": kind_word, "document_word": document_word, "why_none": why_none, "days_source": days_source,
    "scale_hint": scale_hint,
    "ceiling_hint": ceiling_hint, "ceiling_echo": ceiling_echo, "check_rows": check_rows, "resume_url": resume_url,
    "resume_word": resume_word, "state_sentence": state_sentence, "FUNDINGS": FUNDINGS, "TAXES": TAXES,
}  # fmt: skip


def file_heads() -> list[str]:
    """The columns of the list as a file."""
    return [
        str(head)
        for head in (
            _("项目编号"), _("名称"), _("业主"), _("类别"), _("区域"), _("资金"), _("状态"), _("参考基准（元）"),
            _("最高限价（元）"), _("发布"), _("截标（北京时间）"), _("加急"), _("地址"),
        )
    ]  # fmt: skip


def file_line(row: Any, at: str) -> list[object]:
    """A job of the list as a line of a file; amounts in yuan."""
    yuan = [None if fen is None else fen / 100 for fen in (row.baseline_fen, row.ceiling_fen)]
    times = [
        moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M") if moment else None
        for moment in (row.published_at, row.closes_at)
    ]
    return [
        row.code, row.title, row.owner, shell.category(row.category), shell.district(row.district),
        str(FUNDINGS.get(row.funding, row.funding)), shell.stage_word(row.stage), *yuan, *times, int(row.urgent),
        f"{at}/jobs/{row.code}",
    ]  # fmt: skip


def feed_line(row: Any) -> str:
    """A job of the list in one line."""
    closes = row.closes_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")
    words = {
        "category": shell.category(row.category), "district": shell.district(row.district),
        "ceiling": shell.money(row.ceiling_fen), "closes": closes,
    }  # fmt: skip
    return str(_("%(category)s，%(district)s，最高限价 %(ceiling)s，%(closes)s 截标（北京时间）", **words))
