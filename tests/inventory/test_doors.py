"""Every door says who may pass, and every role without the right is turned away: the whole matrix."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from werkzeug.exceptions import Forbidden, Unauthorized

import portal
from market import db
from market.clock import FixedClock
from market.identity.rules import Role, User
from market.settings import read
from portal import app as composition
from portal.access import GRANTS, May, allowed
from portal.web import City

NOT_DOORS = {"api"}


class Nothing:
    """Stands for a keeper or an engine that no test here calls."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    settings = read({"TAOZHONGJIE_HOME": str(tmp_path_factory.mktemp("city"))})
    database = db.open(settings)
    nothing: Any = Nothing()
    city = City(settings, database, FixedClock(datetime(2026, 6, 1, tzinfo=UTC)), nothing, nothing)
    yield composition.create_app(city, b"k" * 32)
    database.close()


def user(*roles: Role) -> User:
    return User(1, "某某", "a@example.com", 1, "某某公司", "9133990100000000XX", frozenset(roles), 0)


def guarded(site: Flask) -> dict[str, Any]:
    return {n: v for n, v in site.view_functions.items() if n != "static" and v.may is not None}


def test_every_door_says_who_may_pass(site: Flask) -> None:
    bare = [n for n, v in site.view_functions.items() if n != "static" and not hasattr(v, "may")]

    assert bare == []
    assert {v.may for v in guarded(site).values()} <= set(GRANTS)


def test_every_permission_has_its_line_and_a_role() -> None:
    assert set(GRANTS) == set(May)
    assert all(GRANTS.values())
    assert [m.name for m in May] == sorted(m.name for m in May)


def test_a_stranger_is_asked_to_sign_in_at_every_guarded_door(site: Flask) -> None:
    for name, view in guarded(site).items():
        with site.test_request_context("/"):
            g.user = None
            with pytest.raises(Unauthorized):
                view()
            assert name


@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_the_right_is_turned_away_at_every_door(site: Flask, role: Role) -> None:
    for view in guarded(site).values():
        if allowed(frozenset({role}), view.may):
            continue
        with site.test_request_context("/"):
            g.user = user(role)
            with pytest.raises(Forbidden):
                view()


def test_every_module_with_a_blueprint_is_wired(site: Flask) -> None:
    folder = Path(portal.__file__).parent
    files = {f.stem: f for f in folder.glob("*.py")} | {f.parent.name: f for f in folder.glob("*/__init__.py")}
    modules = {name for name, f in files.items() if "\nbp = Blueprint(" in f.read_text("utf-8")}

    assert modules - NOT_DOORS == set(composition.DOORS) - NOT_DOORS
    assert list(composition.DOORS) == sorted(composition.DOORS)


def test_a_change_is_never_made_by_asking_for_a_page(site: Flask) -> None:
    writing = [
        rule.endpoint
        for rule in site.url_map.iter_rules()
        if {"GET", "POST"} <= (rule.methods or set()) and rule.endpoint.endswith((".logout", ".withdraw", ".delete"))
    ]

    assert [e for e in writing if e.endswith(".logout")] == []
