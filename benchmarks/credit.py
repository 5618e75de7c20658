"""The credit of 20,000 firms from their facts, with its bound: fetching the same rows and doing nothing with them.

Data is generated on PostgreSQL: each firm has one certificate, five accepted contracts over three years and five
reviews, so fifteen facts; every hundredth refused an award, every tenth certificate lapsed. Scores are computed
2,000 firms at a time, as matching and the public export do.
"""

import gc
import sys
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from time import perf_counter, process_time
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from tqdm import tqdm

from benchmarks.parts.report import Report
from market.admission.models import FirmCategory, FirmProfile, Qualification
from market.contracts.models import Contract
from market.db import Database
from market.identity.models import Organisation
from ratings.credit.facts import SIZE
from ratings.credit.models import CreditFact
from ratings.credit.queries import credits_as_of
from ratings.credit.rules import Credit
from ratings.reviews.models import Review
from tests.conftest import _found
from tests.makers import FOUNDED, T0, database, make_job, make_owner
from tests.postgres import Server

FIRMS, CONTRACTS = 20_000, 5
GOAL = 10.0
FIRST = 1_000_000
"""The number of the first generated firm, contract and review."""


def chunks(firms: int) -> Iterator[range]:
    """The firms of one statement."""
    return (range(n, min(n + SIZE, firms)) for n in range(0, firms, SIZE))


def generate(db: Database, firms: int) -> None:
    """Write the rows, 2,000 firms a transaction."""
    with db.write() as s:
        owner = make_owner(s)
        job = make_job(s, owner, FOUNDED, state="published", stage="contracted", code="ZJ-2024-00001")
        person, owner_id, job_id, code = owner.person.id, owner.org.id, job.id, str(job.code)
    bar = tqdm(total=firms, desc="generate", unit=" firms", file=sys.stderr)
    for some in chunks(firms):
        with db.write() as s:
            _firms(s, some)
            _work(s, some, owner_id, person, job_id, code)
        bar.update(len(some))
    bar.close()


def _firms(s: Session, some: range) -> None:
    ids = [FIRST + n for n in some]
    row: dict[str, Any] = {"kind": "private", "is_owner": False, "is_firm": True, "district": "339901"}
    orgs = [{"id": i, "uscc": f"9{i:017d}", "name": f"澄浦测试{i}公司", "created_at": FOUNDED, **row} for i in ids]
    s.execute(insert(Organisation), orgs)
    profile = {"legal_rep": "沈某某", "founded": date(2010, 1, 4), "staff": 18, "address": "望浦区", "phone": "0990"}
    s.execute(insert(FirmProfile), [{"org_id": i, "districts": [], "admitted_at": FOUNDED, **profile} for i in ids])
    s.execute(
        insert(FirmCategory), [{"org_id": i, "category_code": "01", "main": True, "admitted_at": FOUNDED} for i in ids]
    )
    paper = {"name": "测绘资质", "level": "甲级", "issued_on": date(2024, 1, 1), "recorded_at": FOUNDED}
    s.execute(
        insert(Qualification),
        [{"org_id": i, "number": f"Q{i}", "verified_at": FOUNDED, **paper, "expires_on": _expiry(i)} for i in ids],
    )
    refused = [i for i in ids if i % 100 == 0]
    fact = {"kind": "refused_award", "subject": "ZJ", "happened_at": T0 - timedelta(days=200), "values": {}}
    s.execute(
        insert(CreditFact),
        [
            {"org_id": i, **fact, "recorded_at": T0 - timedelta(days=200), "source": "b", "once": f"b{i}"}
            for i in refused
        ],
    )


def _expiry(i: int) -> date:
    return date(2026, 1, 31) if i % 10 == 0 else date(2028, 12, 31)


def _work(s: Session, some: range, owner: int, person: int, job: int, code: str) -> None:
    contracts, reviews = [], []
    for n in (n * CONTRACTS + k for n in some for k in range(CONTRACTS)):
        at = T0 - timedelta(days=20 + n * 7919 % 1000)
        firm, id = FIRST + n // CONTRACTS, FIRST + n
        contracts.append(
            {
                "id": id, "code": f"HT-{id}", "job_id": job, "job_code": code, "auction_id": code, "award_id": id,
                "owner_id": owner, "firm_id": firm, "title": "t", "state": "accepted", "funding": "fiscal",
                "tax": "included", "amount": 8_000_000, "amount_now": 8_000_000 + n % 17 // 16 * 500_000, "days": 20,
                "days_now": 20, "days_used": 15 + n * 31 % 9, "terms": {}, "digest": "0" * 64, "opened_at": at,
                "sign_by": at, "delivered_at": at, "accepted_at": at,
            }
        )  # fmt: skip
        scores = {name: 3 + (n + k) % 3 for k, name in enumerate(("quality", "timeliness", "attitude", "fees"))}
        reviews.append(
            {
                "contract_id": id, "side": "owner", "author_id": owner, "about_id": firm, "person_id": person,
                **scores, "conduct": 5, "given_at": at, "blind_until": at + timedelta(days=14),
                "shown_at": at + timedelta(days=1),
            }
        )  # fmt: skip
    s.execute(insert(Contract), contracts)
    s.execute(insert(Review), reviews)


def scored(db: Database, firms: int) -> tuple[float, dict[int, Credit]]:
    """Seconds for the credit of every firm, and what came out."""
    found: dict[int, Credit] = {}
    bar = tqdm(total=firms, desc="credit", unit=" firms", file=sys.stderr)
    began = perf_counter()
    for some in chunks(firms):
        with db.read() as s:
            found |= credits_as_of(s, [FIRST + n for n in some], T0)
        bar.update(len(some))
    bar.close()
    return perf_counter() - began, found


def fetched(db: Database, firms: int) -> float:
    """Seconds for the same rows, fetched and thrown away."""
    began = perf_counter()
    for some in chunks(firms):
        ids = [FIRST + n for n in some]
        with db.read() as s:
            for what in (
                select(Contract.firm_id, Contract.id, Contract.code, Contract.accepted_at, Contract.delivered_at,
                       Contract.days_used, Contract.days_now, Contract.amount, Contract.amount_now)
                .where(Contract.firm_id.in_(ids)),
                select(Review.about_id, Review.id, Review.given_at, Review.shown_at, Review.blind_until,
                       Review.quality).where(Review.about_id.in_(ids)),
                select(Qualification.org_id, Qualification.id, Qualification.expires_on)
                .where(Qualification.org_id.in_(ids)),
            ):  # fmt: skip
                s.execute(what).all()
    return perf_counter() - began


def main() -> None:
    """Generate, fetch, compute; one firm alone as well."""
    firms = int(sys.argv[1]) if len(sys.argv) > 1 else FIRMS
    report = Report()
    server = Server(durable=True)
    try:
        with tempfile.TemporaryDirectory():
            url = server.fresh()
            _found(url)
            db = database(url)
            generate(db, firms)
            bound = fetched(db, firms)
            gc.collect()
            used = process_time()
            seconds, found = scored(db, firms)
            cpu = process_time() - used
            facts = sum(len(c.parts) for c in found.values())
            shown = sum(c.score is not None for c in found.values())
            report.say(f"{firms:,} firms, {facts:,} facts in force, {shown:,} scores shown")
            report.say(f"the same rows fetched and thrown away: {bound:.2f} s")
            text = f"credit of {firms:,} firms: {seconds:.2f} s ({seconds / bound:.1f} × the bound; cpu {cpu:.2f} s)"
            report.hold(text, seconds, most=GOAL)
            began = perf_counter()
            with db.read() as s:
                credits_as_of(s, [FIRST], T0)
            report.say(f"credit of one firm: {(perf_counter() - began) * 1000:.1f} ms")
            db.close()
    finally:
        server.stop()
    report.end()


if __name__ == "__main__":
    main()
