"""Load the sample city once, with a progress bar."""

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import click
from tqdm import tqdm

from bidding.sealing.keeper import Keeper
from market.catalogue import queries as catalogue
from market.clock import FixedClock
from market.identity.passwords import STRONG
from market.identity.queries import fact
from market.jobs.entries import sources
from market.moments import beijing_day
from market.search.index import rebuild
from oversight.metrics.service import rebuild as count_figures
from portal.sample.days import founded_at, instant
from portal.sample.entering import Entering
from portal.sample.history import FACT, History
from portal.sample.luck import SEED
from portal.sample.plan import Plan, make_plan
from portal.sample.planted import truth
from portal.sample.signins import PASSWORD
from portal.web import City

_HALF = (
    "样例城市上次没有装完。请删除数据文件夹 {home}（用 PostgreSQL 时还要清空数据库）后重新运行。 / "
    "The sample city was not loaded to its end: delete the data folder {home} (and empty the database on PostgreSQL), "
    "then run again."
)


def load_sample(city: City, echo: Callable[[str], None], scale: float = 1.0, today: date | None = None) -> None:
    """Run the invented history through the services; nothing where that was done before.

    `today`: the Beijing day the history ends before, the clock's own where not given. The keeper works in this
    process, on its own store, and is closed before the keeper process starts. Raises ClickException with the mend
    where an earlier load broke off.
    """
    with city.db.read() as s:
        known = fact(s, FACT)
        calendar = catalogue.calendar(s)
    if known is not None and known.get("state") == "loaded":
        return
    if known is not None:
        raise click.ClickException(_HALF.format(home=city.settings.home))
    day = today or beijing_day(city.clock.now())
    echo("首次运行：正在装入样例城市（样例数据，均为虚构）… / first run: loading the sample city (invented data) …")
    plan = make_plan(calendar, day, SEED, scale)
    clock = FixedClock(founded_at(day))
    keeper = Keeper(city.settings.keeper_store, clock)
    districts = tuple(city.extra["districts"])
    try:
        entering = Entering(plan, city.settings.documents, districts, STRONG.hash(PASSWORD))
        history = History(plan, entering, city.db, clock, keeper)
        _watched(history, (instant(day, 0) - clock.now()).days)
        _tell_truth(plan, history.codes, city.settings.home)
    finally:
        keeper.close()
    with city.db.write() as s:
        count_figures(s, city.clock.now())
    names = {code: pair[0] for code, pair in city.extra["districts"].items()}
    found = sources(names, city.clock.now())
    rebuild(city.db, city.search, found, lambda entries: tqdm(entries, desc="全文索引 / index", unit="", leave=False))


def _watched(history: History, days: int) -> None:
    """Run it with a bar that counts the days of the history."""
    with tqdm(total=days, desc="样例城市 / sample city", unit="d", mininterval=0.5) as bar:
        began = history.clock.now()
        for at in history.run(PASSWORD):
            bar.update(min(max((at - began).days, bar.n), days) - bar.n)
        bar.update(days - bar.n)


def _tell_truth(plan: Plan, codes: Mapping[str, str], home: Path) -> None:
    """What was planted, beside the database and never on a page: for whoever scores the indicators."""
    firms, owners = ({one.n: one.uscc for one in bodies} for bodies in (plan.firms, plan.owners))
    told = truth(plan.planted, codes, firms, owners)
    folder = home / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(told, ensure_ascii=False, indent=1)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")
