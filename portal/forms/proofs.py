"""The form that asks for a range of the log to be recomputed."""

from flask_babel import lazy_gettext as _l
from wtforms import Form

from portal.forms.fields import WholeIn

MOST = 2**53 - 1


class RangeForm(Form):  # type: ignore[misc]
    """Places of the log, both included."""

    first = WholeIn(_l("从第几条"), high=MOST)
    last = WholeIn(_l("到第几条"), high=MOST)
