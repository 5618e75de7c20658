"""Publication: the baseline and the city's rules are fixed by digest, the auction gets its key, bidding opens."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.auctions.queries import terms_document
from bidding.auctions.rules import State, posted_digest
from bidding.matching.queries import fitting
from bidding.methods.allowed import allowed
from bidding.sealing.client import KeeperPort
from market.admission.models import Document
from market.audit.rules import Deed
from market.audit.service import hang_veil, record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused, refuse
from market.ids import auction_id, canonical_json, digest
from market.jobs import rules as job_rules
from market.jobs.models import Invitation, Job
from market.jobs.service import recheck
from market.notices.service import index_later, notify

METHOD = "lowest_price"


def terms_for(job: Job, rules: dict[str, Any]) -> dict[str, Any]:
    """What decide() will take for a job under the city's rules (selection_methods §2)."""
    ceiling = None if job.ceiling_fen is None else {"fen": job.ceiling_fen, "inclusive": True}
    return {
        "method": METHOD,
        "funding": job.funding,
        "min_competitors": rules["min_competitors"],
        "days_max": job.days_max,
        "ceiling": ceiling,
        "floor": None,
        "abnormal": dict(rules["abnormally_low"]),
    }


def publish_job(s: Session, job_id: int, actor: str, now: datetime, keeper: KeeperPort) -> Auction:
    """Publish a submitted job and open its first auction.

    Raises Refused where the state, the deadline or the city's rules forbid it, and KeeperDown when no key can be
    made; nothing is then kept. The keeper's `create` is idempotent, so a lost commit costs only an unused key.
    """
    job = s.get(Job, job_id, with_for_update=True)
    if job is None:
        raise refuse("job.unknown", status=404)
    state = job_rules.after(job.state, job_rules.Event.PUBLISH)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    recheck(s, job, now)
    rules = catalogue.city_rules_on(s, now)
    methods = catalogue.method_rules_on(s, now)
    permit(job, rules, methods)
    job.state, job.published_at = state, now
    job.rules = {"city": _digest_of(s, "city_rules", now), "methods": _digest_of(s, "method_rules", now)}
    s.flush()
    if job.closes_at is None:
        raise refuse("job.deadline_missing", "closes_at")
    # The reason itself stands in the posted terms; the log holds no free text.
    urgent: dict[str, Any] = {"urgency": hashlib.sha256(job.urgency.encode()).hexdigest()} if job.urgency else {}
    blind_key = secrets.token_bytes(32)
    auction = open_round(s, job, 1, now, job.closes_at, rules, blind_key, keeper)
    record(
        s,
        Deed.JOB_PUBLISHED,
        now,
        actor,
        job.code,
        job=job.code,
        baseline=digest(canonical_json(job.baseline)),
        city_rules=job.rules["city"],
        method_rules=job.rules["methods"],
        bidder_key=hashlib.sha256(blind_key).hexdigest(),
        **urgent,
    )
    notify(s, now, "job.published", org=job.owner_id, link=f"/jobs/{job.code}", title=job.title, job=job.code)
    _invite(s, job, now)
    return auction


def _digest_of(s: Session, kind: str, now: datetime) -> str:
    version = catalogue.version_on(s, kind, now)
    if version is None:
        raise refuse("catalogue.none", status=503, kind=kind)
    return version.digest


def permit(job: Job, rules: dict[str, Any], methods: dict[str, Any]) -> None:
    """Refuse what the city's rules of selection do not allow for the job's funding and ceiling."""
    asked = {
        "funding": job.funding,
        "amount": job.ceiling_fen,
        "method": METHOD,
        "min_competitors": rules["min_competitors"],
        "reason": None,
        "category": job.category_code,
    }
    code = allowed(methods, asked)
    if code is not None:
        raise refuse(code, "ceiling", ceiling=job.ceiling_fen)


def open_round(
    s: Session,
    job: Job,
    round: int,
    now: datetime,
    closes_at: datetime,
    rules: dict[str, Any],
    blind_key: bytes,
    keeper: KeeperPort,
) -> Auction:
    """A new auction of a published job: its own key, population and deadline. Raises KeeperDown.

    `blind_key` makes the bidders' ids of the job and stays the same in a re-run.
    """
    if job.code is None:
        raise refuse("job.unknown", status=404)
    name = auction_id(job.code, round)
    public_key = keeper.create(name, closes_at + timedelta(seconds=rules["drain_seconds"]))
    documents = select(Document.digest).where(Document.job_id == job.id, Document.removed_at.is_(None))
    terms = terms_for(job, rules)
    posted = terms_document(job, terms, list(s.scalars(documents)), 0)
    auction = Auction(
        id=name,
        job_id=job.id,
        round=round,
        state=State.OPEN,
        opens_at=now,
        closes_at=closes_at,
        terms=terms,
        posted=posted,
        terms_digest=posted_digest(posted),
        public_key=public_key,
        blind_key=blind_key,
    )
    s.add(auction)
    job.closes_at, job.stage = closes_at, State.OPEN
    s.flush()
    hang_veil(s, name, closes_at)
    record(
        s,
        Deed.AUCTION_OPENED,
        now,
        "system",
        job.code,
        auction=name,
        closes_at=closes_at.isoformat(),
        terms=auction.terms_digest,
        public_key=public_key.hex(),
    )
    index_later(s, now, "job", job.id)
    return auction


def _invite(s: Session, job: Job, now: datetime) -> None:
    """Tell the invited firms, once each. An invitation gives no advantage."""
    for org in s.scalars(select(Invitation.org_id).where(Invitation.job_id == job.id).order_by(Invitation.org_id)):
        notify(s, now, "job.invited", org=org, link=f"/jobs/{job.code}", title=job.title, closes_at=_iso(job.closes_at))
    if job.published_at is not None:
        record(s, Deed.INVITATION_SENT, now, "system", job.code, job=job.code, fitting=len(fitting(s, job, now)))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
