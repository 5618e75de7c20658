"""Take a bid: seal the price at once, keep the envelope, give a signed receipt.

`examine` reads and seals without a lock, in one round trip or in that of the door (`questions`); `keep` (keeping.py)
checks under the auction's lock that it is not yet claimed and writes everything.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, Bid, BidVersion
from bidding.auctions.rules import bidder_id, in_time
from bidding.auctions.service.keeping import BidAct, Kept, ReadyBid, ReceiptKey, keep
from bidding.matching.queries import Fixed, facts_for_bid, fixed, ties_for_bid, unfit
from bidding.sealing.envelope import seal
from market.admission.models import Practitioner
from market.errors import Refusal, Refused, refuse
from market.identity.models import Person
from market.jobs.models import Job, Recusal
from market.together import Question, together

MAX_FEN = 10**14


def seal_bid(s: Session, act: BidAct, key: ReceiptKey) -> Kept:
    """Examine and keep in one transaction. Raises Refused with every reason; nothing is then kept."""
    ready = examine(s, act)
    return ready if isinstance(ready, Kept) else keep(s, ready, key)


# Made once: SQLAlchemy then neither builds nor compares it anew for each bid. The outer joins find nothing or one.
_MINE = and_(Bid.auction_id == Auction.id, Bid.org_id == bindparam("org"))
_CASE = (
    select(
        Auction.id,
        Auction.state,
        Auction.closes_at,
        Auction.terms,
        Auction.terms_digest,
        Auction.public_key,
        Auction.blind_key,
        Job.title,
        Person.org_id,
        Recusal.reason,
        Practitioner.id.label("lead"),
        func.coalesce(Bid.version, 0).label("newest"),
        BidVersion.number,
        BidVersion.version,
        BidVersion.kind,
        BidVersion.receipt,
        BidVersion.signature,
    )
    .select_from(Auction)
    .join(Job, Job.id == Auction.job_id)
    .join(Person, Person.id == bindparam("person"))
    .outerjoin(Recusal, and_(Recusal.job_id == Auction.job_id, Recusal.org_id == bindparam("org")))
    .outerjoin(
        Practitioner,
        and_(
            Practitioner.id == bindparam("lead"),
            Practitioner.org_id == bindparam("org"),
            Practitioner.removed_at.is_(None),
        ),
    )
    .outerjoin(Bid, _MINE)
    .outerjoin(BidVersion, and_(BidVersion.bid_id == Bid.id, BidVersion.idempotency == bindparam("idempotency")))
    .where(Auction.job_id == bindparam("job"))
    .order_by(Auction.round.desc())
    .limit(1)
)


def questions(
    job: Fixed, org_id: int, person_id: int, received_at: datetime, lead_id: int | None, idempotency: str | None
) -> list[Question]:
    """What `examine` asks of an act; a door may ask it together with other things, and hand over the answers.

    They are of the moment, for this one act: whoever keeps answers for another act breaks the eligibility of bids.
    """
    mine = {"job": job.job_id, "org": org_id, "person": person_id, "lead": lead_id, "idempotency": idempotency}
    facts = {"org": org_id, "category": job.category, "qualification": job.qualification}
    ties = {"org": org_id, "owner": job.owner_id, "since": job.published_at, "at": received_at}
    return [(_CASE, mine), (facts_for_bid(), facts), (ties_for_bid(), ties)]


def examine(s: Session, act: BidAct, answers: Sequence[Sequence[Any]] | None = None) -> ReadyBid | Kept:
    """Check everything that needs no lock and seal the price. A repeated request gives its first receipt.

    `answers`: what came of the `questions` of this act, if they were asked already.
    """
    job = fixed(s, act.job)
    if job is None:
        raise refuse("job.unknown", status=404)
    if answers is None:
        asked = questions(job, act.org_id, act.person_id, act.received_at, act.lead_id, act.idempotency)
        answers = together(s, *asked)
    cases, facts, ties = answers
    if not cases:
        raise refuse("job.unknown", status=404)
    case = cases[0]
    if case.org_id != act.org_id:
        raise ValueError("A person bids for their own firm only.")
    if case.number is not None:
        return Kept(case.number, case.version, True, case.kind, case.receipt, case.signature)
    late = in_time(case.state, case.closes_at, act.received_at)
    if late is not None:
        raise Refused(late, status=409)
    bidder = bidder_id(case.blind_key, next(row.uscc for row in ties if row.id == act.org_id))
    if act.kind != "sealed":
        return _of_kept(s, act, case, bidder)
    wrong = [*unfit(s, job, case.reason, act.org_id, act.received_at, facts, ties), *_wrong_offer(act, case)]
    if wrong:
        raise Refused(*wrong)
    sealed = seal(case.public_key, case.id, case.terms_digest, bidder, {"amount": act.amount, "days": act.days})
    return ReadyBid(
        act=_without_price(act),
        auction=case.id,
        bidder=bidder,
        terms_digest=case.terms_digest,
        title=case.title,
        version=case.newest + 1,
        envelope=sealed.envelope,
        info=sealed.info,
        digest=sealed.digest,
        lead_id=act.lead_id,
    )


def kept_before(s: Session, auction: str, org_id: int, idempotency: str | None) -> Kept | None:
    """The first receipt of a request that is repeated with the same idempotency key, or None."""
    if idempotency is None:
        return None
    found = (
        select(BidVersion.number, BidVersion.version, BidVersion.kind, BidVersion.receipt, BidVersion.signature)
        .join(Bid, Bid.id == BidVersion.bid_id)
        .where(Bid.auction_id == auction, Bid.org_id == org_id, BidVersion.idempotency == idempotency)
    )
    row = s.execute(found).first()
    return None if row is None else Kept(row.number, row.version, True, row.kind, row.receipt, row.signature)


def _without_price(act: BidAct) -> BidAct:
    return BidAct(
        job=act.job,
        org_id=act.org_id,
        person_id=act.person_id,
        received_at=act.received_at,
        kind=act.kind,
        lead_id=act.lead_id,
        idempotency=act.idempotency,
    )


def _wrong_offer(act: BidAct, case: Any) -> list[Refusal]:
    """What is wrong with the offer itself: bounds (M5), days, the lead professional."""
    found: list[Refusal] = []
    ceiling = case.terms["ceiling"]["fen"] if case.terms["ceiling"] else MAX_FEN
    if not 1 <= act.amount <= ceiling:
        found.append(Refusal("bid.bounds", "amount", {"ceiling": ceiling}))
    if not 1 <= act.days <= case.terms["days_max"]:
        found.append(Refusal("bid.days", "days", {"most": case.terms["days_max"]}))
    if case.lead is None:
        found.append(Refusal("bid.lead", "lead"))
    return found


def _of_kept(s: Session, act: BidAct, case: Any, bidder: str) -> ReadyBid:
    """A withdrawal or confirmation of the bid that is there."""
    versions = list(
        s.scalars(
            select(BidVersion)
            .join(Bid, Bid.id == BidVersion.bid_id)
            .where(Bid.auction_id == case.id, Bid.org_id == act.org_id)
            .order_by(BidVersion.version.desc())
        )
    )
    if not versions or versions[0].kind == "withdrawn":
        raise refuse("bid.none", status=409)
    if act.kind == "confirmed" and versions[0].terms_digest == case.terms_digest:
        raise refuse("bid.confirmed_already", status=409)
    sealed = next(v for v in versions if v.kind == "sealed")
    return ReadyBid(
        act=act,
        auction=case.id,
        bidder=bidder,
        terms_digest=case.terms_digest,
        title=case.title,
        version=versions[0].version + 1,
        envelope=None,
        info=None,
        digest=sealed.digest or "",
        lead_id=sealed.lead_id,
    )
