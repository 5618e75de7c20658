"""Rows that lie in what the jobs rest on: a winner's certificate that runs out, a baseline made too high; and the rows
that come only after the award."""

from collections.abc import Callable
from dataclasses import replace

from portal.sample.days import instant
from portal.sample.firms import Firm
from portal.sample.jobs import Job
from portal.sample.measuring import inflated as measured_too_high
from portal.sample.papers import Paper
from portal.sample.planted.base import Planting, Scheme, held

RENEWED = 12
"""Working days after T until the firm has a certificate again."""


def expired(p: Planting, many: int) -> Scheme:
    """The winner's certificate is good through the day of T, as the rule asks, and over when the award stands."""
    mine: list[int] = []
    winners: list[int] = []
    for i in p.rng.sample(p.free, len(p.free)):
        if len(mine) == p.size(many):
            break
        job = p.jobs[i]
        if not job.service.qualification or not held(job):
            continue
        firm = p.firms[min(job.rounds[0], key=lambda o: o.amount).firm]
        papers = _lapsing(p, i, firm)
        if firm.n in winners or papers is None:
            continue
        firm.papers = papers
        mine.append(i)
        winners.append(firm.n)
    return p.take("expired", mine, winners)


def _lapsing(p: Planting, i: int, firm: Firm) -> list[Paper] | None:
    """The firm's certificates with the one of this job ending on the day of T, and a new one two weeks later.

    None where another bid of the firm would fall into the gap, or where the one was renewed already.
    """
    name, end = p.jobs[i].service.qualification, p.ends(i)
    held_ = [paper for paper in firm.papers if paper.name == name]
    again = p.days.work[min(end + RENEWED, p.days.now - 1)]
    last = p.days.work[end]
    if len(held_) != 1 or held_[0].entered_at is not None or not held_[0].issued < last < again < held_[0].expires:
        return None
    old = held_[0]
    first = replace(old, expires=last, until=last)
    checked = instant(again, 15.5)
    fresh = Paper(
        name, old.level, f"{old.number.removesuffix('-1')}-2", again, old.expires, instant(again, 9.6), checked,
        old.expires,
    )  # fmt: skip
    papers = [paper for paper in firm.papers if paper.name != name] + [first, fresh]
    changed = replace(firm, papers=papers)
    for k, job in enumerate(p.jobs):
        if any(offer.firm == firm.n for offers in job.rounds for offer in offers) and job.service.qualification == name:
            slot = job.slot
            if len(job.rounds) > 1 or not changed.able(job.service.category, name, slot.posted_at, slot.closes_at):
                return None
        if k != i and any(asked.firm == firm.n for asked in job.asked) and job.service.qualification == name:
            return None
    return papers


def inflated(p: Planting, many: int) -> Scheme:
    """The baseline rests on coefficients and a scale that the project does not have: its saving is false."""
    mine: list[int] = []
    for i in p.rng.sample(p.free, len(p.free)):
        job = p.jobs[i]
        measured = measured_too_high(job.project, job.service, job.measured) if held(job) else None
        if measured is not None and measured.evidence:
            p.jobs[i] = replace(job, measured=measured)
            mine.append(i)
        if len(mine) == p.size(many):
            break
    return p.take("inflated", mine, [])


def after_award(p: Planting, row: str, many: int, fits: Callable[[Job], bool]) -> Scheme:
    """Jobs whose bids stay as they are: what is planted comes after the award."""
    left = [i for i in p.free if held(p.jobs[i]) and fits(p.jobs[i])]
    mine = p.rng.sample(left, min(p.size(many), len(left)))
    return p.take(row, mine, [min(p.jobs[i].rounds[0], key=lambda o: o.amount).firm for i in mine])
