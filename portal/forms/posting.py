"""The four steps of posting a job: what was typed, into typed values, by the fee standard of the service."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import Form

from market.catalogue.rules import (
    Coefficient,
    Standard,
    coefficient_label,
    key_label,
    phase_of,
    stages_that_fit,
    supervision_base,
)
from market.catalogue.rules.explain import scale_label
from market.ids import half_width
from market.jobs.rules import DAYS_MAX, SUMMARY, TITLE, URGENCY, Posting
from market.moments import BEIJING
from portal.forms.fields import DayIn, FileIn, LongTextIn, PickIn, RadioIn, TextIn, WholeIn, YuanIn, _Typed
from portal.forms.questions import TellForm

TAXES = {"included": _l("含税"), "excluded": _l("不含税")}
NEVER = datetime(2000, 1, 1, 17, tzinfo=BEIJING)
"""Stands for a T that was not given: refused by every rule."""
FEW = 8
"""Choices up to this number stand in sight; more go into a drop-down."""


class AreaIn(_Typed):
    """A floor area in m² with at most two decimals; `data` is in 0.01 m²."""

    def read(self, text: str) -> int | None:
        """12345.67 → 1234567."""
        plain = half_width(text).strip(" \t\u3000\u00a0").replace(",", "").removesuffix("m²").removesuffix("㎡").strip()
        if not plain:
            return None
        found = re.fullmatch(r"([0-9]{1,14})(?:\.([0-9]{1,2}))?", plain, re.ASCII)
        if found is None or not int(found[1] + (found[2] or "")):
            raise ValueError(_("看不懂“%(typed)s”。请写平方米数，最多两位小数，例如 12345.67。", typed=text[:30]))
        return int(found[1] + (found[2] or "").ljust(2, "0"))

    def show(self, value: Any) -> str:
        """1234567 → 12345.67."""
        return f"{Decimal(int(value)) / 100:f}"

    def empty(self) -> str:
        """An area is missing."""
        return str(_("请填写建筑面积。"))


class ClockIn(_Typed):
    """A time of day as HH:MM."""

    def read(self, text: str) -> Any:
        """9:00 and ０９：００ are 09:00; whether it may be a closing time is the city's rule."""
        plain = half_width(text).strip(" \t\u3000\u00a0")
        if not plain:
            return ""
        found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})", plain, re.ASCII)
        if found is None or int(found[1]) > 23 or int(found[2]) > 59:
            raise ValueError(_("看不懂“%(typed)s”。请写时刻，例如 17:00。", typed=text[:20]))
        return f"{int(found[1]):02d}:{found[2]}"


class DecimalsIn(TextIn):
    """Decimals in a row, parted by blanks, 、 or ，; `data` is a tuple of texts, or one text."""

    def __init__(self, label: Any = None, *, several: bool = False, **kwargs: Any) -> None:
        self.several = several
        super().__init__(label, most=60, size=16, inputmode="decimal", **kwargs)

    def read(self, text: str) -> Any:
        """1.3、1.4 → ("1.3", "1.4"); a half written one is refused."""
        words = [word for word in re.split(r"[\s、，,;；]+", half_width(super().read(text))) if word]
        if any(not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", word, re.ASCII) for word in words):
            raise ValueError(_("看不懂“%(typed)s”。系数最多两位小数，例如 1.15。", typed=text[:30]))
        if self.several:
            return tuple(words)
        if len(words) > 1:
            raise ValueError(_("看不懂“%(typed)s”。系数最多两位小数，例如 1.15。", typed=text[:30]))
        return words[0] if words else ""

    def show(self, value: Any) -> str:
        """As it was typed."""
        return "、".join(value) if isinstance(value, tuple) else str(value)


class ServiceForm(Form):  # type: ignore[misc]
    """Step 1: which service of which approval item."""

    service = RadioIn(_l("需要的服务"))


class PriceForm(Form):  # type: ignore[misc]
    """Step 3: ceiling, days, tax, T."""

    ceiling = YuanIn(_l("最高限价（元）"))
    closing_day = DayIn(_l("截标日期"))
    closing_time = ClockIn(_l("截标时刻（北京时间）"), size=8, default="17:00")
    urgency = LongTextIn(_l("紧急理由"), most=URGENCY[1], rows=2, optional=True)
    days_max = WholeIn(_l("工期（工作日）"), low=1, high=DAYS_MAX)
    tax = RadioIn(_l("报价"), choices=list(TAXES.items()), default="included")

    def closes_at(self) -> datetime | None:
        """T, once day and time can be read."""
        day = self.closing_day.data
        if day is None or not self.closing_time.data:
            return None
        hour, minute = (int(part) for part in self.closing_time.data.split(":"))
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=BEIJING)


class FirmsForm(TellForm):
    """Step 4: a firm to recuse with its reason, or to invite; or nobody."""

    firm = TextIn(_l("机构全称或统一社会信用代码"), most=100, optional=True)


class _ProjectForm(Form):  # type: ignore[misc]
    """What every job is asked in step 2, whatever the fee standard."""

    title = TextIn(_l("项目名称"), most=TITLE[1])
    summary = LongTextIn(_l("要做什么"), most=SUMMARY[1], rows=7)
    district = PickIn(_l("项目所在区域"))
    project_code = TextIn(_l("项目代码"), most=40, size=28, optional=True)
    document = FileIn(_l("文件"), optional=True)


def project_form(standard: Standard | None, service: str, raw: MultiDict[str, str], lang: str, **data: Any) -> Any:
    """Step 2 for a service: scale and coefficients of its standard, then the project itself."""
    fields: dict[str, Any] = {}
    if standard is not None:
        fields |= _scale_fields(standard, lang)
        for coefficient in standard.asked:
            fields[f"coef_{coefficient.name}"] = _coefficient_field(coefficient, service, raw, lang)
        if standard.asked:
            fields["evidence"] = LongTextIn(_l("系数的依据"), most=500, rows=2, optional=True)
    form = type("ProjectForm", (_ProjectForm,), fields)(raw or None, data=data)
    form.first = list(fields)
    return form


def _scale_fields(standard: Standard, lang: str) -> dict[str, Any]:
    label = scale_label(standard, lang)
    if standard.id == "supervision":
        return {
            "works": YuanIn(_l("建筑安装工程费（元）")),
            "equipment": YuanIn(_l("设备购置费和联合试运转费（元）"), zero=True, default=0),
        }
    if standard.scale_unit == "fen":
        return {"scale": YuanIn(_("%(what)s（元）", what=label))}
    return {"scale": AreaIn(_("%(what)s（m²）", what=label), inputmode="decimal", size=16)}


def _coefficient_field(coefficient: Coefficient, service: str, raw: MultiDict[str, str], lang: str) -> Any:
    label = coefficient_label(coefficient, lang)
    if coefficient.values is None:
        default = coefficient.default
        return DecimalsIn(
            label, several=coefficient.several, optional=True, default=default if coefficient.several else str(default)
        )
    keys: Sequence[str] = list(coefficient.values)
    if coefficient.name == "stage":
        phase, complexity = phase_of(service), raw.get("coef_complexity", "")
        fitting = [level for level in ("I", "II", "III") if complexity in ("", level)]
        allowed = {key for level in fitting for key in stages_that_fit(coefficient, level, phase)}
        keys = [key for key in keys if key in allowed]
    choices = [(key, key_label(coefficient, key, lang)) for key in keys]
    default = coefficient.default if isinstance(coefficient.default, str) else None
    kind = RadioIn if len(choices) <= FEW else PickIn
    return kind(label, choices=choices, default=default)


def scale_of(form: Any) -> tuple[int | None, dict[str, int]]:
    """The scale a step-2 form gives, and what it was made of (supervision: 计费额 from works and equipment)."""
    if "works" in form:
        works, equipment = form.works.data, form.equipment.data or 0
        if works is None:
            return None, {}
        return supervision_base(works, equipment), {"works": works, "equipment": equipment}
    return (form.scale.data, {}) if "scale" in form else (None, {})


def coefficients_of(form: Any) -> dict[str, Any]:
    """The owner's choices that were made; an empty one takes the standard's default or is missed by the rule."""
    found = {}
    for entry in form:
        name = entry.short_name.removeprefix("coef_")
        if entry.short_name != name and entry.data not in (None, ""):
            found[name] = list(entry.data) if isinstance(entry.data, tuple) else entry.data
    return found


def posting_of(service: str, project: Any, price: Any) -> Posting:
    """What the forms say, as the rules take it; what cannot be read yet is refused there at its own field."""
    scale, inputs = scale_of(project)
    return Posting(
        service=service,
        title=project.title.data or "",
        summary=project.summary.data or "",
        district=project.district.data or "",
        ceiling=price.ceiling.data or 0,
        days_max=price.days_max.data or 0,
        tax=price.tax.data or "",
        closes_at=price.closes_at() or NEVER,
        scale=scale,
        coefficients=coefficients_of(project),
        inputs=inputs,
        evidence=(project.evidence.data or "") if "evidence" in project else "",
        project_code=project.project_code.data or None,
        urgency=price.urgency.data or "",
    )


def as_typed(step: Mapping[str, Any]) -> MultiDict[str, str]:
    """A kept step as a form takes it."""
    found: MultiDict[str, str] = MultiDict()
    for name, value in step.items():
        for item in value if isinstance(value, list) else [value]:
            found.add(name, item)
    return found
