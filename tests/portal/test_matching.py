"""Firms that match a job, invited by a button; their answers, of which nothing tells before T."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bidding.matching.invited import candidates, matches
from market.audit.models import AuditEntry
from market.clock import FixedClock
from market.db import Database
from market.jobs.models import Invitation, Job
from market.jobs.service import invite
from market.notices.models import Notice
from portal.web import City
from tests.makers import T0, Party, make_auction, make_firm, make_owner
from tests.makers_contracts import user_of
from tests.makers_ratings import make_done
from tests.portal.api.conftest import Program, token_of
from tests.portal.conftest import SignIn


@pytest.fixture
def owner(db: Database) -> Party:
    with db.write() as s:
        return make_owner(s)


@pytest.fixture
def firms(db: Database, owner: Party) -> list[Party]:
    """One with three contracts in time, one new, one with three late ones."""
    with db.write() as s:
        made = [make_firm(s) for _ in range(3)]
        for n in range(3):
            make_done(s, owner, made[0], T0 - timedelta(days=100 + n))
            make_done(s, owner, made[2], T0 - timedelta(days=100 + n), days_used=40)
        return made


@pytest.fixture
def code(city: City, owner: Party, firms: list[Party]) -> str:
    with city.db.write() as s:
        auction = make_auction(s, city.keeper, owner)
        return s.scalars(select(Job.code).where(Job.id == auction.job_id)).one() or ""


def enter(site: Any, sign_in: SignIn, party: Party) -> FlaskClient:
    client: FlaskClient = site.test_client()
    sign_in(client, party.person)
    return client


def test_firms_stand_in_the_order_of_what_they_did(db: Database, code: str, firms: list[Party]) -> None:
    with db.read() as s:
        job = s.scalars(select(Job).where(Job.code == code)).one()
        found = matches(s, job, T0)
    assert [m.ranked.firm.org_id for m in found] == [f.org.id for f in firms]
    assert [(m.ranked.firm.finished, m.ranked.firm.on_time) for m in found] == [(3, 3), (0, 0), (3, 0)]


def test_where_a_firm_sits_does_not_count(db: Database, code: str, firms: list[Party]) -> None:
    orders = []
    for district in ("339901", "339902"):
        with db.write() as s:
            for firm in firms:
                s.merge(firm.org).district = district if firm is firms[1] else "339903"
        with db.read() as s:
            job = s.scalars(select(Job).where(Job.code == code)).one()
            orders.append([m.ranked for m in matches(s, job, T0)])
    assert orders[0] == orders[1]


def test_what_came_after_publication_does_not_count(db: Database, owner: Party, firms: list[Party]) -> None:
    ids = [f.org.id for f in firms]
    with db.write() as s:
        before = candidates(s, ids, "01", T0)
        make_done(s, owner, firms[1], T0 + timedelta(days=100))
        assert candidates(s, ids, "01", T0) == before


def test_an_owner_sees_the_order_explained_and_invites(
    site: Any, sign_in: SignIn, db: Database, code: str, owner: Party, firms: list[Party]
) -> None:
    mine = enter(site, sign_in, owner)
    html = mine.get(f"/jobs/{code}/match").text

    assert html.index(firms[0].org.name) < html.index(firms[1].org.name) < html.index(firms[2].org.name)
    assert "为什么是这个顺序" in html and "3 个里 3 个" in html and "信用分 × 40%" in html
    assert mine.post(f"/jobs/{code}/match", data={"firm": firms[1].org.uscc}).status_code == 303
    assert mine.post(f"/jobs/{code}/match", data={"firm": "没有这家"}).status_code == 422
    assert "邀请 1 家，其中 0 家已看过" in mine.get(f"/jobs/{code}/match").text
    with db.read() as s:
        assert s.scalars(select(Invitation.org_id)).all() == [firms[1].org.id]


def test_a_firm_without_a_score_shows_none(
    site: Any, sign_in: SignIn, code: str, owner: Party, firms: list[Party]
) -> None:
    html = enter(site, sign_in, owner).get(f"/jobs/{code}/match").text
    row = html[html.index(firms[1].org.name) : html.index(firms[2].org.name)]

    assert row.count("不足") == 2


def test_who_is_not_concerned_finds_nothing(
    site: Any, sign_in: SignIn, db: Database, code: str, firms: list[Party]
) -> None:
    with db.write() as s:
        other = make_owner(s)
    assert enter(site, sign_in, other).get(f"/jobs/{code}/match").status_code == 404
    assert enter(site, sign_in, firms[0]).get(f"/jobs/{code}/invitation").status_code == 404


def test_an_answer_tells_nothing_before_t(
    site: Any, sign_in: SignIn, db: Database, clock: FixedClock, code: str, owner: Party, firms: list[Party]
) -> None:
    mine = enter(site, sign_in, owner)
    for firm in firms[:2]:
        mine.post(f"/jobs/{code}/match", data={"firm": firm.org.uscc})
    for firm in firms[:2]:
        enter(site, sign_in, firm).get(f"/jobs/{code}")
    with db.read() as s:
        notices = len(s.scalars(select(Notice)).all())
    pages = [f"/jobs/{code}/match", f"/jobs/{code}", "/my", "/notifications"]
    mine.get("/my")  # takes the flashed words
    before = [mine.get(page).text for page in pages]
    one, two = (enter(site, sign_in, f) for f in firms[:2])
    assert "答复邀请" in one.get("/my").text

    assert one.post(f"/jobs/{code}/invitation", data={"accept": "yes"}).status_code == 303
    assert two.post(f"/jobs/{code}/invitation", data={"accept": "no"}).status_code == 422
    declined = {"accept": "no", "reason": "busy", "note": "人手排满"}
    assert two.post(f"/jobs/{code}/invitation", data=declined).status_code == 303
    assert "答复邀请" not in one.get("/my").text and "愿意参加" in one.get(f"/jobs/{code}/invitation").text

    def plain(text: str) -> str:
        return re.sub(r"""csrf_token" value="[^"]*""", "", text)

    assert [plain(mine.get(page).text) for page in pages] == [plain(text) for text in before]
    with db.read() as s:
        told = s.scalars(select(AuditEntry).where(AuditEntry.deed == "invitation.answered")).all()
        assert {row.veil for row in told} == {f"{code}-1"}
        assert len(s.scalars(select(Notice)).all()) == notices
        closes = s.scalars(select(Job.closes_at).where(Job.code == code)).one()
    assert closes is not None

    clock.at = closes
    assert one.post(f"/jobs/{code}/invitation", data={"accept": "yes"}).status_code == 409
    after = mine.get(f"/jobs/{code}/match").text
    assert "人手排满" in after and "近期排不开" in after and "愿意参加" in after


def test_programs_read_the_same_order_and_answer(
    site: Any, db: Database, clock: FixedClock, code: str, owner: Party, firms: list[Party]
) -> None:
    with db.write() as s:
        job = s.scalars(select(Job).where(Job.code == code)).one()
        invite(s, job.id, firms[0].org.id, user_of(s, owner), T0)
        closes = job.closes_at
    mine, firm, other = (Program(site.test_client(), token_of(db, who)) for who in (owner, firms[0], firms[1]))

    before = mine.get(f"/jobs/{code}/match").get_json()
    assert [f["uscc"] for f in before["firms"]] == [f.org.uscc for f in firms]
    assert [f["invited_at"] is None for f in before["firms"]] == [False, True, True]
    assert before["firms"][1]["total"] is None and before["firms"][0]["counts"]["finished"] == 3
    assert other.post(f"/jobs/{code}/invitation", {"accept": True}).status_code == 404
    assert firm.post(f"/jobs/{code}/invitation", {"accept": False}).status_code == 422
    answered = firm.post(f"/jobs/{code}/invitation", {"accept": False, "reason": "days", "note": "来不及"})
    assert answered.get_json()["answer"] == "declined"
    assert mine.get(f"/jobs/{code}/match").get_json() == {**before, "read": 1}

    assert closes is not None
    clock.at = closes
    after = mine.get(f"/jobs/{code}/match").get_json()
    assert after["firms"] == [] and [(a["reason"], a["note"]) for a in after["answers"]] == [("days", "来不及")]
    assert firm.post(f"/jobs/{code}/invitation", {"accept": True}).status_code == 409
