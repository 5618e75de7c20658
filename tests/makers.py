"""Things a test needs, each stating only what matters (style habit 13). Rows below the market under test are written
directly; what bidding does goes through its services."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import market.db
from bidding.auctions.models import Auction
from bidding.auctions.service import BidAct, publish_job, receipt_key, seal_bid
from bidding.auctions.service.bids import Kept
from bidding.sealing.client import KeeperPort
from market.admission.models import FirmCategory, FirmProfile, Practitioner, Qualification
from market.catalogue.queries import service_on
from market.db import Database
from market.identity.models import Organisation, Person
from market.ids import job_code
from market.jobs.models import Job
from market.moments import beijing_day
from market.workdays import official_calendar

T0 = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)
"""Where the clock of a test stands: Monday, 1 June 2026, 10:00 in Beijing; a year with an official calendar."""
FOUNDED = datetime(2024, 1, 2, 1, 0, tzinfo=UTC)
"""When the city of a test was founded."""

_numbers = count(1)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True)
class _Options:
    database_url: str
    threads: int = 16


def database(url: str, threads: int = 16) -> Database:
    """A database as a door opens it."""
    return market.db.open(_Options(url, threads))


def uscc(n: int, head: str = "91339901") -> str:
    """The n-th code of the invented pattern (vectors/uscc.json), with its check characters."""
    body = f"DEM{n:05d}"
    total = sum(int(c, 36) * w for c, w in zip(body, (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    code = head + body + "0123456789X0"[11 - total % 11]
    check = sum(_USCC.index(c) * (3**i % 31) for i, c in enumerate(code))
    return code + _USCC[(31 - check % 31) % 31]


def make_org(s: Session, now: datetime = FOUNDED, **but: Any) -> Organisation:
    """An organisation, by default a private owner in 望浦区."""
    n = next(_numbers)
    row = {
        "name": f"澄浦测试{n:05d}有限公司",
        "kind": "private",
        "is_owner": True,
        "is_firm": False,
        "district": "339901",
    }
    org = Organisation(uscc=but.pop("uscc", None) or uscc(n), created_at=now, **{**row, **but})
    s.add(org)
    s.flush()
    return org


def make_person(s: Session, org: Organisation, now: datetime = FOUNDED, **but: Any) -> Person:
    """An active person of an organisation, without a password."""
    n = next(_numbers)
    row = {"email": f"p{n}@example.com", "name": f"周某某{n}", "password": None, "office": None, "first": True}
    person = Person(org_id=org.id, confirmed_at=now, created_at=now, epoch=0, **{**row, **but})
    s.add(person)
    s.flush()
    return person


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation with one person, and for a firm its lead professional."""

    org: Organisation
    person: Person
    lead: int = 0


def make_owner(s: Session, **but: Any) -> Party:
    """An owner that may post."""
    org = make_org(s, **but)
    return Party(org, make_person(s, org))


def make_firm(s: Session, category: str = "01", qualification: str = "", **but: Any) -> Party:
    """A firm admitted to a category since the founding, with one practitioner and, if named, a certificate."""
    expires = but.pop("expires_on", date(2028, 12, 31))
    admitted = but.pop("admitted_at", FOUNDED)
    org = make_org(s, is_owner=False, is_firm=True, **but)
    person = make_person(s, org)
    s.add(
        FirmProfile(
            org_id=org.id,
            legal_rep=f"沈某某{org.id}",
            founded=date(2010, 1, 4),
            staff=18,
            address="澄浦市望浦区",
            phone="0990-1234567",
            districts=["339901"],
            admitted_at=admitted,
        )
    )
    s.add(FirmCategory(org_id=org.id, category_code=category, main=True, admitted_at=admitted))
    lead = Practitioner(
        org_id=org.id, name=f"陆某某{org.id}", certificate=f"C{org.id:06d}", key=f"{org.id:064d}", recorded_at=admitted
    )
    s.add(lead)
    if qualification:
        s.add(
            Qualification(
                org_id=org.id,
                name=qualification,
                level="甲级",
                number=f"Q{org.id:06d}",
                issued_on=date(2024, 1, 1),
                expires_on=expires,
                recorded_at=admitted,
                verified_at=admitted,
            )
        )
    s.flush()
    return Party(org, person, lead.id)


def closing(now: datetime, workdays: int = 5, hour: int = 17) -> datetime:
    """T: so many working days after `now`, at an hour in Beijing."""
    day = official_calendar().add_workdays(beijing_day(now), workdays)
    return datetime(day.year, day.month, day.day, hour - 8, tzinfo=UTC)


def make_job(s: Session, owner: Party, now: datetime = T0, service: str = "S012", **but: Any) -> Job:
    """A job the operator has to review: submitted, for the EIA form (S012, no qualification) unless said."""
    found = service_on(s, service, beijing_day(now))
    assert found is not None, service
    funding = {"private": "private", "state_company": "state"}.get(owner.org.kind, "fiscal")
    row = {
        "code": job_code(now.year, next(_numbers)),
        "state": "submitted",
        "stage": "submitted",
        "title": "测试项目环境影响报告表编制",
        "summary": "编制环境影响报告表并通过技术评估。",
        "district": "339901",
        "funding": funding,
        "ceiling_fen": 10_000_000,
        "days_max": 30,
        "tax": "included",
        "closes_at": closing(now),
        "baseline": {"fee": 12_000_000, "kind": "official"},
        "baseline_fen": 12_000_000,
        "baseline_days": 25,
        "draft": {},
    }
    job = Job(
        owner_id=owner.org.id, created_by=owner.person.id, service_id=found.id, service_code=found.code,
        category_code=found.category_code, created_at=now, saved_at=now, submitted_at=now, **{**row, **but},
    )  # fmt: skip
    s.add(job)
    s.flush()
    return job


def make_auction(s: Session, keeper: KeeperPort, owner: Party | None = None, now: datetime = T0, **but: Any) -> Auction:
    """A published job with its open auction."""
    job = make_job(s, owner or make_owner(s), now, **but)
    return publish_job(s, job.id, "person:0", now, keeper)


def bid(s: Session, auction: Auction, firm: Party, amount: int, days: int = 20, **but: Any) -> Kept:
    """A sealed bid of a firm, an hour after T0 unless said."""
    code = s.scalars(select(Job.code).where(Job.id == auction.job_id)).one()
    row = {"received_at": T0 + timedelta(hours=1), "kind": "sealed", "lead_id": firm.lead}
    act = BidAct(
        job=code or "", org_id=firm.org.id, person_id=firm.person.id, amount=amount, days=days, **{**row, **but}
    )
    return seal_bid(s, act, receipt_key(s))


def keeper_in(folder: Path, clock: Any) -> KeeperPort:
    """A keeper in this process with its own store."""
    from bidding.sealing.keeper import Keeper

    return Keeper(folder / "keeper", clock)
