"""Jobs, the own firm's eligibility, and closing protocols. Before T nothing here tells who bids or how many."""

import re
from typing import Annotated, Any, Final, Literal

from flask import abort, g
from pydantic import Field

from bidding.auctions import queries as auctions
from bidding.auctions.models import Auction
from bidding.awards import protocol as results
from bidding.closing.queries import Viewer, case
from bidding.matching.queries import checks
from market.clock import from_micros, micros
from market.errors import Refusal, refuse
from market.identity.rules import Role
from market.jobs import crawl
from market.jobs import queries as jobs
from portal import web
from portal.access import PUBLIC, May
from portal.api import cursors
from portal.api import shapes as shape
from portal.api.doors import Reply, door
from portal.api.fields import MAX_ID, After, Day, Limit, Model, text_of

_CODE = re.compile(r"ZJ-[0-9]{4}-[0-9]{5,9}", re.ASCII)
State = Literal[
    "open", "closing", "failed", "decided", "explaining", "proposed", "contested", "standing", "contracted", "struck",
    "cancelled",
]  # fmt: skip


def job_code(text: str) -> str:
    """A code as a job has one; 404 for other text."""
    if _CODE.fullmatch(text) is None:
        raise refuse("job.unknown", status=404)
    return text


class JobsQuery(Model):
    """Filters of the list; all of them must hold. The deadline's days are Beijing days, both included."""

    category: text_of(12) | None = None  # type: ignore[valid-type]
    district: text_of(12) | None = None  # type: ignore[valid-type]
    state: State | None = None
    deadline_from: Day | None = None
    deadline_to: Day | None = None
    after: After | None = None
    limit: Annotated[Limit, Field(description="Items of a page")] = 20


@door("GET", "/jobs", out=shape.JobPage, may=PUBLIC, query=JobsQuery)
def list_jobs(query: JobsQuery) -> Reply:
    """Published jobs, newest first."""
    key = cursors.read(query.after, int, int)
    behind = None if key is None else (from_micros(key[0]), min(key[1], MAX_ID))
    wanted = crawl.Wanted(
        query.category or "", query.district or "", query.state or "", query.deadline_from, query.deadline_to
    )
    with web.db().read() as s:
        rows = crawl.published_before(s, wanted, behind, query.limit + 1)
    shown, more = rows[: query.limit], len(rows) > query.limit
    after = cursors.write(micros(shown[-1].published_at), shown[-1].id) if more else None
    items = [_line(row) for row in shown]
    return Reply(shape.JobPage(items=items, next=after), headers=cursors.link(after))


def _line(row: crawl.Line) -> shape.JobLine:
    return shape.JobLine(
        code=row.code, title=row.title, owner=row.owner, category=row.category, service=row.service,
        district=row.district, funding=row.funding, state=row.stage,
        accepting=row.stage == "open" and web.now() < row.closes_at, baseline=row.baseline_fen,
        ceiling=row.ceiling_fen, days_max=row.days_max, published_at=row.published_at, closes_at=row.closes_at,
        urgent=bool(row.urgent),
    )  # fmt: skip


@door("GET", "/jobs/<code>", out=shape.Job, may=PUBLIC)
def job(code: str) -> shape.Job:
    """A job with its terms, its baseline and the key that prices are sealed to."""
    with web.db().read() as s:
        whole = jobs.job_by_code(s, job_code(code))
        auction = auctions.newest(s, whole.job.id) if whole else None
        if whole is None or auction is None:
            raise refuse("job.unknown", status=404)
        files = jobs.documents_of(s, whole.job.id)
        recused = jobs.recusals_of(s, whole.job.id)
        asked = jobs.questions_of(s, whole.job.id)
    return shape.Job(
        **_facts(whole, auction),
        documents=[shape.File(id=f.id, name=f.name, type=f.mime, size=f.size, digest=f.digest) for f in files],
        recusals=[shape.Recusal(uscc=r.uscc, name=r.name, reason=r.reason, recorded_at=r.recorded_at) for r in recused],
        questions=[
            shape.Question(text=q.text, asked_at=q.asked_at, answer=q.answer, answered_at=q.answered_at) for q in asked
        ],
    )


def _facts(whole: jobs.Whole, auction: Auction) -> dict[str, Any]:
    j, service = whole.job, whole.service
    return {
        "code": j.code, "title": j.title, "summary": j.summary,
        "owner": shape.Party(uscc=whole.owner.uscc, name=whole.owner.name), "category": j.category_code,
        "service": j.service_code, "service_name": service.name if service else "",
        "qualification": service.qualification if service else "", "district": j.district,
        "project_code": j.project_code, "funding": j.funding, "state": j.stage,
        "accepting": auction.state == "open" and web.now() < auction.closes_at, "published_at": j.published_at,
        "closes_at": auction.closes_at, "round": auction.round, "auction": auction.id, "baseline": j.baseline,
        "baseline_days": j.baseline_days, "ceiling": j.ceiling_fen, "days_max": j.days_max, "tax": j.tax,
        "urgency": j.urgency,
        "rules": j.rules or {}, "terms": auction.terms, "terms_digest": auction.terms_digest,
        "posted": auction.posted, "public_key": auction.public_key.hex(), "reason": j.reason,
    }  # fmt: skip


@door("GET", "/jobs/<code>/eligibility", out=shape.Eligibility, may=May.BID_SEAL)
def eligibility(code: str) -> shape.Eligibility:
    """Whether the own firm may bid now, every reason why not, and its own acts on this job."""
    me = web.user()
    with web.db().read() as s:
        whole = jobs.job_by_code(s, job_code(code))
        auction = auctions.newest(s, whole.job.id) if whole else None
        if whole is None or auction is None:
            raise refuse("job.unknown", status=404)
        found = checks(s, whole.job, me.org_id, web.now())
        own = auctions.own_bid(s, auction, me.org_id)
    acts = own.versions if own else []
    return shape.Eligibility(
        eligible=all(check.ok for check in found),
        checks=[_check(check.key, check.refusal) for check in found],
        must_confirm=own is not None and own.must_confirm,
        acts=[shape.Act(number=a.number, version=a.version, kind=a.kind, received_at=a.received_at) for a in acts],
    )


def _check(key: str, refusal: Refusal | None) -> shape.Check:
    if refusal is None:
        return shape.Check(check=key, ok=True, code=None, why=None, do=None)
    said = web.said(refusal)[0]
    return shape.Check(check=key, ok=False, code=said.code, why=said.why, do=said.do)


def viewer() -> Viewer:
    """Who reads a result."""
    if g.user is None:
        return Viewer()
    return Viewer(g.user.org_id, g.user.has(Role.OPERATOR) or g.user.has(Role.REGULATOR))


@door("GET", "/jobs/<code>/protocol", out=shape.Protocol, may=PUBLIC)
def protocol(code: str) -> shape.Protocol:
    """The closing protocol, once there is a result. A private job names its losers to its parties alone."""
    who = viewer()
    with web.db().read() as s:
        found = results.protocol(s, job_code(code), who, web.now())
        if found is None:
            raise refuse("job.unknown", status=404)
        if found.phase != "result":
            raise refuse("api.no_result", status=404, closes_at=found.auction.closes_at)
        whole = jobs.job_by_code(s, job_code(code))
        if whole is None:
            abort(404)
    return shape.Protocol(**_result(found, whole, who), **_said(found))


def _result(p: results.Protocol, whole: jobs.Whole, who: Viewer) -> dict[str, Any]:
    a = p.auction
    return {
        "job": p.job.code, "auction": a.id, "round": a.round, "state": p.job.stage if p.running is None else a.state,
        "owner": shape.Party(uscc=whole.owner.uscc, name=whole.owner.name), "closes_at": a.closes_at,
        "claimed_at": a.claimed_at, "decided_at": a.decided_at, "reason": a.reason, "baseline": p.job.baseline_fen,
        "terms_digest": a.terms_digest, "commitment": a.commitment, "seed": a.seed,
        "running": p.running.id if p.running else None, "case": case(a, who.office),
        "failed_rounds": [shape.Round(auction=f.id, closes_at=f.closes_at, reason=f.reason) for f in p.failed],
    }  # fmt: skip


def _named(name: str, bidder: str) -> str | None:
    return None if name == bidder else name


def _said(p: results.Protocol) -> dict[str, Any]:
    return {
        "bids": [
            shape.Valid(
                rank=r.rank, bidder=r.bidder, name=_named(r.name, r.bidder), amount=r.amount, days=r.days,
                received_at=r.received_at, receipt=r.number, digest=r.digest, intact=r.intact, struck=r.struck,
            )
            for r in p.rows
        ],
        "exclusions": [
            shape.Exclusion(
                bidder=o.bidder, name=_named(o.name, o.bidder), code=o.code, opened=o.opened,
                partners=[shape.Partner(name=name, kinds=kinds) for name, kinds in o.partners],
            )
            for o in p.outs
        ],
        "ties": [[shape.Drawn(name=name, key=key) for name, key in tie.members] for tie in p.ties],
        "awards": [
            shape.Award(
                firm=firm, bidder=a.bidder, rank=a.rank, amount=a.amount, days=a.days, state=a.state,
                proposed_at=a.proposed_at, standstill_ends=a.standstill_ends, stands_at=a.stands_at,
                ended_at=a.ended_at, reason=a.reason,
            )
            for a, firm in p.awards
        ],
        "objections": [
            shape.Objection(
                by=by, ground=o.ground, filed_at=o.filed_at, answered_at=o.answered_at, upheld=o.upheld
            )
            for o, by in p.objections
        ],
    }  # fmt: skip


CODE_PATTERN: Final = f"^{_CODE.pattern}$"
