"""Forms of a contract: milestones, confirmation, delivery, judgement, pauses, changes, ends, the sealed original."""

import re
from datetime import date, datetime, time
from typing import Any, Final

from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form, HiddenField

from market.clock import BEIJING
from market.contracts.rules import MOST_MILESTONES, Planned, wrong_plan
from market.ids import half_width
from market.moments import beijing_day
from portal.forms.admission import ACCEPT
from portal.forms.fields import DayIn, FileIn, LongTextIn, RadioIn, TextIn, TickIn, WholeIn, YuanIn, _Typed
from portal.words import say

DAYS_MAX: Final = 3650
WHOSE = {"owner": _l("业主的原因"), "authority": _l("主管部门的原因"), "firm": _l("中介机构自身的原因")}
"""Whose a pause is, as pages say it."""
TASKS: Final[dict[str, tuple[str, Any, str | None]]] = {
    "sign": ("contracts.confirm", _l("核对并确认合同"), None),
    "inputs": ("contracts.inputs", _l("确认资料交齐"), None),
    "deliver": ("contracts.deliver", _l("交付第 %(n)s 个里程碑"), "no"),
    "judge": ("contracts.judge", _l("验收交付"), "id"),
    "change": ("contracts.answer_change", _l("答复变更"), "id"),
    "pause": ("contracts.answer_pause", _l("答复暂停"), "id"),
}
"""What waits in a contract (market.contracts.work) → the door, the words, and the door's name for `ref`."""


def task_link(kind: str, code: str, ref: int | None) -> tuple[str, str]:
    """The address and the words of what waits."""
    door, words, name = TASKS[kind]
    more: dict[str, Any] = {name: ref} if name is not None else {}
    said = str(words)
    return url_for(door, code=code, **more), said % {"n": ref} if kind == "deliver" else said


class ShareIn(_Typed):
    """A share of the price in percent with at most two decimals; `data` is basis points, 0 < data ≤ 10,000."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        super().__init__(label, inputmode="decimal", size=6, **kwargs)

    def read(self, text: str) -> int | None:
        """30, 30%, １２.５ → 3000, 3000, 1250."""
        plain = half_width(text).strip(" \t\r\n\u3000\u00a0").removesuffix("%").strip()
        if not plain:
            return None
        found = re.fullmatch(r"([0-9]{1,6})(?:\.([0-9]{1,2}))?", plain, re.ASCII)
        if found is None:
            raise ValueError(_("看不懂“%(typed)s”。请写百分数，最多两位小数，例如 30 或 12.5。", typed=text[:30]))
        points = int(found[1] + (found[2] or "").ljust(2, "0"))
        if not 0 < points <= 10_000:
            raise ValueError(_("一个里程碑的比例应大于 0，最多是全部价款。"))
        return points

    def show(self, value: Any) -> str:
        """3000 → 30, 1250 → 12.5."""
        whole, rest = divmod(int(value), 100)
        return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


class MilestoneForm(Form):  # type: ignore[misc]
    """One row: a name, its share, and the working day it is due; wholly empty rows are left out."""

    name = TextIn(_l("名称"), most=80, optional=True, size=28)
    share = ShareIn(_l("占合同价款的百分比"), optional=True)
    days = WholeIn(_l("起算后第几个工作日"), low=1, high=DAYS_MAX, optional=True)

    @property
    def empty(self) -> bool:
        """Whether nothing was typed here."""
        return not any(field.typed.strip() or field.data for field in self)


class MilestonesForm:
    """All rows as one form: `rows`, `validate()`, `errors`; a field is known by `m1-share`."""

    def __init__(self, given: Any, planned: list[dict[str, Any]], shown: int, days: int) -> None:
        self.days_of_contract = days
        count = min(MOST_MILESTONES, max(shown, len(planned), 1))
        blank = planned + [{}] * (count - len(planned))
        self.rows = [MilestoneForm(given, prefix=f"m{n}-", data=row) for n, row in enumerate(blank, start=1)]

    def validate(self) -> bool:
        """Every row that is not empty must be whole, and the rows together a plan (contracts.rules.wrong_plan)."""
        fit = [row.validate() for row in self.rows]
        used = [row for row in self.rows if not row.empty]
        for row in used:
            if any(field.data in (None, "") and not field.errors for field in row):
                for field in row:
                    field.errors = list(field.errors) or [_("这一行的名称、比例和期限都要填。")]
        if not all(fit) or self.errors:
            return False
        lang = "en" if str(get_locale()) == "en" else "zh"
        for no in wrong_plan([Planned(r["name"], r["share"], r["days"]) for r in self.data], self.days_of_contract):
            told = say(no, lang)
            name = {"milestones.share": "share", "milestones.days": "days"}.get(no.code, "name")
            for row in used or self.rows[:1]:
                row[name].errors = [*row[name].errors, f"{told.why}{told.do}"]
        return not self.errors

    @property
    def data(self) -> list[dict[str, Any]]:
        """The rows that say something."""
        return [row.data for row in self.rows if not row.empty]

    @property
    def errors(self) -> dict[str, list[str]]:
        """By the name of the input."""
        return {f.name: list(f.errors) for row in self.rows for f in row if f.errors}

    def __contains__(self, name: object) -> bool:
        return name == "milestones" or any(f.name == name for row in self.rows for f in row)

    def __getitem__(self, name: str) -> Any:
        """The field of a name; what is wrong with all rows together (`milestones`) is said at the first one."""
        if name == "milestones":
            return self.rows[0].name
        return next(f for row in self.rows for f in row if f.name == name)


class ConfirmForm(Form):  # type: ignore[misc]
    """A confirmation of exactly the terms that were shown."""

    digest = HiddenField()
    sure = TickIn(_l("我有权代表本单位，确认以上条款"), must=True)


class RefuseForm(Form):  # type: ignore[misc]
    """Why a side does not sign."""

    reason = LongTextIn(_l("理由"), most=500, rows=4)
    sure = TickIn(_l("我知道这一步会公开，并且不能撤销"), must=True)


class InputsForm(Form):  # type: ignore[misc]
    """The firm has what it needs."""

    sure = TickIn(_l("资料已经交齐，工期从较晚的一天之后起算"), must=True)


class DeliverForm(Form):  # type: ignore[misc]
    """A version of what is delivered."""

    document = FileIn(_l("成果文件"), accept=ACCEPT, optional=True)
    note = LongTextIn(_l("说明"), most=1000, rows=5)


class VerdictForm(Form):  # type: ignore[misc]
    """The owner's word on a delivery; a return needs its reason (the service asks for it)."""

    accept = RadioIn(
        _l("验收结论"), choices=lambda: [("yes", str(_l("验收通过"))), ("no", str(_l("退回，请改正后再交")))]
    )
    reason = LongTextIn(_l("理由（退回时必填）"), most=1000, rows=5, optional=True)


class PauseForm(Form):  # type: ignore[misc]
    """A time that shall not count: whose, why, from when and, if it is over, until when."""

    whose = RadioIn(_l("谁的原因"), choices=lambda: [(code, str(words)) for code, words in WHOSE.items()])
    reason = LongTextIn(_l("理由"), most=500, rows=4)
    from_at = DayIn(_l("从哪天开始"))
    until_at = DayIn(_l("到哪天为止"), optional=True)

    def begins(self, now: datetime) -> datetime:
        """An instant of the day it begins: the day itself counts, so the latest one that is not in the future."""
        first: date = self.from_at.data
        last_second = datetime.combine(first, time(23, 59, 59), BEIJING)
        if first == beijing_day(now):
            return now
        return last_second if last_second < now else datetime.combine(first, time(0), BEIJING)

    def ends(self) -> datetime | None:
        """The last second of the day it ends; None while it lasts."""
        last: date | None = self.until_at.data
        return None if last is None else datetime.combine(last, time(23, 59, 59), BEIJING)


class AgreeForm(Form):  # type: ignore[misc]
    """A side's answer to a pause."""

    agree = RadioIn(_l("您的答复"), choices=lambda: [("yes", str(_l("同意"))), ("no", str(_l("不同意")))])


class ChangeForm(Form):  # type: ignore[misc]
    """New totals of price and days, with scope and reason."""

    amount = YuanIn(_l("变更后的合同价款（元）"))
    days = WholeIn(_l("变更后的工期（工作日）"), low=1, high=DAYS_MAX)
    scope = LongTextIn(_l("服务内容有什么变化"), most=1000, rows=4, optional=True)
    reason = LongTextIn(_l("变更的理由"), most=1000, rows=4)


class AnswerChangeForm(AgreeForm):
    """A side's answer to a change, in words."""

    answer = LongTextIn(_l("说明"), most=1000, rows=4, optional=True)


class EndForm(Form):  # type: ignore[misc]
    """Why a contract is terminated."""

    reason = LongTextIn(_l("终止的理由"), most=1000, rows=5)
    sure = TickIn(_l("我知道终止会公开，并且不能撤销"), must=True)


class OriginalForm(Form):  # type: ignore[misc]
    """The sealed original."""

    document = FileIn(_l("盖章原件的扫描件"), accept=ACCEPT)
