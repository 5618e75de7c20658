"""What is typed on the page of a job: questions, answers, one more firm."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form

from market.jobs.rules import ANSWER, QUESTION, RECUSALS
from portal.forms.fields import LongTextIn, PickIn, TextIn


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
        self.reason.offer([(code, _(words)) for code, words in RECUSALS.items()])
