"""What follows a decision in the sample city: low prices explained, objections, complaints."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from bidding.awards.protocol import awards_of
from bidding.awards.service import (
    answer_objection,
    complain,
    decide_complaint,
    explain_price,
    judge_explanation,
    object_to,
)
from portal.sample import texts
from portal.sample.days import Days
from portal.sample.entering import People, Queue
from portal.sample.jobs import Job, Objected

DECIDED_AFTER = 6
"""Working days the regulator takes for a complaint."""


class Disputes:
    """Queues what the parties do after a decision; what is left waiting when the history ends stays waiting."""

    def __init__(self, people: People, days: Days, queue: Queue, stands: Callable[[datetime], None]) -> None:
        self._people, self._days, self._queue, self._stands = people, days, queue, stands

    def follow(self, s: Any, job: Job, auction: Any, now: datetime) -> None:
        """Look at the newest award of a decided auction: it is explained, objected to, or nothing happens."""
        award = self.newest(s, job, auction.id, now)
        if award is None or award.state == "explaining":
            return
        if job.objected is not None and len(auction.outcome["ranking"]) > 1:
            loser = auction.outcome["ranking"][1]["bidder"]
            org = next(int(bid["org"]) for bid in auction.opened if bid["bidder"] == loser)
            at = self._days.later(now, 1, 11.1)
            self._queue(at, partial(self._objects, award=award.id, auction=auction.id, org=org, job=job))

    def newest(self, s: Any, job: Job, auction: str, now: datetime) -> Any:
        """The newest award; a firm that must explain its price does so on the next working day, others wait."""
        found = awards_of(s, auction)
        award = found[-1][0] if found else None
        if award is not None and award.state == "proposed" and award.due_at is not None:
            self._stands(award.due_at)
        if award is not None and award.state == "explaining":
            firm = self._person_of(award.org_id)
            self._queue(self._days.later(now, 1, 10.6), partial(self._explains, award=award, firm=firm, job=job))
        return award

    def _person_of(self, org: int) -> Any:
        return next(user for user in self._people.firms.values() if user.org_id == org)

    def _explains(self, s: Any, now: datetime, award: Any, firm: Any, job: Job) -> None:
        explain_price(s, award.id, firm.org_id, texts.EXPLANATION, firm.actor, now)
        self._queue(
            self._days.later(now, 1, 15.2), partial(self._judges, award=award.id, auction=award.auction_id, job=job)
        )

    def _judges(self, s: Any, now: datetime, award: int, auction: str, job: Job) -> None:
        owner = self._people.owners[job.project.owner.n]
        judge_explanation(s, award, owner.org_id, True, texts.ACCEPTED, owner.actor, now)
        self.newest(s, job, auction, now)

    def _objects(self, s: Any, now: datetime, award: int, auction: str, org: int, job: Job) -> None:
        said, firm = job.objected, self._person_of(org)
        if said is None:
            return
        row = object_to(s, award, org, said.ground, said.text, firm.actor, now)
        if not said.answered:
            return
        at = self._days.later(now, 2 if said.complains else 1, 15.6)
        self._queue(at, partial(self._answers, objection=row.id, auction=auction, firm=firm, job=job, said=said))

    def _answers(
        self, s: Any, now: datetime, objection: int, auction: str, firm: Any, job: Job, said: Objected
    ) -> None:
        owner = self._people.owners[job.project.owner.n]
        words = texts.UPHELD if said.upheld else texts.REFUSED
        answer_objection(s, objection, owner.org_id, said.upheld, words, owner.actor, now)
        self.newest(s, job, auction, now)
        if said.complains:
            self._queue(self._days.later(now, 1, 9.8), partial(self._complains, auction=auction, firm=firm, said=said))

    def _complains(self, s: Any, now: datetime, auction: str, firm: Any, said: Objected) -> None:
        row = complain(s, auction, firm.org_id, said.ground, texts.COMPLAINT, firm.actor, now)
        self._queue(self._days.later(now, DECIDED_AFTER, 16.0), partial(self._decides, complaint=row.id))

    def _decides(self, s: Any, now: datetime, complaint: int) -> None:
        decide_complaint(s, complaint, False, texts.DECISION, self._people.regulator.id, now)
