"""The one form of a case: what is done with a flag, and the words for it; and flags as lines of a file."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import Form

from market.moments import BEIJING
from portal import shell
from portal.forms.fields import LongTextIn, RadioIn

WORDS = {
    "assign": _("由我承办"), "note": _("记录核查情况"), "found": _("结论：属实"), "dismiss": _("结论：不属实"),
    "reopen": _("重新打开"),
}  # fmt: skip


class CaseForm(Form):  # type: ignore[misc]
    """An act on a flag with its reason."""

    act = RadioIn(_("办理"), choices=lambda: [(name, str(words)) for name, words in WORDS.items()])
    text = LongTextIn(_("理由或情况"), most=2000, rows=5)


STATES = {"open": _("待承办"), "assigned": _("核查中"), "founded": _("属实"), "unfounded": _("不属实")}


def file_heads() -> list[str]:
    """The columns of the list of flags as a file."""
    return [
        str(head)
        for head in (
            _("编号"), _("规则"), _("规则代码"), _("规则版本"), _("类别"), _("区县"), _("金额（元）"), _("提出"),
            _("最近一次仍符合"), _("状态"), _("结论时间"), _("项目编号"), _("地址"),
        )
    ]  # fmt: skip


def file_line(flag: Any, name: str, jobs: Sequence[str], at: str) -> list[object]:
    """A flag as a line of a file; the amount in yuan, times of Beijing."""
    times = [
        moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M") if moment else None
        for moment in (flag.raised_at, flag.seen_at, flag.decided_at)
    ]
    return [
        flag.id, name, flag.indicator, flag.version,
        shell.category(flag.category_code) if flag.category_code else str(_("多个类别")),
        shell.district(flag.district) if flag.district else str(_("跨区县")),
        None if flag.amount is None else flag.amount / 100, *times[:2], str(STATES[flag.state]), times[2],
        " ".join(jobs), f"{at}/regulator/flags/{flag.id}",
    ]  # fmt: skip
