"""A city with one of everything: a job in each state, people of each role, every list with a row."""

import io
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.auctions.service.amend import Changes, amend_auction
from bidding.awards.models import Award
from bidding.awards.service import complain, explain_price, hold_award, object_to, settle_next, stand_next
from bidding.closing.service import claim_next
from market.admission import changes
from market.admission import service as admission
from market.admission.documents import keep_document
from market.audit.checkpoints import seal
from market.audit.sequencer import place
from market.clock import FixedClock
from market.db import Database
from market.identity import queries as identity
from market.identity import signin
from market.identity.links import make_link
from market.identity.models import Person
from market.identity.passwords import WEAK
from market.identity.rules import User
from market.jobs.service import ask_question
from market.moments import BEIJING
from market.notices.models import Outbox
from market.search.whoosh import WhooshSearch
from market.settings import read
from oversight.metrics.service import rebuild
from portal.app import create_app
from portal.web import City
from tests.inventory.agreements import whole_contracts
from tests.inventory.flags import make_flag
from tests.inventory.matching import whole_matching
from tests.inventory.money import whole_money
from tests.inventory.ratings import whole_ratings
from tests.inventory.stripes import failed_event
from tests.makers import (
    T0,
    Party,
    bid,
    closing,
    keeper_in,
    make_auction,
    make_firm,
    make_job,
    make_org,
    make_owner,
    make_person,
    uscc,
)
from tests.makers_admission import PDF, apply, make_applicant

PASSWORD = "四个词的长密码-horse-battery"
"""The password of everybody here who has one."""
ACCOUNT = "6222021001116245702"
"""A bank account that only its keyed hash may remember."""
STEP2 = {
    "scale": "5000万", "coef_sensitivity": "normal", "coef_industry": "c", "coef_sector_cut": "other",
    "title": "望浦区再生水厂二期环境影响报告表编制", "summary": "编制报告表，直到取得批复。", "district": "339901",
}  # fmt: skip
STEP3 = {"ceiling": "1.8万", "closing_time": "17:00", "days_max": "25", "tax": "included"}


@dataclass
class Whole:
    """The city, its app, its people by role, its jobs by state, and addresses that only a mail or a check leads to."""

    city: City
    app: Flask
    people: dict[str, Person] = field(default_factory=dict)
    jobs: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The city's time."""
        return self.city.clock.now()

    def user(self, who: str) -> User:
        """One of `people` with the roles."""
        with self.city.db.read() as s:
            found = identity.signed_in(s, self.people[who].id, self.people[who].epoch)
        assert found is not None
        return found

    def client(self, who: str | None) -> FlaskClient:
        """A browser, signed in as one of `people` (None: a stranger)."""
        client = self.app.test_client()
        if who is not None:
            with client.session_transaction() as session:
                session["person"], session["epoch"] = self.people[who].id, self.people[who].epoch
        return client


def whole_city(db: Database, folder: Path) -> Whole:
    """Build it over a founded database. The clock stands an hour after the T of the closed auctions."""
    clock = FixedClock(T0)
    settings = read({"TAOZHONGJIE_HOME": str(folder / "home"), "TAOZHONGJIE_URL": "http://localhost"})
    settings.home.mkdir(parents=True, exist_ok=True)
    keeper = keeper_in(folder / "keeper", clock)
    city = City(settings, db, clock, keeper, WhooshSearch(settings.index), {"passwords": WEAK})
    app = create_app(city, b"a secret of the tests only" * 2)
    app.config.update(WTF_CSRF_ENABLED=False)
    whole = Whole(city, app)
    with db.write() as s:
        owner, firms = _people(s, whole)
    _results(whole, clock, owner, firms)
    with db.write() as s:
        _open_jobs(s, whole, owner, firms)
        _desk(s, whole, owner, firms)
        _accounts(s, whole)
        whole_ratings(s, whole, owner, firms)
        make_flag(s, "job:1")
        whole_money(s, whole, owner, firms)
        failed_event(s)
        whole_contracts(s, whole, owner, firms)
        whole_matching(s, whole, owner, firms)
    _drafts(whole)
    with db.write() as s:
        _failed_mail(s)
        place(s)
        seal(s, clock.now(), identity.log_signer(s))
        rebuild(s, clock.now())
    return whole


def _people(s: Session, whole: Whole) -> tuple[Party, list[Party]]:
    owner = make_owner(s, kind="private")
    firms = [make_firm(s) for _ in range(5)]
    authority = make_org(s, kind="authority", is_owner=False)
    secret = WEAK.hash(PASSWORD)
    whole.people |= {
        "owner": owner.person,
        "firm": firms[0].person,
        "loser": firms[1].person,
        "operator": make_person(s, authority, office="operator"),
        "regulator": make_person(s, authority, office="regulator"),
    }
    make_person(s, authority, office="regulator")
    make_person(s, owner.org, first=False)
    make_person(s, firms[0].org, first=False)
    for person in whole.people.values():
        person.password = secret
    owner.person.email, firms[3].org.uscc = "owner@example.com", uscc(90003)
    return owner, firms


def _results(whole: Whole, clock: FixedClock, owner: Party, firms: list[Party]) -> None:
    """Closed auctions: proposed, contested, complained of, held, to be explained and to be judged, with a contract."""
    db, keeper = whole.city.db, whole.city.keeper
    amounts = {"explaining": 4_000_000, "judging": 4_000_000, "low_loser": 4_000_000}
    states = ("proposed", "contested", "complained", "held", "explaining", "judging", "unsigned")
    for state in states:
        with db.write() as s:
            auction = make_auction(s, keeper, owner)
            whole.jobs[state] = auction.id
            for firm, amount in zip(firms, (amounts.get(state, 8_500_000), 9_000_000, 9_500_000), strict=False):
                bid(s, auction, firm, amount)
    clock.at = closing(T0) + timedelta(hours=1)
    now = clock.at
    for _ in states:
        with db.write() as s:
            claim_next(s, now)
    for _ in states:
        with db.write() as s:
            settle_next(s, now, keeper)
    with db.write() as s:
        awards = {a.auction_id: a for a in s.scalars(select(Award))}
        actor = f"person:{firms[1].person.id}"
        object_to(s, awards[whole.jobs["contested"]].id, firms[1].org.id, "price", "低于成本", actor, now)
        for state in ("complained", "held"):
            found = complain(s, whole.jobs[state], firms[1].org.id, "procedure", "程序问题", actor, now)
            if state == "held":
                hold_award(s, found.id, "需要核查", f"person:{whole.people['regulator'].id}", now)
        awards[whole.jobs["unsigned"]].due_at = T0  # its standstill is over
        stand_next(s, now)
        by = f"person:{firms[0].person.id}"
        explain_price(s, awards[whole.jobs["judging"]].id, firms[0].org.id, "自有设备", by, now)
    whole.jobs = {state: auction.rsplit("-", 1)[0] for state, auction in whole.jobs.items()}


def _open_jobs(s: Session, whole: Whole, owner: Party, firms: list[Party]) -> None:
    """An open job without bids, one with a bid, one amended so that the bid must be confirmed; one to review."""
    now, keeper = whole.now, whole.city.keeper
    later = closing(now, 8)
    for state in ("open", "bid", "amended"):
        auction = make_auction(s, keeper, owner, now=now, closes_at=later)
        whole.jobs[state] = auction.id.rsplit("-", 1)[0]
        if state != "open":
            bid(s, auction, firms[0], 8_500_000, received_at=now)
        if state == "amended":
            terms = Changes("多给几天", closing(now, 10), days_max=40)
            amend_auction(s, auction.job_id, owner.org.id, terms, f"person:{owner.person.id}", now, keeper)
    job_id = s.scalars(select(Auction.job_id).where(Auction.id == f"{whole.jobs['open']}-1")).one()
    asker = identity.signed_in(s, firms[0].person.id, firms[0].person.epoch)
    assert asker is not None
    whole.ids["question"] = ask_question(s, job_id, "现场可以查看吗？", asker, now).id
    whole.ids["submitted"] = make_job(s, owner, now, closes_at=later, state="submitted").id


def _desk(s: Session, whole: Whole, owner: Party, firms: list[Party]) -> None:
    """What waits at the operator's and the regulator's desks, and a firm in the middle of its application."""
    now, folder = whole.now, whole.city.settings.documents
    apply(s, make_applicant(s), folder, ("01", "05"), ("测绘资质",), now)
    half = make_applicant(s)
    apply(s, half, folder, ("01",), ("测绘资质",), now, submit=False)
    whole.people["applicant"] = half.person
    sent = make_applicant(s)
    apply(s, sent, folder, ("01",), (), now)
    whole.people["waiting"] = sent.person
    operator = whole.people["operator"].id
    bad, actor = firms[4], f"person:{firms[4].person.id}"
    row = admission.suspend(s, bad.org.id, "未按期交付", now + timedelta(days=30), operator, now)
    whole.people["suspended"], whole.ids["suspension"] = bad.person, row
    appealed = admission.suspend(s, firms[3].org.id, "未按期交付", now + timedelta(days=30), operator, now)
    admission.appeal(s, firms[3].org.id, appealed, "已补交", now, f"person:{firms[3].person.id}")
    paper = keep_document(s, folder, bad.org.id, None, "证书.pdf", PDF + b"%paper", now, actor)
    certificate = {
        "name": "测绘资质", "level": "甲级", "number": "Q-1", "issued_on": date(2024, 1, 1),
        "expires_on": date(2028, 12, 31), "document": paper.id,
    }  # fmt: skip
    firm = firms[0]
    mine = keep_document(s, folder, firm.org.id, None, "证书.pdf", PDF + b"%mine", now)
    for party, document in ((bad, paper.id), (firm, mine.id)):
        changes.add_qualification(
            s, party.org.id, {**certificate, "document": document}, now, f"person:{party.person.id}"
        )
    changes.set_price(s, firm.org.id, {"service": "S012", "price": "按标准 8 折", "days": 20}, now, actor)


def _failed_mail(s: Session) -> None:
    """The newest mail could not be sent, so that the first page of mails offers to send it again."""
    newest = s.scalars(select(Outbox.id).where(Outbox.topic == "mail").order_by(Outbox.id.desc()).limit(1)).one()
    s.execute(update(Outbox).where(Outbox.id == newest).values(error="SMTPServerDisconnected", tries=9))


def _accounts(s: Session, whole: Whole) -> None:
    """Links of mails, an API token."""
    new, invited = make_person(s, make_org(s)), make_person(s, make_org(s), first=False)
    new.confirmed_at = invited.confirmed_at = None
    for purpose, person in (("confirm", new), ("invite", invited), ("reset", whole.people["owner"])):
        whole.tokens[purpose] = make_link(s, person.id, purpose, whole.now)  # type: ignore[arg-type]
    for who in ("owner", "firm"):
        user = identity.signed_in(s, whole.people[who].id, whole.people[who].epoch)
        assert user is not None
        whole.tokens[f"api-{who}"] = signin.create_api_token(s, user, "脚本", whole.now)


def _drafts(whole: Whole) -> None:
    """A filled draft, one returned, one put away; the owner keeps a payer account."""
    client = whole.client("owner")
    last = closing(whole.now, 5).astimezone(BEIJING).date().isoformat()
    for name in ("draft", "deleted"):
        begun = client.post("/jobs/new", data={"service": "S012"})
        draft = str(begun.headers["Location"]).rsplit("/", 1)[0]
        whole.ids[name] = int(draft.rsplit("/", 1)[1])
        client.post(f"{draft}/2", data=STEP2)
        files: dict[str, Any] = {"document": (io.BytesIO(PDF), "任务书.pdf")}
        client.post(f"{draft}/2", data={**STEP2, **files}, content_type="multipart/form-data")
        client.post(f"{draft}/3", data={**STEP3, "closing_day": last})
    client.post(f"/drafts/{whole.ids['deleted']}/delete")
    tie = {"party_name": "澄浦银行", "identifier": ACCOUNT}
    client.post("/organisation/ties/payer", data=tie)
