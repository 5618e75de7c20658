"""Firms that match a job, for its owner, and an invited firm's answer, of which the owner reads after T."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from bidding.auctions import queries as auctions
from bidding.matching import invited, service
from bidding.matching.rules import NOTE_MAX
from market.errors import refuse
from market.jobs import queries as jobs
from portal import web
from portal.access import May
from portal.api.doors import door
from portal.api.fields import Model, text_of
from portal.api.jobs import job_code

Hundredths = Annotated[int, Field(description="Hundredths of a point, of 100 points")]


class MatchPoints(Model):
    """Points of each part; `credit` is null where a firm has too little evidence for a score to be shown."""

    credit: Hundredths | None
    on_time: Hundredths
    experience: Hundredths
    capacity: Hundredths


class MatchCounts(Model):
    """What the points are made of, as known when the job was published."""

    finished: int
    on_time: int
    in_category: int
    people: int
    under_way: int


class MatchedFirm(Model):
    """A firm that may bid, in its place. `invited_at` is null where it was not invited."""

    place: int
    uscc: str
    name: str
    points: MatchPoints
    total: Hundredths | None
    counts: MatchCounts
    invited_at: datetime | None


class MatchAnswer(Model):
    """What an invited firm answered; `answer` is null where it did not."""

    uscc: str
    name: str
    sent_at: datetime
    answer: Literal["accepted", "declined"] | None
    reason: str
    note: str


class MatchWeights(Model):
    """Weights of the parts, in percent."""

    credit: int
    on_time: int
    experience: int
    capacity: int


class Matching(Model):
    """Before T: the firms that match, in their order. After T: what the invited ones answered."""

    invited: int
    read: int
    weights: MatchWeights
    firms: list[MatchedFirm]
    answers: list[MatchAnswer]


class InvitationAnswer(Model):
    """`reason` is needed to decline."""

    accept: bool
    reason: Literal["", "busy", "outside", "days", "price", "other"] = ""
    note: text_of(NOTE_MAX) | Literal[""] = ""  # type: ignore[valid-type]


class InvitationAnswered(Model):
    """The answer as it stands."""

    answer: Literal["accepted", "declined"]
    answered_at: datetime


@door("GET", "/jobs/<code>/match", out=Matching, may=May.JOB_POST)
def match_firms(code: str) -> Matching:
    """The firms that match an own job. Nothing here tells who bids or, before T, who answered."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        whole = jobs.job_by_code(s, job_code(code))
        if whole is None or whole.job.owner_id != me.org_id:
            raise refuse("job.unknown", status=404)
        job = whole.job
        running = job.stage == "open" and job.closes_at is not None and now < job.closes_at
        found = invited.matches(s, job, now) if running else []
        sent, read = jobs.invited_and_read(s, job.id)
        answers = invited.answers(s, job, now)
    w = invited.weights()
    return Matching(
        invited=sent, read=read, firms=[_firm(m) for m in found],
        weights=MatchWeights(credit=w.credit, on_time=w.on_time, experience=w.experience, capacity=w.capacity),
        answers=[
            MatchAnswer.model_validate(
                {
                    "uscc": a.uscc, "name": a.name, "sent_at": a.sent_at, "answer": a.answer, "reason": a.reason,
                    "note": a.note,
                }
            )
            for a in answers
        ],
    )  # fmt: skip


def _firm(m: invited.Match) -> MatchedFirm:
    f, points, scored = m.ranked.firm, m.ranked.points, m.ranked.firm.scored
    return MatchedFirm(
        place=m.ranked.place, uscc=f.uscc, name=m.name,
        points=MatchPoints(
            credit=points["credit"] if scored else None, on_time=points["on_time"], experience=points["experience"],
            capacity=points["capacity"],
        ),
        total=m.ranked.total if scored else None,
        counts=MatchCounts(
            finished=f.finished, on_time=f.on_time, in_category=f.in_category, people=f.people, under_way=f.under_way
        ),
        invited_at=m.sent_at,
    )  # fmt: skip


@door(
    "POST",
    "/jobs/<code>/invitation",
    out=InvitationAnswered,
    may=May.INVITATION_ANSWER,
    body=InvitationAnswer,
    also=(409,),
)
def answer_invitation(code: str, body: InvitationAnswer) -> InvitationAnswered:
    """Accept or decline the own firm's invitation; no bid, and the last answer before T holds."""
    me, now = web.user(), web.now()
    with web.db().write() as s:
        found = invited.invitation(s, job_code(code), me.org_id)
        auction = auctions.newest(s, found[0].id) if found else None
        if found is None or auction is None:
            raise refuse("invitation.none", status=404)
        row = service.answer_invitation(s, found[0].id, body.accept, body.reason, body.note, me, now, auction.id)
        return InvitationAnswered.model_validate({"answer": row.answer, "answered_at": row.answered_at})
