"""Forms that change a published job: amend, cancel, move T later."""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import Form

from market.clock import BEIJING
from portal.forms.fields import DayIn, LongTextIn, PickIn, TickIn, WholeIn, YuanIn


def closing_times(rules: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The times of day the city allows for T."""
    times = rules["closing_times"]
    clocks = [f"{hour:02d}:{minute:02d}" for hour in range(24) for minute in times["minutes"]]
    return [(c, c) for c in clocks if times["from"] <= c <= times["to"]]


class MoveForm(Form):  # type: ignore[misc]
    """A later T with its reason."""

    closing_day = DayIn(_("新的截标日期"))
    closing_time = PickIn(_("截标时间"))
    reason = LongTextIn(_("理由"), most=500, rows=3)

    def closes_at(self) -> datetime:
        """T as it was chosen, in Beijing."""
        return datetime.combine(self.closing_day.data, time.fromisoformat(self.closing_time.data), BEIJING)


class AmendForm(MoveForm):
    """New terms; what stays as it was is sent as it was."""

    summary = LongTextIn(_("服务内容"), most=4000, rows=8)
    ceiling = YuanIn(_("最高限价（元）"))
    days_max = WholeIn(_("最长工期（工作日）"), low=1, high=3650)


class CancelForm(Form):  # type: ignore[misc]
    """Why the job is taken back."""

    reason = LongTextIn(_("理由"), most=500, rows=4)
    sure = TickIn(_("我知道取消后不能恢复，理由会公开"), must=True)
