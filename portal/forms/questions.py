"""What is typed on the page of a job: questions, answers, one more firm."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form

from market.jobs.rules import ANSWER, QUESTION, RECUSALS
from portal.forms.fields import LongTextIn, PickIn, TextIn

REASONS = {
    "interest": _l("与业主有投资、控股或管理关系"),
    "kin": _l("双方负责人之间有近亲属或其他利害关系"),
    "same_project": _l("已承担同一项目中须相互独立的另一项服务"),
    "dispute": _l("与业主有尚未了结的诉讼、仲裁或合同争议"),
    "breach": _l("近三年对业主有书面认定的严重违约"),
    "other": _l("其他原因"),
}
"""The reasons of jobs.rules.RECUSALS, for the catalogue: what is published is the Chinese text."""


class AskForm(Form):  # type: ignore[misc]
    """A public question."""

    text = LongTextIn(_l("提问"), most=QUESTION[1], rows=3)


class AnswerForm(Form):  # type: ignore[misc]
    """A public answer."""

    answer = LongTextIn(_l("答复"), most=ANSWER[1], rows=3)


class TellForm(Form):  # type: ignore[misc]
    """A firm to recuse (with its reason) or to invite."""

    firm = TextIn(_l("机构全称或统一社会信用代码"), most=100)
    reason = PickIn(_l("回避的理由"), optional=True)
    note = TextIn(_l("说明"), most=200, optional=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason.offer((code, REASONS[code]) for code in RECUSALS)
