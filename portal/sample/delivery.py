"""What follows an award that stands: its contract is confirmed, delivered, accepted and reviewed by the services."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bidding.awards.service import confirm_contract, refuse_contract
from market.contracts.folder import of_job
from market.contracts.service import (
    Planned,
    answer_change,
    answer_pause,
    complete_inputs,
    deliver,
    end_pause,
    judge,
    propose_change,
    propose_pause,
    set_milestones,
    terminate,
)
from market.identity.queries import platform_key
from portal.sample import texts
from portal.sample.days import Days
from portal.sample.entering import People, Queue
from portal.sample.fates import Fate, Said
from portal.sample.jobs import Job
from portal.sample.paying import Paying
from ratings.reviews.rules import Scores
from ratings.reviews.service import end_of_blindness, give_review, reply, show_due_next

MOMENT = timedelta(seconds=1)


class Deal:
    """A contract on its way: who acts for its sides and what is to become of it."""

    def __init__(self, contract: Any, owner: Any, firm: Any, fate: Fate) -> None:
        self.id, self.job, self.code = contract.id, contract.job_id, contract.code
        self.amount, self.days = contract.amount, contract.days
        self.owner, self.firm, self.fate = owner, firm, fate
        many = min(len(fate.shares), self.days, self.amount)
        self.shares = fate.shares if many == len(fate.shares) else (10_000,)
        self.starts = contract.opened_at


class Delivery:
    """Queues what both parties do with a contract; what lies after the history waits for whoever signs in.

    `again` follows the award of the next in order where a firm would not sign.
    """

    def __init__(
        self, people: People, days: Days, queue: Queue, fates: dict[str, Fate],
        again: Callable[[Any, Job, str, datetime], object],
    ) -> None:  # fmt: skip
        self._people, self._days, self._queue, self._fates, self._again = people, days, queue, fates, again
        self._refused: set[str] = set()
        self._paying = Paying(days, queue)

    def follow(self, s: Any, job: Job, job_id: int, firm: Any, now: datetime) -> None:
        """A new contract was opened for a job: both sides will confirm it."""
        contract, fate = of_job(s, job_id), self._fates.get(job.title)
        if contract is None or fate is None:
            return
        deal = Deal(contract, self._people.owners[job.project.owner.n], firm, fate)
        if fate.refuses and job.title not in self._refused:
            self._refused.add(job.title)
            self._queue(self._days.later(now, 2, 11.7), partial(self._refuses, deal=deal, job=job))
            return
        if len(deal.shares) > 1:
            self._queue(now + timedelta(minutes=40), partial(self._plans, deal=deal))
        sides = zip((deal.owner, deal.firm), fate.confirms, (10.2, 14.6), strict=True)
        for by, after, hour in sides:
            self._queue(self._days.later(now, after, hour), partial(self._confirms, deal=deal, by=by))

    def _refuses(self, s: Any, now: datetime, deal: Deal, job: Job) -> None:
        """The winner will not sign; the next in order is proposed."""
        award = refuse_contract(s, deal.id, texts.WILL_NOT, deal.firm, now)
        if award is not None:
            self._again(s, job, award.auction_id, now)

    def _ends(self, s: Any, now: datetime, deal: Deal) -> None:
        terminate(s, deal.id, texts.ENDED, deal.owner, now)

    def _plans(self, s: Any, now: datetime, deal: Deal) -> None:
        set_milestones(s, deal.id, planned(deal.shares, deal.days), deal.owner, now)

    def _confirms(self, s: Any, now: datetime, deal: Deal, by: Any) -> None:
        made = confirm_contract(s, deal.id, by, now, platform_key(s, "receipt").secret)
        if made.signed_at is None:
            return
        self._paying.account(s, deal, now)
        inputs = deal.fate.inputs
        at = now + timedelta(minutes=50) if inputs == 0 else self._days.later(now, inputs, 9.4)
        self._queue(at, partial(self._begins, deal=deal))

    def _begins(self, s: Any, now: datetime, deal: Deal) -> None:
        """The firm has all papers: from here the days count."""
        complete_inputs(s, deal.id, deal.firm, now)
        deal.starts, fate = now, deal.fate
        if fate.ends is not None:
            self._queue(self._days.later(now, fate.ends, 16.3), partial(self._ends, deal=deal))
            return
        if fate.pause is not None:
            at = now + MOMENT * 600 if fate.pause[0] == 0 else self._days.later(now, fate.pause[0], 9.1)
            self._queue(at, partial(self._pauses, deal=deal, long=fate.pause[1]))
        for n, share in enumerate(fate.changes):
            step = max(1, fate.used * (n + 1) // (len(fate.changes) + 1))
            self._queue(self._at(deal, step, 9.3 + n), partial(self._changes, deal=deal, share=share))
        done = 0
        for no, share in enumerate(deal.shares, 1):
            done += share
            place = max(1, round(fate.used * done / 10_000))
            if fate.returned == no - 1 and place > 3:
                self._queue(self._at(deal, place - 3, 10.5), partial(self._returned, deal=deal, no=no))
            self._queue(self._at(deal, place, 14.0 + no * 0.4), partial(self._delivers, deal=deal, no=no))

    def _at(self, deal: Deal, place: int, hour: float) -> datetime:
        """The counted day of that number; what comes after the pause is moved by it."""
        pause = deal.fate.pause
        moved = place + pause[1] if pause is not None and place > pause[0] else place
        return self._days.later(deal.starts, moved, hour)

    # ── pauses, changes ─────────────────────────────────────────────────────────────────────────────────────────

    def _pauses(self, s: Any, now: datetime, deal: Deal, long: int) -> None:
        made = propose_pause(s, deal.id, "owner", texts.PAUSE, now, None, deal.firm, now)
        self._queue(now + timedelta(hours=2), partial(self._agrees, deal=deal, pause=made.id))
        self._queue(self._days.later(now, long, 16.5), partial(self._resumes, deal=deal, pause=made.id))

    def _agrees(self, s: Any, now: datetime, deal: Deal, pause: int) -> None:
        answer_pause(s, pause, True, deal.owner, now)

    def _resumes(self, s: Any, now: datetime, deal: Deal, pause: int) -> None:
        end_pause(s, pause, deal.owner, now)

    def _changes(self, s: Any, now: datetime, deal: Deal, share: float) -> None:
        """The work has grown; `share` of the award is added to it in all."""
        total = deal.amount + int(deal.amount * share)
        if total == deal.amount:
            return
        made = propose_change(s, deal.id, total, deal.days, texts.SCOPE, texts.CHANGE, None, deal.firm, now)
        self._queue(now + timedelta(minutes=45), partial(self._consents, deal=deal, change=made.id))

    def _consents(self, s: Any, now: datetime, deal: Deal, change: int) -> None:
        answer_change(s, change, True, texts.CONSENT, deal.owner, now)

    # ── delivery ────────────────────────────────────────────────────────────────────────────────────────────────

    def _returned(self, s: Any, now: datetime, deal: Deal, no: int) -> None:
        made = deliver(s, deal.id, no, None, texts.DELIVERED, deal.firm, now)
        at = self._days.later(now, 1, 11.2)
        self._queue(at, partial(self._judges, deal=deal, no=no, deliverable=made.id, accept=False))

    def _delivers(self, s: Any, now: datetime, deal: Deal, no: int) -> None:
        made = deliver(s, deal.id, no, None, texts.DELIVERED, deal.firm, now)
        at = self._days.later(now, deal.fate.judged, 10.8 + no * 0.1)
        self._queue(at, partial(self._judges, deal=deal, no=no, deliverable=made.id, accept=True))

    def _judges(self, s: Any, now: datetime, deal: Deal, no: int, deliverable: int, accept: bool) -> None:
        judge(s, deliverable, accept, "" if accept else texts.RETURNED, deal.owner, now)
        if accept:
            self._paying.follow(s, deal, no, deal.fate.money[no - 1], now)
        contract = self._paying.contract(s, deal)
        if contract is not None and contract.accepted_at is not None:
            self._finished(s, deal, contract, now)

    # ── reviews ─────────────────────────────────────────────────────────────────────────────────────────────────

    def _finished(self, s: Any, deal: Deal, contract: Any, now: datetime) -> None:
        sides = ((deal.owner, deal.fate.owner_says, 15.1), (deal.firm, deal.fate.firm_says, 16.2))
        for by, said, hour in sides:
            if said is not None:
                self._queue(
                    self._days.later(now, said.after, hour), partial(self._reviews, deal=deal, by=by, said=said)
                )
        until = end_of_blindness(s, contract)
        if until is not None:
            self._queue(until + MOMENT, self._shows)

    def _reviews(self, s: Any, now: datetime, deal: Deal, by: Any, said: Said) -> None:
        contract = self._paying.contract(s, deal)
        until = None if contract is None else end_of_blindness(s, contract)
        if until is None or now >= until:  # long holidays may outlast the blind days
            return
        words = texts.REVIEWS[sum(said.scores) // 5]
        row = give_review(s, deal.id, Scores(*said.scores), words, by, now)
        if said.reply:
            other = deal.firm if by is deal.owner else deal.owner
            at = self._days.later(until, 1, 9.9)
            self._queue(at, partial(self._replies, review=row.id, by=other))

    def _replies(self, s: Any, now: datetime, review: int, by: Any) -> None:
        reply(s, review, texts.REPLY, by, now)

    def _shows(self, s: Any, now: datetime) -> None:
        while show_due_next(s, now) is not None:
            pass


def planned(shares: Sequence[int], days: int) -> list[Planned]:
    """Milestones with rising due days, the last on the contract's own."""
    found, done, last = [], 0, 0
    for no, share in enumerate(shares, 1):
        done += share
        left = len(shares) - no
        last = days if left == 0 else min(days - left, max(last + 1, days * done // 10_000))
        found.append(Planned(texts.MILESTONES[len(shares)][no - 1], share, last))
    return found
