"""An urgent job: less time to bid for a published reason, from the wizard to record, re-run and amendment."""

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from bidding.auctions.models import Amendment, Auction
from bidding.auctions.service import Changes, amend_auction, publish_job
from bidding.closing.service import claim_next, rerun_next
from market.audit.models import AuditEntry
from market.catalogue.queries import calendar
from market.clock import FixedClock
from market.errors import Refused
from market.jobs.models import Job
from market.jobs.rules import Posting, bid_period
from market.jobs.service import post_job
from portal.web import City
from tests.makers import T0, Party, closing, make_firm, make_org, make_owner, make_person
from tests.market.jobs.test_service import POSTING, user
from tests.portal.conftest import SignIn
from tests.portal.test_posting import STEP2 as PROJECT
from tests.portal.test_posting import STEP3, begin, day

FLOOD = "台风冲毁望浦河堤，须在下一轮降雨前完成勘察。"
URGENT = replace(POSTING, closes_at=closing(T0, 2), urgency=FLOOD)
PAST_DRAIN = timedelta(seconds=30)


@pytest.fixture
def owner(city: City) -> Party:
    """An owner in a city with three firms."""
    with city.db.write() as s:
        for _ in range(3):
            make_firm(s)
        return make_owner(s)


def sent(city: City, owner: Party, posting: Posting = URGENT, now: datetime = T0) -> Job:
    with city.db.write() as s:
        return post_job(s, posting, user(owner), now)


def published(city: City, owner: Party, posting: Posting = URGENT, sent_at: datetime = T0) -> Auction:
    job = sent(city, owner, posting, sent_at)
    with city.db.write() as s:
        return publish_job(s, job.id, "person:0", T0, city.keeper)


def the_job(city: City) -> Job:
    with city.db.read() as s:
        return s.scalars(select(Job)).one()


def test_an_owner_posts_it_and_the_operator_and_everybody_read_why(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party, sign_in: SignIn
) -> None:
    with city.db.write() as s:
        operator = make_person(s, make_org(s, kind="authority", is_owner=False), office="operator")
    sign_in(client, owner.person)
    draft = begin(client)
    client.post(f"{draft}/2", data=PROJECT)
    assert all(words in client.get(f"{draft}/3").text for words in ("可以缩短到 2 个", "2 天<br>紧急"))
    third = {**STEP3, "closing_day": day(clock, 2)}

    without = client.post(f"{draft}/3", data=third)
    assert without.status_code == 422 and "一般至少留 3 个工作日，现在只留了 2 个" in without.text
    assert "紧急理由" in client.get(f"{draft}/check").text and client.post(f"{draft}/check").status_code == 422
    assert client.post(f"{draft}/3", data={**third, "urgency": FLOOD}).status_code == 303
    assert FLOOD in client.get(f"{draft}/3").text and FLOOD in client.get(f"{draft}/check").text
    assert client.post(f"{draft}/check").status_code == 303
    job = the_job(city)
    assert job.urgency == FLOOD

    sign_in(client, operator)
    assert FLOOD in client.get(f"/operator/jobs/{job.id}").text
    assert client.post(f"/operator/jobs/{job.id}/publish").status_code == 303
    client.post("/logout")
    assert '<span class="tag warn">紧急</span>' in client.get("/jobs").text
    assert [line["urgent"] for line in client.get("/api/v1/jobs").get_json()["items"]] == [True]
    assert f"紧急：{FLOOD}" in client.get(f"/jobs/{job.code}").text
    assert f"Urgent: {FLOOD}" in client.get(f"/en/jobs/{job.code}").text
    assert client.get(f"/api/v1/jobs/{job.code}").get_json()["urgency"] == FLOOD


@pytest.mark.parametrize(
    ("urgency", "said"),
    [
        ("", "一般至少留 3 个工作日"),
        (" \t", "一般至少留 3 个工作日"),
        ("急", "紧急理由要 10 至 500 个字，现在是 1 个"),
        ("急" * 501, "最多 500 个字"),
        ("台风冲毁望浦河堤\x07，须立即勘察", "控制字符"),
    ],
)
def test_a_reason_that_is_none_is_said_at_its_field_and_kept(
    client: FlaskClient, clock: FixedClock, owner: Party, sign_in: SignIn, urgency: str, said: str
) -> None:
    sign_in(client, owner.person)
    draft = begin(client)
    client.post(f"{draft}/2", data=PROJECT)

    answer = client.post(f"{draft}/3", data={**STEP3, "closing_day": day(clock, 2), "urgency": urgency})

    assert answer.status_code == 422 and said in answer.text and 'id="urgency"' in answer.text


def test_no_reason_shortens_the_time_below_the_citys_urgent_one(
    client: FlaskClient, clock: FixedClock, owner: Party, sign_in: SignIn
) -> None:
    sign_in(client, owner.person)
    draft = begin(client)
    client.post(f"{draft}/2", data=PROJECT)

    answer = client.post(f"{draft}/3", data={**STEP3, "closing_day": day(clock, 1), "urgency": FLOOD})

    assert answer.status_code == 422 and "至少留 2 个工作日" in answer.text


def test_the_reason_stands_in_the_record_and_in_what_bidders_rely_on(city: City, owner: Party) -> None:
    auction = published(city, owner)
    with city.db.read() as s:
        facts = s.scalars(select(AuditEntry.facts).where(AuditEntry.deed == "job.published")).one()

    assert facts["urgency"] == hashlib.sha256(FLOOD.encode()).hexdigest() and auction.posted["urgency"] == FLOOD


def test_a_reason_that_was_not_needed_is_not_published(client: FlaskClient, city: City, owner: Party) -> None:
    auction = published(city, owner, replace(POSTING, urgency=FLOOD))
    with city.db.read() as s:
        facts = s.scalars(select(AuditEntry.facts).where(AuditEntry.deed == "job.published")).one()
    job = the_job(city)

    assert job.urgency is None and "urgency" not in facts and "urgency" not in auction.posted
    assert "紧急" not in client.get(f"/jobs/{job.code}").text
    assert client.get(f"/api/v1/jobs/{job.code}").get_json()["urgency"] is None


def test_a_job_that_became_urgent_in_review_goes_out_by_the_reason_it_came_with(city: City, owner: Party) -> None:
    # Sent on Friday with three working days left, published on Monday with two.
    friday = T0 - timedelta(days=3)
    published(city, owner, URGENT, friday)

    assert the_job(city).urgency == FLOOD


def test_without_a_reason_review_may_not_make_a_job_urgent(city: City, owner: Party) -> None:
    job = sent(city, owner, replace(URGENT, urgency=""), T0 - timedelta(days=3))

    with pytest.raises(Refused) as no, city.db.write() as s:
        publish_job(s, job.id, "person:0", T0, city.keeper)
    assert [r.code for r in no.value.refusals] == ["job.urgency"]


def test_its_re_run_is_as_short(city: City, clock: FixedClock, owner: Party) -> None:
    clock.at = published(city, owner).closes_at + PAST_DRAIN
    with city.db.write() as s:
        claim_next(s, clock.now())
    with city.db.write() as s:
        again = rerun_next(s, clock.now(), city.keeper)
        assert again is not None and bid_period(again.closes_at, calendar(s), clock.now()) == 2
        assert again.posted["urgency"] == FLOOD


def amended(city: City, owner: Party, auction: Auction, workdays: int) -> None:
    changes = Changes(reason="堤段加长 200 米", closes_at=closing(T0, workdays), ceiling_fen=2_700_000)
    with city.db.write() as s:
        amend_auction(s, auction.job_id, owner.org.id, changes, "person:0", T0 + timedelta(hours=1), city.keeper)


def test_an_amendment_leaves_the_time_every_amendment_must_and_the_reason_as_it_was(
    client: FlaskClient, city: City, owner: Party, sign_in: SignIn
) -> None:
    auction = published(city, owner)
    with pytest.raises(Refused) as no:
        amended(city, owner, auction, 2)
    assert [(r.code, r.values["n"]) for r in no.value.refusals] == [("job.deadline", 3)]

    amended(city, owner, auction, 3)

    with city.db.read() as s:
        told: Any = s.scalars(select(Amendment)).one()
    assert told.before["urgency"] == told.after["urgency"] == FLOOD and the_job(city).urgency == FLOOD
    sign_in(client, owner.person)
    page = client.get(f"/jobs/{the_job(city).code}/amend").text
    assert "紧急项目修改后同样至少再留 3 个工作日" in page
