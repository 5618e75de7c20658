"""A town of thousands of firms and jobs, written at once: for benchmarks and for counting statements."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from market.admission.models import FirmCategory, FirmProfile, Practitioner
from market.db import Database
from market.identity.models import Organisation, Person, Tie
from market.identity.queries import platform_key
from market.identity.rules import keyed_hash
from market.jobs.models import Job
from tests.makers import FOUNDED, T0, uscc

FIRST = 20_000
"""Where the numbers of these firms begin: beyond those that the makers give."""


@dataclass(frozen=True, slots=True)
class Firm:
    """A firm that may bid."""

    org: int
    person: Person
    lead: int


def settle(db: Database, n: int, category: str = "01") -> list[Firm]:
    """`n` admitted firms, each with a person, a lead, a representative and an account; every tenth has a controller."""
    with db.write() as s:
        s.execute(insert(Organisation), [_organisation(FIRST + i) for i in range(n)])
        codes = [uscc(FIRST + i) for i in range(n)]
        orgs = {str(c): int(i) for c, i in s.execute(select(Organisation.uscc, Organisation.id)) if c in set(codes)}
        ids = [orgs[code] for code in codes]
        s.execute(insert(Person), [_person(org) for org in ids])
        s.execute(insert(FirmProfile), [_profile(org) for org in ids])
        s.execute(
            insert(FirmCategory),
            [{"org_id": o, "category_code": category, "main": True, "admitted_at": FOUNDED} for o in ids],
        )
        s.execute(insert(Practitioner), [_lead(org) for org in ids])
        s.execute(insert(Tie), _ties(s, ids, codes))
        people = {p.org_id: p for p in s.scalars(select(Person).where(Person.email.like("bench%")))}
        leads = {org: id_ for id_, org in s.execute(select(Practitioner.id, Practitioner.org_id))}
    return [Firm(org, people[org], leads[org]) for org in ids]


def _organisation(n: int) -> dict[str, object]:
    return {
        "uscc": uscc(n), "name": f"澄浦测试{n}咨询有限公司", "kind": "private", "is_owner": False, "is_firm": True,
        "district": "339901", "created_at": FOUNDED,
    }  # fmt: skip


def _person(org: int) -> dict[str, object]:
    return {
        "org_id": org, "email": f"bench{org}@example.com", "name": f"周某某{org}", "first": True, "epoch": 0,
        "confirmed_at": FOUNDED, "created_at": FOUNDED,
    }  # fmt: skip


def _profile(org: int) -> dict[str, object]:
    return {
        "org_id": org, "legal_rep": f"沈某某{org}", "founded": date(2010, 1, 4), "staff": 18,
        "address": "澄浦市望浦区", "phone": "0990-1234567", "districts": ["339901"], "admitted_at": FOUNDED,
    }  # fmt: skip


def _lead(org: int) -> dict[str, object]:
    name = f"陆某某{org}"
    return {"org_id": org, "name": name, "certificate": f"B{org}", "key": f"{org:064d}", "recorded_at": FOUNDED}


def _ties(s: Session, ids: list[int], codes: list[str]) -> list[dict[str, object]]:
    pepper = platform_key(s, "pepper").secret

    def tie(org: int, kind: str, side: str, value: str) -> dict[str, object]:
        return {
            "org_id": org, "kind": kind, "party": keyed_hash(pepper, side, value), "party_kind": side,
            "party_name": "某某", "recorded_at": FOUNDED,
        }  # fmt: skip

    found = [tie(org, "legal_rep", "person", f"rep{org}") for org in ids]
    found += [tie(org, "payer", "account", f"account{org}") for org in ids]
    return found + [tie(org, "control", "company", code) for org, code in zip(ids[::10], codes[5::10], strict=False)]


_WHAT = (
    "环境影响报告表编制",
    "水土保持方案编制",
    "地质灾害危险性评估",
    "节能报告编制",
    "土地评估",
    "测绘",
    "施工图审查",
)
_WHERE = ("望浦区", "青禾区", "再生水厂", "产业园", "中学扩建", "道路改造", "冷链仓库", "社区医院", "滨江公园")


def more_jobs(db: Database, pattern: Auction, start: int, end: int) -> None:
    """The published jobs from number `start` to `end`, with auctions: copies of one that the service published.

    Every tenth is open, like the open jobs of a city of this size; the others stand decided. Titles, categories,
    districts and times differ.
    """
    with db.write() as s:
        job = _columns(s.get_one(Job, pattern.job_id))
        auction = _columns(s.get_one(Auction, pattern.id))
        first = int(job["id"]) + 1
        for low in range(start, end, 1_000):
            numbers = range(low, min(end, low + 1_000))
            s.execute(insert(Job), [_copied_job(job, first + i, i) for i in numbers])
            s.execute(insert(Auction), [_copied_auction(auction, first + i, i) for i in numbers])


def _columns(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def _copied_job(job: dict[str, Any], id_: int, i: int) -> dict[str, Any]:
    title = f"{_WHERE[i % 9]}{_WHERE[i * 7 % 9]}{i}{_WHAT[i % 7]}"
    ends = job["closes_at"] + timedelta(minutes=i % 5_000)
    return {
        **job, "id": id_, "code": f"ZJ-2026-{50_000 + i:05d}", "title": title, "closes_at": ends,
        "stage": "open" if i % 10 == 0 else "standing", "category_code": f"{1 + i % 21:02d}",
        "district": f"3399{1 + i % 6:02d}", "ceiling_fen": 1_000_000 + i * 1_000,
    }  # fmt: skip


def _copied_auction(auction: dict[str, Any], job: int, i: int) -> dict[str, Any]:
    ends = auction["closes_at"] + timedelta(minutes=i % 5_000)
    return {
        **auction, "id": f"ZJ-2026-{50_000 + i:05d}-1", "job_id": job, "closes_at": ends,
        "state": "open" if i % 10 == 0 else "decided", "decided_at": None if i % 10 == 0 else T0,
    }  # fmt: skip
