"""A finding, the firm's reply to it, its withdrawal; the decision on a request for repair."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Form

from portal.forms.fields import DayIn, LongTextIn, RadioIn, TextIn, UsccIn
from ratings.credit.findings import REASON_MAX, REPLY_MAX, TEXT_MAX, Finding


def grades() -> list[tuple[str, str]]:
    """How grave it is, the mildest first."""
    return [
        ("0", gettext("检查合格，无发现")), ("1", gettext("一般")), ("2", gettext("较重")), ("3", gettext("严重")),
    ]  # fmt: skip


class FindingForm(Form):  # type: ignore[misc]
    """What the authority's document says."""

    uscc = UsccIn(_("统一社会信用代码"))
    severity = RadioIn(_("结论"), choices=grades)
    source = TextIn(_("认定机关"), most=200)
    number = TextIn(_("文号"), most=80)
    article = TextIn(_("依据条款"), most=200)
    text = LongTextIn(_("认定事实"), most=TEXT_MAX, rows=6)
    happened_on = DayIn(_("认定日期"))
    expires_on = DayIn(_("有效期至"))
    suspend_until = DayIn(_("建议暂停报价至"), optional=True)

    def finding(self) -> Finding:
        """What was entered; only of a form that is fit."""
        return Finding(
            int(self.severity.data), self.source.data, self.number.data, self.article.data, self.text.data,
            self.happened_on.data, self.expires_on.data, self.suspend_until.data,
        )  # fmt: skip


class OwnReplyForm(Form):  # type: ignore[misc]
    """What the firm says to it."""

    text = LongTextIn(_("陈述"), most=REPLY_MAX, rows=6)


class WithdrawForm(Form):  # type: ignore[misc]
    """Why a finding is taken back."""

    reason = LongTextIn(_("撤销理由"), most=REASON_MAX, rows=4)


class DecideForm(Form):  # type: ignore[misc]
    """The decision on a request for repair."""

    granted = RadioIn(
        _("决定"),
        choices=lambda: [("yes", gettext("同意，这条记录从现在起不再计分")), ("no", gettext("不同意，继续计分"))],
    )
    decision = LongTextIn(_("决定理由"), most=TEXT_MAX, rows=5)
