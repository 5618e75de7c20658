"""What both tests of the sample city stand on: its day and scale, the plan, and the city of a test."""

from datetime import date
from pathlib import Path
from typing import Any

from bidding.sealing.keeper import Keeper
from market.clock import FixedClock
from market.db import Database
from market.search.whoosh import WhooshSearch
from market.settings import read
from portal.sample.days import instant
from portal.sample.plan import Plan
from portal.web import City
from portal.words import DISTRICTS

TODAY = date(2026, 6, 30)
SMALL = 0.1


def written_over(plan: Plan) -> set[str]:
    """Titles of the jobs that a row was written over, innocent or not."""
    return {title for scheme in plan.planted.every for title in scheme.jobs}


def won(job: Any) -> bool:
    """Whether enough bid in its last round."""
    return len(job.rounds[-1]) >= 3


def made_city(db: Database, home: Path) -> City:
    """A city of a test in a folder of its own, its clock at ten in the morning of today."""
    settings = read({"TAOZHONGJIE_HOME": str(home), "TAOZHONGJIE_URL": "http://city.test"})
    home.mkdir(parents=True, exist_ok=True)
    clock = FixedClock(instant(TODAY, 10))
    keeper = Keeper(home / "unused", clock)
    return City(settings, db, clock, keeper, WhooshSearch(settings.index), {"districts": DISTRICTS})
