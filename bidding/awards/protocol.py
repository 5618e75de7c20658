"""Reading results for pages: the protocol of a job (截标纪要), the list of protocols, and what waits for somebody.

Who may see which name is decided in closing.queries; nothing here tells anything of an auction before its result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Amendment, Auction
from bidding.auctions.queries import amendments, rounds
from bidding.auctions.rules import State as AuctionState
from bidding.awards.models import Award, Complaint, Objection
from bidding.awards.rules import State
from bidding.closing.queries import (
    Out,
    Phase,
    Row,
    Tie,
    Viewer,
    names_of,
    outs_of,
    phase_of,
    rows_of,
    sees_names,
    ties_of,
    took_part,
)  # fmt: skip
from market.identity.models import Organisation
from market.jobs.models import Job, Recusal

GONE = (State.STRUCK, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Own:
    """What the reader's own bid came to. `gap` (fen) and `days` are against the award now in force, or None."""

    kind: Literal["winner", "struck", "ranked", "out", "withdrawn", "failed"]
    rank: int | None = None
    of: int = 0
    gap: int | None = None
    days: int | None = None
    out: Out | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything the page shows; lists are empty where `phase` is not `result`. `failed`: earlier rounds."""

    job: Job
    owner: str
    phase: Phase
    auction: Auction
    is_owner: bool
    running: Auction | None = None
    failed: Sequence[Auction] = ()
    names: dict[str, str] | None = None
    rows: Sequence[Row] = ()
    outs: Sequence[Out] = ()
    ties: Sequence[Tie] = ()
    own: Own | None = None
    awards: Sequence[tuple[Award, str]] = ()
    objections: Sequence[tuple[Objection, str]] = ()
    complaints: Sequence[tuple[Complaint, str]] = ()
    amendments: Sequence[Amendment] = ()
    recusals: Sequence[Recusal] = ()
    party: bool = False
    named: bool = False

    @property
    def award(self) -> Award | None:
        """The award in force, or the last one there was."""
        return self.awards[-1][0] if self.awards else None

    @property
    def winner(self) -> str | None:
        """The name of the firm of that award."""
        return self.awards[-1][1] if self.awards else None


def protocol(s: Session, code: str, viewer: Viewer, now: datetime) -> Protocol | None:
    """The protocol of a job as `viewer` may see it at `now`; None for a job that is not public."""
    found = select(Job, Organisation.name).join(Organisation, Organisation.id == Job.owner_id).where(Job.code == code)
    row = s.execute(found).first()
    if row is None:
        return None
    job, owner = row
    all_rounds = rounds(s, job.id)
    if not all_rounds:
        return None
    done = [a for a in all_rounds if a.decided_at is not None]
    last = all_rounds[-1]
    if not done:
        return Protocol(job, owner, phase_of(last, now), last, viewer.org_id == job.owner_id)
    return _result(s, job, owner, done, None if last in done else last, viewer)


def _result(s: Session, job: Job, owner: str, done: list[Auction], running: Auction | None, viewer: Viewer) -> Protocol:
    auction = done[-1]
    awards = awards_of(s, auction.id)
    names = names_of(s, job, auction, viewer, {a.bidder for a, _ in awards})
    called = {b["org"]: names[b["bidder"]] for b in auction.opened or []}
    live = next((a.bidder for a, _ in reversed(awards) if a.state not in GONE), None)
    rows = rows_of(s, auction, viewer, names, live, {a.bidder for a, _ in awards if a.state == State.STRUCK})
    outs = outs_of(auction, viewer, names)
    said = select(Objection).where(Objection.award_id.in_([a.id for a, _ in awards])).order_by(Objection.id)
    complaints = select(Complaint).where(Complaint.auction_id.in_([a.id for a in done])).order_by(Complaint.id)
    return Protocol(
        job=job,
        owner=owner,
        phase="result",
        auction=auction,
        is_owner=viewer.org_id == job.owner_id,
        running=running,
        failed=done[:-1],
        names=names,
        rows=rows,
        outs=outs,
        ties=ties_of(auction, names),
        own=_own(auction, viewer, awards, rows, outs),
        awards=awards,
        objections=[(o, called.get(o.org_id, "—")) for o in s.scalars(said)],
        complaints=[(c, called.get(c.org_id, "—")) for c in s.scalars(complaints)],
        amendments=amendments(s, auction.id),
        recusals=list(s.scalars(select(Recusal).where(Recusal.job_id == job.id).order_by(Recusal.id))),
        party=took_part(auction, viewer.org_id),
        named=sees_names(job, auction, viewer),
    )


def _own(
    auction: Auction,
    viewer: Viewer,
    awards: Sequence[tuple[Award, str]],
    rows: Sequence[Row],
    outs: Sequence[Out],
) -> Own | None:
    mine = next((b for b in auction.opened or [] if b["org"] == viewer.org_id), None)
    if mine is None:
        return None
    if mine["void"] == "withdrawn":
        return Own("withdrawn")
    out = next((o for o in outs if o.own), None)
    if out is not None:
        return Own("out", out=out)
    if auction.state == AuctionState.FAILED:
        return Own("failed")
    row = next(r for r in rows if r.own)
    award = next((a for a, _ in awards if a.bidder == row.bidder), None)
    if award is not None:
        return Own("struck" if award.state == State.STRUCK else "winner", row.rank, len(rows))
    first = awards[-1][0] if awards else None
    if first is None:
        return Own("ranked", row.rank, len(rows))
    return Own("ranked", row.rank, len(rows), row.amount - first.amount, row.days - first.days)


def awards_of(s: Session, auction_id: str) -> list[tuple[Award, str]]:
    """The awards of an auction in the order they were proposed, each with its firm's name."""
    found = select(Award, Organisation.name).join(Organisation, Organisation.id == Award.org_id)
    return [(a, name) for a, name in s.execute(found.where(Award.auction_id == auction_id).order_by(Award.id))]


@dataclass(frozen=True, slots=True)
class Result:
    """A line of the list of protocols; without `winner` the auction failed, or nobody was left."""

    code: str
    title: str
    category: str | None
    stage: str
    closed_at: datetime
    baseline: int | None
    winner: str | None
    amount: int | None
    days: int | None


def recent(s: Session, page: int = 1, size: int = 20) -> tuple[list[Result], int]:
    """Closed auctions, newest result first, one page of them; and how many there are in all."""
    total = s.scalar(select(func.count()).select_from(Auction).where(Auction.decided_at.is_not(None))) or 0
    found = (
        select(Auction, Job)
        .join(Job, Job.id == Auction.job_id)
        .where(Auction.decided_at.is_not(None))
        .order_by(Auction.decided_at.desc(), Auction.id.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    rows = [(auction, job) for auction, job in s.execute(found)]
    live = (
        select(Award, Organisation.name)
        .join(Organisation, Organisation.id == Award.org_id)
        .where(Award.auction_id.in_([a.id for a, _ in rows]), Award.state.not_in(GONE))
    )
    awards = {award.auction_id: (award, name) for award, name in s.execute(live)}
    return [_line(auction, job, *awards.get(auction.id, (None, None))) for auction, job in rows], total


def _line(auction: Auction, job: Job, award: Award | None, name: str | None) -> Result:
    return Result(
        code=job.code or "",
        title=job.title,
        category=job.category_code,
        stage=job.stage if auction.state == AuctionState.DECIDED else AuctionState.FAILED.value,
        closed_at=auction.closes_at,
        baseline=job.baseline_fen,
        winner=name,
        amount=award.amount if award else None,
        days=award.days if award else None,
    )


@dataclass(frozen=True, slots=True)
class Dispute:
    """What somebody may act on: the job, its decided auction and the newest award."""

    job: Job
    auction: Auction
    award: Award | None
    firm: str | None


def dispute(s: Session, code: str) -> Dispute | None:
    """The last result of a job; None while there is none, and for a job that is not public."""
    found = (
        select(Job, Auction)
        .join(Auction, Auction.job_id == Job.id)
        .where(Job.code == code, Auction.decided_at.is_not(None))
        .order_by(Auction.round.desc())
        .limit(1)
    )
    row = s.execute(found).first()
    if row is None:
        return None
    awards = awards_of(s, row[1].id)
    award, firm = awards[-1] if awards else (None, None)
    return Dispute(row[0], row[1], award, firm)


def objection(s: Session, code: str, objection_id: int) -> tuple[Objection, str] | None:
    """An objection against an award of a job, with the objector's name; None if it belongs to another job."""
    found = (
        select(Objection, Organisation.name)
        .join(Award, Award.id == Objection.award_id)
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .join(Organisation, Organisation.id == Objection.org_id)
        .where(Objection.id == objection_id, Job.code == code)
    )
    row = s.execute(found).first()
    return None if row is None else (row[0], row[1])


@dataclass(frozen=True, slots=True)
class Filed:
    """A complaint in the regulator's list, with what it is about."""

    complaint: Complaint
    job: Job
    firm: str

    @property
    def held(self) -> bool:
        """Whether it stays its award now."""
        return self.complaint.held_at is not None and self.complaint.hold_lifted_at is None


def complaints(s: Session, decided: bool, page: int = 1, size: int = 20) -> tuple[list[Filed], int]:
    """Complaints that wait, the one due first on top; or the decided ones, newest first."""
    which = Complaint.decided_at.is_not(None) if decided else Complaint.decided_at.is_(None)
    total = s.scalar(select(func.count()).select_from(Complaint).where(which)) or 0
    order = (Complaint.decided_at.desc(),) if decided else (Complaint.due_at, Complaint.id)
    found = _filed().where(which).order_by(*order).limit(size).offset((page - 1) * size)
    return [Filed(*row) for row in s.execute(found)], total


def complaint(s: Session, complaint_id: int) -> Filed | None:
    """One complaint."""
    row = s.execute(_filed().where(Complaint.id == complaint_id)).first()
    return None if row is None else Filed(*row)


def _filed() -> Select[Complaint, Job, str]:
    return (
        select(Complaint, Job, Organisation.name)
        .join(Auction, Auction.id == Complaint.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .join(Organisation, Organisation.id == Complaint.org_id)
    )


def overdue(s: Session, now: datetime) -> list[tuple[Objection, Job, str]]:
    """Objections the owner has not answered in time, longest overdue first, with the owner's name. The award waits."""
    found = (
        select(Objection, Job, Organisation.name)
        .join(Award, Award.id == Objection.award_id)
        .join(Auction, Auction.id == Award.auction_id)
        .join(Job, Job.id == Auction.job_id)
        .join(Organisation, Organisation.id == Job.owner_id)
        .where(Objection.answered_at.is_(None), Objection.due_at < now, Award.state == State.CONTESTED)
        .order_by(Objection.due_at)
    )
    return [(o, job, owner) for o, job, owner in s.execute(found)]
