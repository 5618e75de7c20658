"""What `taozhongjie run` does before it serves: migrate, found the city, load the sample once, say how to sign in."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from market.catalogue.service import found_catalogue
from market.errors import Refused
from market.identity.queries import mode as mode_of
from market.identity.service import set_mode
from market.moments import beijing_day
from market.settings import Settings
from portal.composition import method_rules, open_city
from portal.migrate import migrate
from portal.words import in_both

Say = Callable[[str], None]


def prepare(settings: Settings, mode: str, echo: Say) -> None:
    """Bring the data folder and database to where the site can be served. Raises ClickException with the mend."""
    city = open_city(settings, patient=True)
    now = city.clock.now()
    migrate(city.db, now)
    try:
        with city.db.write() as s:
            first = mode_of(s) is None
            set_mode(s, mode)
            if first:
                _found(s, mode, now)
    except Refused as no:
        raise click.ClickException(in_both(no.refusals)) from None
    if mode == "sample":
        from portal.sample import load_sample, sign_ins

        load_sample(city, echo)
        for line in () if settings.production else sign_ins():
            echo(line)
    city.db.close()
    echo(f"\n  {settings.public_url}\n")


def _found(s: Any, mode: str, now: datetime) -> None:
    """The catalogue and rules: an empty city's from today, the sample's from before the first day of its history."""
    if mode == "empty":
        found_catalogue(s, now, method_rules(), sample=False)
        return
    from portal.sample import founded_at, founded_on

    today = beijing_day(now)
    found_catalogue(s, founded_at(today), method_rules(), sample=True, since=founded_on(today))
