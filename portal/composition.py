"""The composition root: engines, clock, keeper, search and districts are chosen here and handed on (style habit 10)."""

import csv
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bidding.sealing.client import KeeperPort, SocketKeeper
from market import db
from market.clock import Clock, SystemClock
from market.db import Database
from market.identity.queries import platform_key
from market.search.whoosh import WhooshSearch
from market.settings import Settings
from portal.web import City
from portal.words import DISTRICTS

if TYPE_CHECKING:
    from market.payments.stripe import StripeProvider


def open_city(
    settings: Settings, patient: bool = False, clock: Clock | None = None, keeper: KeeperPort | None = None
) -> City:
    """A city as the settings say. Nothing is connected until it is used. Raises ValueError for a bad districts.csv."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return City(
        settings=settings,
        db=db.open(settings, patient),
        clock=clock or SystemClock(settings.clock_file),
        keeper=keeper or SocketKeeper(settings.keeper_socket),
        search=WhooshSearch(settings.index),
        extra={"districts": _districts(settings), "providers": _providers(settings)},
    )


def _providers(settings: Settings) -> "Mapping[str, StripeProvider]":
    """The ways of paying beside the bank's, by name. Without a key there is none, and none is offered."""
    if settings.stripe_key is None:
        return {}
    from market.payments.stripe import StripeProvider  # a quarter of a second that most starts need not wait

    return {StripeProvider.name: StripeProvider(settings.stripe_key, settings.stripe_api)}


def _districts(settings: Settings) -> Mapping[str, tuple[str, str]]:
    """The city's own districts from `districts.csv` in the data folder (code,name_zh,name_en), else the sample's."""
    file = settings.home / "districts.csv"
    if not file.exists():
        return DISTRICTS
    with file.open(encoding="utf-8-sig", newline="") as f:
        rows = csv.DictReader(f)
        if rows.fieldnames != ["code", "name_zh", "name_en"]:
            raise ValueError(f"{file}: the first line must be code,name_zh,name_en.")
        return {row["code"]: (row["name_zh"], row["name_en"]) for row in rows}


def district_names(city: City) -> dict[str, str]:
    """Code → Chinese name, for the index."""
    return {code: names[0] for code, names in city.extra["districts"].items()}


def method_rules() -> Any:
    """The rules of selection by funding and amount that ship with the bidding package."""
    return json.loads(files("bidding.methods").joinpath("method_rules.json").read_text("utf-8"))


def cookie_secret(database: Database) -> bytes:
    """What signs cookies: made at the first migrate, one for all web processes."""
    with database.read() as s:
        return platform_key(s, "session").secret
