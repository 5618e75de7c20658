"""Every door × every visitor: refused where the table of permissions says so, open where it says so, never a fault.

The table is drawn in docs/access.md, so that a change of a permission or a new door is seen in review. Each request
meets the same city: what it commits is taken back afterwards.
"""

from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from portal.access import PUBLIC
from tests.inventory import agreements, stripes
from tests.inventory.access_page import PAGE, render
from tests.inventory.asking import BODIES, KINDS, ROLES, Door, ask, doors, filled
from tests.inventory.stock import Stock

NOT_DONE = {
    "account.invite": 422, "account.login": 422, "account.password": 422, "account.register": 422,
    "account.reset": 422,  # passwords: no form here is fit
    "admissions.appeal": 409,  # the own suspension is over: who is suspended could not bid at the other doors
    "api.confirm": 409, "bids.confirm": 409,  # nothing was amended
    "catalogue.load": 422, "firms.add_certificate": 422, "join.add_certificate": 422, "join.add_document": 422,
    "complaints.release": 409,  # nothing is held
    "posting.send": 422,  # the draft is not finished
    **agreements.NOT_DONE,
    **stripes.KEYLESS,
}  # fmt: skip
"""Doors that a visitor with the right passes here without its work being done; all others answer below 400."""


def test_every_parameter_of_an_address_has_something_to_stand_for_it(open_app: Flask) -> None:
    wanted = {(door.endpoint, name) for door in doors(open_app) for name in door.names}
    bare = sorted(f"{e}/{n}" for e, n in wanted if f"{e}/{n}" not in KINDS and n not in KINDS)
    stale = sorted(k for k in KINDS if tuple(k.split("/")) not in wanted and k not in {n for _, n in wanted})

    assert not bare, f"{bare}: say in asking.KINDS what fills them, and in test_foreign whose it is"
    assert not stale, f"{stale}: no door has them any more"


def test_every_body_is_for_a_door_that_takes_one(open_app: Flask) -> None:
    posts = {door.endpoint for door in doors(open_app) if door.method == "POST"}

    assert set(BODIES) <= posts and set(NOT_DONE) <= posts


def test_the_page_of_permissions_is_drawn_from_the_tables(open_app: Flask) -> None:
    assert PAGE.read_text("utf-8") == render(open_app), "run: python -m tests.inventory.access_page"


def led_to_sign_in(answer: TestResponse) -> bool:
    """To sign-in and back here; who signs out everywhere goes there without a way back."""
    where = urlsplit(answer.headers.get("Location", ""))
    return answer.status_code == 303 and where.path == "/login" and where.query.startswith("next=")


def fault(door: Door, role: str, answer: TestResponse) -> str | None:
    """What is wrong with an answer by the table; None: nothing."""
    status = answer.status_code
    if door.passes(role):
        good = status < 400 and (door.may is PUBLIC or not led_to_sign_in(answer))
        return None if good or status == NOT_DONE.get(door.endpoint) else f"passes, but {status}"
    if role != "stranger":
        return None if status == 403 else f"has no right to it, but {status}"
    if door.api:
        right = status == 401 and answer.mimetype == "application/problem+json"
        return None if right and "Bearer" in answer.headers["WWW-Authenticate"] else f"a stranger gets {status}"
    return None if led_to_sign_in(answer) else f"a stranger gets {status}"


@pytest.mark.parametrize("role", ROLES)
def test_every_door_answers_every_visitor_as_the_table_says(open_app: Flask, whole: Stock, role: str) -> None:
    faults = []
    for door in doors(open_app):
        wrong = fault(door, role, ask(open_app, whole, door, role, filled(whole, door, role)))
        wrote = whole.watch.touched()
        if wrote and not door.passes(role):
            wrong = f"{wrong or 'refused'}, and something was written"
        if wrong:
            faults.append(f"{door.method} {door.rule} ({door.endpoint}) {role}: {wrong}")

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", ROLES)
def test_asking_only_for_the_head_tells_no_more(open_app: Flask, whole: Stock, role: str) -> None:
    """HEAD is Werkzeug's own: it must not be a way around."""
    faults = []
    for door in doors(open_app):
        if door.method == "GET" and door.may is not PUBLIC and not door.passes(role):
            answer = ask(open_app, whole, door, role, filled(whole, door, role), method="HEAD")
            if fault(door, role, answer) or answer.data:
                faults.append(f"{door.rule} {role}: {answer.status_code}")

    assert not faults, "\n".join(faults)


def test_a_visitor_whose_access_has_ended_is_a_stranger(open_app: Flask, whole: Stock) -> None:
    """A session of an earlier epoch (signed out everywhere, password changed) opens nothing."""
    faults = []
    for door in doors(open_app):
        if door.may is PUBLIC or door.api:
            continue
        client = open_app.test_client()
        with client.session_transaction() as session:
            person = whole.people["operator"]
            session["person"], session["epoch"] = person.id, person.epoch - 1
        if not led_to_sign_in(client.open(door.path(filled(whole, door, "operator")), method=door.method)):
            faults.append(f"{door.method} {door.rule}")

    assert not faults, "\n".join(faults)


# ── forgery ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("given", [None, "", "x" * 90])
def test_no_page_takes_a_form_without_its_token(guarded_app: Flask, whole: Stock, given: str | None) -> None:
    faults = []
    for door in doors(guarded_app):
        if door.method != "POST" or door.api or door.endpoint == "hooks_in.stripe":  # its sender signs instead
            continue
        role = next(r for r in reversed(ROLES) if door.passes(r))
        for who in {role, "stranger"}:
            sent = dict(BODIES.get(door.endpoint, {})) | ({} if given is None else {"csrf_token": given})
            answer = ask(guarded_app, whole, door, who, filled(whole, door, role), sent)
            if answer.status_code != 400 or whole.watch.changed():
                faults.append(f"{door.rule} {who}: {answer.status_code}")

    assert not faults, "\n".join(faults)


def test_the_token_of_one_session_is_worth_nothing_in_another(guarded_app: Flask, whole: Stock) -> None:
    mine, theirs = guarded_app.test_client(), guarded_app.test_client()
    for client, role in ((mine, "owner"), (theirs, "firm")):
        with client.session_transaction() as session:
            session["person"], session["epoch"] = whole.people[role].id, whole.people[role].epoch
    token = mine.get("/account").text.split('name="csrf_token" value="')[1].split('"')[0]

    assert theirs.post("/account/tokens", data={"name": "脚本", "csrf_token": token}).status_code == 400
    assert not whole.watch.touched()
    assert mine.post("/account/tokens", data={"name": "脚本", "csrf_token": token}).status_code == 201
    assert whole.watch.touched()


def test_a_session_opens_no_door_of_the_api(guarded_app: Flask, whole: Stock) -> None:
    """A browser sends its cookie with any forged request; the API asks for a token that it does not send."""
    for door in (d for d in doors(guarded_app) if d.api and d.may is not PUBLIC):
        for role in ("firm", "both", "operator"):
            client = guarded_app.test_client()
            with client.session_transaction() as session:
                session["person"], session["epoch"] = whole.people[role].id, whole.people[role].epoch
            sent = BODIES.get(door.endpoint, {}) | {"lead": whole.thing("firm", "lead")}
            answer = client.open(
                door.path(filled(whole, door, "firm")), method=door.method,
                json=sent if door.endpoint == "api.seal" else None, headers={"Idempotency-Key": "k-1"},
            )  # fmt: skip
            assert answer.status_code == 401, f"{door.rule} {role}"
    assert not whole.watch.touched()
