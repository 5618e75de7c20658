"""A review, a reply to one, and why the words of one are hidden."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import Form

from portal.forms.fields import LongTextIn, RadioIn, TickIn
from ratings.reviews.rules import COMMENT_MAX, DIMENSIONS, REASON_MAX, REPLY_MAX, Scores


def levels() -> list[tuple[str, str]]:
    """Five to one, the best first."""
    words = (gettext("很好"), gettext("好"), gettext("一般"), gettext("差"), gettext("很差"))
    return [(str(5 - i), f"{5 - i} {word}") for i, word in enumerate(words)]


class ReviewForm(Form):  # type: ignore[misc]
    """Five scores and an optional comment."""

    quality = RadioIn(_("质量"), choices=levels)
    timeliness = RadioIn(_("时效"), choices=levels)
    attitude = RadioIn(_("态度"), choices=levels)
    fees = RadioIn(_("收费"), choices=levels)
    conduct = RadioIn(_("守信"), choices=levels)
    comment = LongTextIn(_("文字评价"), most=COMMENT_MAX, rows=5, optional=True)
    sure = TickIn(_("我知道评价提交后不能改写"), must=True)

    def scores(self) -> Scores:
        """What was chosen; only of a form that is fit."""
        return Scores(*(int(self[name].data) for name in DIMENSIONS))


class ReplyForm(Form):  # type: ignore[misc]
    """The one reply of the reviewed side."""

    text = LongTextIn(_("回复"), most=REPLY_MAX, rows=5)


class HideForm(Form):  # type: ignore[misc]
    """Why words are hidden."""

    reason = LongTextIn(_("隐藏理由"), most=REASON_MAX, rows=4)
