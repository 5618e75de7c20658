"""Forms around a result: explanation, judgement, objection, complaint, refusal, decision."""

from flask_babel import lazy_gettext as _
from wtforms import Form

from bidding.awards.rules import GROUNDS
from portal.forms.fields import LongTextIn, RadioIn, TickIn

GROUND_WORDS = {
    "count": _("报价计数"),
    "identity": _("机构身份"),
    "affiliation": _("关联关系"),
    "qualification": _("资质"),
    "price": _("价格"),
    "procedure": _("程序"),
    "other": _("其他"),
}


def grounds() -> list[tuple[str, str]]:
    """The grounds in the reader's language."""
    return [(code, str(GROUND_WORDS[code])) for code in GROUNDS]


class ExplainForm(Form):  # type: ignore[misc]
    """The costs behind a low price."""

    text = LongTextIn(_("成本说明"), most=4000, rows=10)


class ReasonForm(Form):  # type: ignore[misc]
    """An act that needs a published reason and an aware tick."""

    reason = LongTextIn(_("理由"), most=500, rows=4)
    sure = TickIn(_("我知道这一步会公开，并且不能撤销"), must=True)


class JudgeForm(Form):  # type: ignore[misc]
    """The owner's judgement of an explanation."""

    accept = RadioIn(
        _("判断"), choices=lambda: [("yes", str(_("成立，进入公示"))), ("no", str(_("不成立，由下一名递补")))]
    )
    reason = LongTextIn(_("理由"), most=1000, rows=5)


class GroundForm(Form):  # type: ignore[misc]
    """One ground and the facts."""

    ground = RadioIn(_("理由"), choices=grounds)
    text = LongTextIn(_("事实"), most=2000, rows=8)


class AnswerForm(Form):  # type: ignore[misc]
    """The owner's answer to an objection, or the regulator's decision on a complaint."""

    upheld = RadioIn(
        _("结论"), choices=lambda: [("no", str(_("不成立"))), ("yes", str(_("成立，取消该机构的中选资格")))]
    )
    text = LongTextIn(_("说明"), most=2000, rows=8)


class HoldForm(Form):  # type: ignore[misc]
    """Why the regulator holds an award."""

    reason = LongTextIn(_("暂停理由"), most=500, rows=3)
