"""The operator publishes or returns; the lists of each role say what is to be done."""

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bidding.auctions.models import Auction
from bidding.sealing.client import KeeperDown
from market.clock import FixedClock
from market.identity.models import Person
from market.jobs.models import Job
from market.jobs.service import post_job
from portal.web import City
from tests.makers import T0, Party, make_firm, make_org, make_owner, make_person
from tests.market.jobs.test_service import POSTING, RAISED, user
from tests.portal.conftest import SignIn
from tests.portal.staging import staged


@pytest.fixture
def operator(city: City) -> Person:
    """Somebody of the market's office."""
    with city.db.write() as s:
        return make_person(s, make_org(s, kind="authority", is_owner=False), office="operator")


@pytest.fixture
def owner(city: City) -> Party:
    """An owner in a city with three firms."""
    with city.db.write() as s:
        for _ in range(3):
            make_firm(s)
        return make_owner(s)


def sent(city: City, owner: Party, posting: Any = POSTING) -> Job:
    with city.db.write() as s:
        return post_job(s, posting, user(owner), T0)


def state(city: City, job: Job) -> str:
    with city.db.read() as s:
        return s.get_one(Job, job.id).state


def test_a_submitted_job_is_read_whole_and_published(
    client: FlaskClient, city: City, owner: Party, operator: Person, sign_in: SignIn
) -> None:
    job = sent(city, owner)
    sign_in(client, operator)
    assert job.title in client.get("/operator/jobs").text
    page = client.get(f"/operator/jobs/{job.id}").text
    for words in (owner.org.name, "¥17,882.35", "人民币贰万陆仟元整", "发布项目", "退回业主"):
        assert words in page
    assert "我已核对系数的依据" not in page

    answer = client.post(f"/operator/jobs/{job.id}/publish")

    assert answer.status_code == 303 and answer.headers["Location"] == f"/jobs/{job.code}"
    assert state(city, job) == "published" and client.get(f"/jobs/{job.code}").status_code == 200
    assert client.post(f"/operator/jobs/{job.id}/publish").status_code == 409
    with city.db.read() as s:
        assert [a.id for a in s.scalars(select(Auction))] == [f"{job.code}-1"]


def test_a_raised_baseline_goes_out_only_with_the_nod(
    client: FlaskClient, city: City, owner: Party, operator: Person, sign_in: SignIn
) -> None:
    job = sent(city, owner, RAISED)
    sign_in(client, operator)
    assert "我已核对系数的依据" in client.get(f"/operator/jobs/{job.id}").text

    no = client.post(f"/operator/jobs/{job.id}/publish")
    assert no.status_code == 422 and "还没有确认依据" in no.text and state(city, job) == "submitted"
    assert client.post(f"/operator/jobs/{job.id}/publish", data={"nod": "y"}).status_code == 303


def test_a_job_goes_back_with_a_reason_and_is_sent_again(
    client: FlaskClient, city: City, owner: Party, operator: Person, sign_in: SignIn
) -> None:
    job = sent(city, owner)
    sign_in(client, operator)
    back = f"/operator/jobs/{job.id}/return"
    assert client.post(back, data={"reason": ""}).status_code == 422
    assert client.post(back, data={"reason": "短"}).status_code == 422
    assert client.post(back, data={"reason": "工作内容没有写成果。"}).status_code == 303
    assert client.post(back, data={"reason": "再退一次看看。"}).status_code == 409

    sign_in(client, owner.person)
    assert "改好退回的项目" in client.get("/my").text
    assert "工作内容没有写成果。" in client.get("/my/drafts").text
    assert "工作内容没有写成果。" in client.get(f"/drafts/{job.id}/check").text


def test_a_deadline_that_came_too_near_in_review_is_seen_and_refused(
    client: FlaskClient, city: City, owner: Party, operator: Person, sign_in: SignIn, clock: FixedClock
) -> None:
    job = sent(city, owner)
    clock.advance(timedelta(days=4))
    sign_in(client, operator)
    assert "截标时间已经不合规" in client.get(f"/operator/jobs/{job.id}").text
    no = client.post(f"/operator/jobs/{job.id}/publish")
    assert no.status_code == 422 and state(city, job) == "submitted"


def test_without_the_keeper_nothing_is_published(
    client: FlaskClient, city: City, owner: Party, operator: Person, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> bytes:
        raise KeeperDown

    monkeypatch.setattr(city.keeper, "create", down)
    job = sent(city, owner)
    sign_in(client, operator)
    assert client.post(f"/operator/jobs/{job.id}/publish").status_code == 503
    assert state(city, job) == "submitted"


def test_only_operators_review_and_drafts_are_not_theirs(
    client: FlaskClient, city: City, owner: Party, operator: Person, sign_in: SignIn
) -> None:
    job = sent(city, owner)
    sign_in(client, owner.person)
    for path in ("/operator/jobs", f"/operator/jobs/{job.id}"):
        assert client.get(path).status_code == 403
    assert client.post(f"/operator/jobs/{job.id}/publish").status_code == 403
    sign_in(client, operator)
    assert client.get("/operator/jobs/99999").status_code == 404
    assert client.post("/operator/jobs/99999/publish").status_code == 404
    assert client.post("/operator/jobs/99999/return", data={"reason": "没有这个项目。"}).status_code == 404


def test_the_work_list_of_owner_and_firm_says_what_is_next(
    client: FlaskClient, city: City, sign_in: SignIn, clock: FixedClock
) -> None:
    stage = staged(city)
    sign_in(client, stage.firms[3].person)
    assert "第一次来？" in client.get("/my").text
    clock.advance(timedelta(hours=1))
    numbers = stage.bids(4_000_000, 8_600_000, 8_700_000)
    sign_in(client, stage.firms[0].person)
    assert numbers[0] in client.get("/my").text
    stage.close()
    assert "说明低价的成本" in client.get("/my").text
    sign_in(client, stage.owner.person)
    assert stage.code in client.get("/my").text
    assert client.get("/en/my").status_code == 200
    sign_in(client, stage.office["operator"])
    assert client.get("/my").status_code in (200, 302)
