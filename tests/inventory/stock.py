"""A whole city for the inventory of doors: one of everything for each kind of visitor, and the same for somebody else.

Three organisations post jobs (owner, both, other) and three bid on them (firm, both, other). Each firm wins at one
owner: both at owner, other at both, firm at other. So whatever a door asks for, `own[role]` has it for the visitor and
`own["other"]` has it for an organisation that no visitor belongs to.
"""

import hashlib
import shutil
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.auctions.service import cancel_auction
from bidding.awards.models import Award
from bidding.awards.service import complain, explain_price, object_to, settle_next, stand_next
from bidding.closing.service import claim_next
from market.admission import changes, service, standing
from market.admission.documents import keep_document
from market.admission.models import Qualification
from market.audit.checkpoints import seal
from market.audit.sequencer import place
from market.clock import FixedClock
from market.db import Database
from market.identity.links import make_link
from market.identity.models import ApiToken, Person, Tie
from market.identity.passwords import WEAK
from market.identity.queries import log_signer, signed_in
from market.identity.rules import Purpose, User
from market.identity.service import add_person, record_tie
from market.identity.signin import create_api_token
from market.jobs import service as jobs
from market.jobs.models import Job
from market.notices.models import Notice, Outbox
from market.notices.service import notify
from market.search.whoosh import WhooshSearch
from market.settings import read
from oversight.metrics.service import rebuild
from portal.web import City
from tests.inventory.agreements import stock_contracts
from tests.inventory.flags import stock_flags
from tests.inventory.matching import stock_matching
from tests.inventory.money import stock_money
from tests.inventory.ratings import stock_ratings
from tests.inventory.stripes import stock_stripe
from tests.makers import (
    T0,
    Party,
    bid,
    closing,
    database,
    keeper_in,
    make_auction,
    make_firm,
    make_job,
    make_org,
    make_owner,
    make_person,
)
from tests.makers_admission import PDF, apply, make_applicant

PATRON: Final = {"firm": "other", "both": "owner", "other": "both"}
"""Who wins → at whose jobs."""
EARLY = T0 - timedelta(days=28)
"""When the jobs were published whose award stands by now."""
UNTOLD = {"audit_entry", "audit_head", "audit_leaf", "audit_veil", "notice", "outbox", "rate_count"}
"""What a refused request may add to: the log, notices, counts of tries."""


@dataclass
class Watch:
    """Sees every commit of others on a SQLite file, names the tables it touched, and brings the file back."""

    file: Path
    kept: sqlite3.Connection = field(init=False)
    live: sqlite3.Connection = field(init=False)
    version: int = field(init=False)

    def __post_init__(self) -> None:
        self.live, self.kept = sqlite3.connect(self.file), sqlite3.connect(":memory:")
        self.live.execute("PRAGMA synchronous=OFF")
        self.live.backup(self.kept)
        self.version = self._version()

    def _version(self) -> int:
        return int(self.live.execute("PRAGMA data_version").fetchone()[0])

    def touched(self) -> bool:
        """Whether anybody committed since; brings the file back."""
        if self._version() == self.version:
            return False
        self.kept.backup(self.live)
        self.version = self._version()
        return True

    def changed(self) -> set[str]:
        """The tables that are not as they were; brings the file back."""
        if self._version() == self.version:
            return set()
        before, after = self._digests(self.kept), self._digests(self.live)
        self.touched()
        return {name for name in after if before[name] != after[name]}

    def _digests(self, store: sqlite3.Connection) -> dict[str, str]:
        names = [row[0] for row in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = ((n, store.execute(f'SELECT * FROM "{n}" ORDER BY rowid').fetchall()) for n in names)
        return {name: hashlib.sha256(repr(found).encode()).hexdigest() for name, found in rows}

    def close(self) -> None:
        self.live.close()
        self.kept.close()


@dataclass
class Stock:
    """The city, who visits it, and what each has: kind of thing → its number or code."""

    city: City
    clock: FixedClock
    watch: Watch
    parties: dict[str, Party] = field(default_factory=dict)
    applicant: Party = field(init=False)
    people: dict[str, Person] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)

    def thing(self, role: str, kind: str) -> Any:
        """What a visitor has of a kind; who has none gets somebody else's."""
        return self.own[role][kind] if kind in self.own[role] else self.own["other"][kind]

    @property
    def db(self) -> Database:
        return self.city.db

    def user(self, s: Session, role: str) -> User:
        found = signed_in(s, self.people[role].id, self.people[role].epoch)
        assert found is not None
        return found


def stock(template: Path, folder: Path) -> Stock:
    """Build it on SQLite, at T0 and a few days on."""
    shutil.copy(template, folder / "city.db")
    settings = read({"TAOZHONGJIE_HOME": str(folder / "home"), "TAOZHONGJIE_URL": "http://city.test"})
    settings.home.mkdir()
    clock = FixedClock(EARLY)
    keeper = keeper_in(folder / "keeper", clock)
    city = City(
        settings, database(f"sqlite:///{folder / 'city.db'}"), clock, keeper, WhooshSearch(settings.index),
        {"passwords": WEAK, "mode": "sample"},
    )  # fmt: skip
    made = Stock(city, clock, Watch(folder / "city.db"))
    _people(made)
    _results(made)
    _around(made)
    made.watch.close()
    made.watch = Watch(folder / "city.db")
    return made


def _people(made: Stock) -> None:
    with made.db.write() as s:
        firms = {name: make_firm(s) for name in ("firm", "both", "other", "g1", "g2", "g3")}
        for name in ("both", "other"):
            s.merge(firms[name].org).is_owner = True
        made.parties = firms | {"owner": make_owner(s)}
        office = make_org(s, kind="authority", is_owner=False)
        made.people = {name: party.person for name, party in made.parties.items()}
        made.people |= {o: make_person(s, office, office=o) for o in ("operator", "regulator")}
        colleague = make_person(s, office, office="operator").id
    made.own = {name: {} for name in ("stranger", *made.people)}
    made.own["other"] |= {
        "colleague": colleague, "step": 1, "what": "reset", "part": "people", "tie_kind": "control",
        "own_tie_kind": "control", "service": "S012", "version": 1, "filename": "site.css", "seq": 0,
        "month": f"{T0:%Y-%m}",
        "tile": "000.p/1", "tile_level": "0",
        "firm": made.parties["g2"].org.uscc,
    }  # fmt: skip


# ── jobs and results ────────────────────────────────────────────────────────────────────────────────────────────


def _results(made: Stock) -> None:
    """Every state a published job may be in, at each owner, moved by the services and the clock."""
    for firm, owner in PATRON.items():
        _published(made, owner, "standing", EARLY)
        _bids(made, firm, owner, "standing", (firm, "g1", "g2"))
    _close(made, EARLY + timedelta(days=13))
    made.clock.at = T0 - timedelta(days=3)
    with made.db.write() as s:
        while stand_next(s, made.clock.now()) is not None:
            pass
    made.clock.at = T0
    for firm, owner in PATRON.items():
        others = [f for f in PATRON if f not in (firm, owner)]
        for kind in ("explaining", "explained", "proposed", "contested", "failed"):
            _published(made, owner, kind, T0)
            if kind != "failed":
                _bids(made, firm, owner, kind, (firm, *others, "g1", "g2"))
        _published(made, owner, "closing", T0, closes_at=closing(T0, 6))
        _bids(made, firm, owner, "closing", (firm, "g1", "g2"))
        for kind in ("open", "cancelled"):
            _published(made, owner, kind, T0, closes_at=closing(T0, 20))
    _close(made, closing(T0) + timedelta(seconds=30))
    made.clock.at = closing(T0, 6) + timedelta(seconds=30)
    with made.db.write() as s:
        while claim_next(s, made.clock.now()) is not None:
            pass
    for firm, owner in PATRON.items():
        _disputes(made, firm, owner)


def _published(made: Stock, owner: str, kind: str, now: Any, **but: Any) -> None:
    with made.db.write() as s:
        auction = make_auction(s, made.city.keeper, made.parties[owner], now, **but)
        job = s.get_one(Job, auction.job_id)
        made.own[owner][kind] = job.code
        made.own[owner][f"{kind}_id"] = job.id
        made.own[owner]["ocid"] = f"{made.city.settings.ocid_prefix}-{job.code}"


def _auction(s: Session, code: str) -> Auction:
    found = select(Auction).join(Job, Job.id == Auction.job_id).where(Job.code == code).order_by(Auction.round)
    return s.scalars(found).first()  # type: ignore[return-value]


def _award(s: Session, code: str) -> Award:
    found = select(Award).join(Auction).join(Job, Job.id == Auction.job_id).where(Job.code == code)
    return s.scalars(found.order_by(Award.id.desc())).first()  # type: ignore[return-value]


def _bids(made: Stock, firm: str, owner: str, kind: str, bidders: tuple[str, ...]) -> None:
    low = 4_000_000 if kind in ("explaining", "explained") else 8_500_000
    with made.db.write() as s:
        auction = _auction(s, made.own[owner][kind])
        at = auction.opens_at + timedelta(hours=1)
        for n, name in enumerate(bidders):
            bid(s, auction, made.parties[name], low if n == 0 else 9_000_000 + n, received_at=at)


def _close(made: Stock, at: Any) -> None:
    made.clock.at = at
    with made.db.write() as s:
        while claim_next(s, at) is not None:
            pass
    while True:
        with made.db.write() as s:
            if settle_next(s, at, made.city.keeper) is None:
                return


def _disputes(made: Stock, firm: str, owner: str) -> None:
    """Explanation, objection, complaint; the open job with a question and a bid; one job cancelled."""
    now, mine, its = made.clock.now(), made.own[owner], made.own[firm]
    winner, loser = made.parties[firm], made.parties["g1"]
    with made.db.write() as s:
        explain_price(s, _award(s, mine["explained"]).id, winner.org.id, "成本说明", actor_of(winner), now)
        award = _award(s, mine["contested"])
        mine["objection"] = object_to(s, award.id, loser.org.id, "price", "低于成本", actor_of(loser), now).id
        filed = complain(s, award.auction_id, loser.org.id, "price", "低于成本", actor_of(loser), now)
        mine["complaint"] = filed.id
        job = s.scalars(select(Job).where(Job.code == mine["cancelled"])).one()
        cancel_auction(s, job.id, job.owner_id, "不再需要", "system", now)
        plan = keep_document(s, made.city.settings.documents, job.owner_id, mine["open_id"], "任务书.pdf", PDF, now)
        mine["job_document"] = plan.id
        mine["question"] = jobs.ask_question(s, mine["open_id"], "需要几次现场踏勘？", made.user(s, firm), now).id
        its["number"] = bid(s, _auction(s, mine["open"]), winner, 8_800_000, received_at=now).number
    its |= {"bidden": mine["open"], "won_explaining": mine["explaining"], "won_proposed": mine["proposed"]}


def identity_number(n: int) -> str:
    """The n-th invented identity number of one day, with its check character (GB 11643-1999)."""
    body = f"11010519491231{n:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


def actor_of(party: Party) -> str:
    return f"person:{party.person.id}"


# ── what stands around jobs ─────────────────────────────────────────────────────────────────────────────────────


def _around(made: Stock) -> None:
    for owner in PATRON.values():
        _desk(made, owner)
    for firm in PATRON:
        _papers(made, firm)
    for firm, owner in (("firm", "owner"), ("both", "other"), ("other", "owner")):  # where it has not won
        theirs = made.own[owner]
        made.own[firm] |= {"target": theirs["open"], "lost": theirs["proposed"], "strange": theirs["standing"]}
    for role in made.people:
        _account(made, role)
    _offices(made)
    _mail(made)
    stock_matching(made)
    stock_ratings(made)
    stock_flags(made)
    stock_money(made)
    stock_stripe(made)
    stock_contracts(made)
    with made.db.write() as s:
        place(s)
        seal(s, made.clock.now(), log_signer(s))
        rebuild(s, made.clock.now())


def _desk(made: Stock, owner: str) -> None:
    """An owner's drafts and what waits for review."""
    now, mine, party = made.clock.now(), made.own[owner], made.parties[owner]
    folder, pair = made.city.settings.documents, ("g1", "g3") if owner == "other" else ("g3", "g2")
    out, told = (made.parties[name].org.id for name in pair)
    with made.db.write() as s:
        by = made.user(s, owner)
        draft = jobs.start_draft(s, by, now)
        jobs.save_step(s, draft.id, 1, {"service": "S012"}, by, now)
        jobs.recuse(s, draft.id, out, "dispute", "", by, now)
        jobs.invite(s, draft.id, told, by, now)
        paper = jobs.add_document(s, folder, draft.id, "任务书.pdf", PDF + owner.encode(), by, now)
        gone = jobs.start_draft(s, by, now)
        jobs.delete_draft(s, gone.id, by, now)
        sent = make_job(s, party, now)
        back = make_job(s, party, now, state="returned", stage="returned")
    mine |= {
        "draft": draft.id, "gone": gone.id, "draft_document": paper.id, "submitted": sent.code,
        "hidden_ocid": f"{made.city.settings.ocid_prefix}-{sent.code}",
        "submitted_id": sent.id, "returned_id": back.id, "recused": out, "invited": told,
    }  # fmt: skip


def _papers(made: Stock, firm: str) -> None:
    """A firm's record and its next application, which nobody but itself may see."""
    now, mine, party = made.clock.now(), made.own[firm], made.parties[firm]
    folder, org, actor = made.city.settings.documents, party.org.id, actor_of(party)
    with made.db.write() as s:
        scan = keep_document(s, folder, org, None, "资质.pdf", PDF + f"scan {firm}".encode(), now, actor)
        paper = {"name": "测绘资质", "level": "甲级", "number": f"Z-{org}", "document": scan.id}
        paper |= {"issued_on": now.date().replace(2025), "expires_on": now.date().replace(2028)}
        mine["certificate"] = changes.add_qualification(s, org, paper, now, actor)
        price = {"service": "S014" if firm == "other" else "S012", "price": "按标准 8 折", "days": 20}
        changes.set_price(s, org, price, now, actor)
        person = {"name": "陆某某", "certificate": f"证 {org:06d} 二"}
        mine |= {"lead": party.lead, "practitioner": changes.add_practitioner(s, org, person, now, actor)}
        mine |= {"priced": price["service"], "document": scan.id, "uscc": party.org.uscc, "org": org}
        application = apply(s, party, folder, now=now, submit=False, identity=identity_number(org))
        for n in range(3 if firm == "other" else 0):
            service.add_person(s, org, {"name": "陆某某", "certificate": f"证 {n}"}, now, actor)
        mine |= {"application": application.id, "key": 4 if firm == "other" else 1}
        mine["tie"] = s.scalars(select(Tie.id).where(Tie.org_id == org, Tie.kind == "payer")).one()
        operator = made.people["operator"].id
        until = now + timedelta(days=30)
        mine["suspension"] = standing.suspend(s, org, "材料不实", until, operator, now)
        if firm != "other":
            standing.lift(s, mine["suspension"], "已更正", operator, now)


def _offices(made: Stock) -> None:
    now, base = made.clock.now(), made.own["other"]
    with made.db.write() as s:
        operator = made.people["operator"].id
        waiting = apply(s, make_applicant(s), made.city.settings.documents, now=now)
        third = made.parties["g3"]
        id = standing.suspend(s, third.org.id, "材料不实", now + timedelta(days=30), operator, now)
        standing.appeal(s, third.org.id, id, "材料属实", now, actor_of(third))
        made.applicant = applicant = make_applicant(s)
        unverified = s.scalars(select(Qualification.id).where(Qualification.verified_at.is_(None))).first()
        secret = make_link(s, made.people["owner"].id, Purpose.RESET, now)
        fresh = make_person(s, applicant.org)
        fresh.confirmed_at = None
        confirm = make_link(s, fresh.id, Purpose.CONFIRM, now)
        invite = make_link(s, made.own["owner"]["member"], Purpose.INVITE, now)
    base |= {
        "waiting_application": waiting.id, "appealed": id, "unverified": unverified, "reset": secret,
        "confirm": confirm, "invite": invite, "unadmitted": applicant.org.uscc,
    }  # fmt: skip
    with made.db.write() as s:
        org = made.parties["owner"].org.id
        record_tie(s, org, "payer", "6222000087654321", "", "基本户", now, "system")
        made.own["owner"]["tie"] = s.scalars(select(Tie.id).where(Tie.org_id == org)).one()


def _account(made: Stock, role: str) -> None:
    """A token and a notice of one's own."""
    now, person = made.clock.now(), made.people[role]
    with made.db.write() as s:
        if person.office is None:
            made.own[role]["member"] = add_person(s, made.user(s, role), f"{role}@example.com", "沈某某", now)
        made.tokens[role] = create_api_token(s, made.user(s, role), "脚本", now)
        made.own[role]["token"] = s.scalars(select(ApiToken.id).where(ApiToken.person_id == person.id)).one()
        office = {"office": person.office} if person.office else {"org": person.org_id}
        notify(s, now, "account.welcome", link="/my", mail=False, name="某某", **office)
        made.own[role]["notice"] = s.scalars(select(func.max(Notice.id))).one()


def _mail(made: Stock) -> None:
    """One mail that was sent and may be shown, and one that lets somebody in."""
    folder = made.city.settings.mail
    folder.mkdir(parents=True)
    (folder / "one.eml").write_text("Subject: hello\n\nhello\n", "utf-8")
    with made.db.write() as s:
        now = made.clock.now()
        for name, kind in (("mail", "job.answered"), ("secret_mail", "account.invite")):
            payload = {"kind": kind, "to": ["a***@example.com"], "file": "one.eml"}
            row = Outbox(topic="mail", payload=payload, due_at=now, done_at=now)
            s.add(row)
            s.flush()
            made.own["other"][name] = row.id
        made.own["other"]["index_work"] = s.scalars(select(func.max(Outbox.id)).where(Outbox.topic == "index")).one()
