"""The history of the sample city: one queue by time, run through the market's own services with a shifted clock.

One transaction a day that has something in it (decisions.md, Sample city, first issue). The keeper works in this
process on its own store, with the same clock.
"""

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bidding.auctions.service import BidAct, ReceiptKey, publish_job, receipt_key, seal_bid
from bidding.awards.service import settle_next, stand_next
from bidding.closing.service import claim_next, rerun_next
from bidding.matching.service import answer_invitation
from bidding.sealing.client import KeeperPort
from market.admission.standing import warn_expiring
from market.audit.sequencer import BATCH, place
from market.batch import batch
from market.clock import FixedClock
from market.contracts.service import warn_late_next
from market.db import Database
from market.identity.service import set_fact
from market.jobs.service import (
    answer_question,
    approve_coefficients,
    ask_question,
    invite,
    recuse,
    save_step,
    start_draft,
    submit,
)
from market.moments import BEIJING
from market.notices.service import read_before
from oversight.indicators.service import run as judge_all
from portal.sample.authority import Authority
from portal.sample.bids import Offer
from portal.sample.days import instant
from portal.sample.delivery import Delivery
from portal.sample.disputes import Disputes
from portal.sample.drafts import Draft, fields_of, posting
from portal.sample.entering import Entering
from portal.sample.invitations import Answer, answers
from portal.sample.jobs import Asked, Job
from portal.sample.plan import Plan

Deed = Callable[[Any, datetime], None]
CITY_DRAIN = timedelta(seconds=10)
MOMENT = timedelta(seconds=1)
LOOKED_AT = timedelta(days=7)
"""Notices older than this were read."""
FACT = "sample"


class History:
    """Runs a plan. `run` gives the days as they are done, for a progress bar."""

    def __init__(self, plan: Plan, entering: Entering, db: Database, clock: FixedClock, keeper: KeeperPort) -> None:
        self.plan, self.entering, self.people = plan, entering, entering.people
        self.db, self.clock, self.keeper = db, clock, keeper
        self.ends = instant(plan.days.today, 0)
        self.disputes = Disputes(self.people, plan.days, self.queue, self.stands_after)
        self.delivery = Delivery(self.people, plan.days, self.queue, plan.fates, self.disputes.newest)
        self.authority = Authority(plan, self.people, self.queue)
        self._evenings: set[datetime] = set()
        self._running: dict[int, tuple[Job, str]] = {}
        self._coded: dict[str, tuple[Job, int]] = {}
        self._heap: list[tuple[datetime, int, Deed]] = []
        self._count = 0
        self._key: ReceiptKey | None = None

    def queue(self, at: datetime, deed: Deed) -> None:
        """Have something done at an instant; what lies after the history never happens."""
        if at < self.ends:
            self._count += 1
            heapq.heappush(self._heap, (max(at, self.clock.at), self._count, deed))

    def run(self, words: str) -> Iterator[datetime]:
        """Everything, a day at a time; yields the day that is done."""
        self._begin(words)
        done = 0
        while self._heap:
            day = self._heap[0][0].astimezone(BEIJING).date()
            with batch(self.db) as s:
                while self._heap and self._heap[0][0].astimezone(BEIJING).date() == day:
                    at, _, deed = heapq.heappop(self._heap)
                    self.clock.at = at
                    deed(s, at)
            done += 1
            if done % 20 == 0:
                self._place()
            yield self.clock.at
        self._end()

    @property
    def codes(self) -> dict[str, str]:
        """The code of every published job, by its title."""
        return {job.title: code for code, (job, _) in self._coded.items()}

    def _begin(self, words: str) -> None:
        with batch(self.db) as s:
            set_fact(s, FACT, {"state": "loading"})
            self.entering.offices(s, self.clock.at, words)
            self.entering.owners(s, self.clock.at)
            self._key = receipt_key(s)
        self.entering.queue(self.queue)
        self.authority.queue()
        for job in self.plan.jobs:
            self.queue(job.slot.sent_at, partial(self._sends, job=job))
        for n, draft in enumerate(self.plan.drafts):
            self.queue(self.plan.days.sooner(self.ends, n + 1, 10.5 + n), partial(self._drafts, draft=draft))

    def _end(self) -> None:
        """The last marks, in one transaction with the fact that all of it is there."""
        self.clock.at = self.ends
        self._place()
        with batch(self.db) as s:
            warn_expiring(s, self.clock.at)
            while warn_late_next(s, self.clock.at) is not None:
                pass
            read_before(s, self.ends - LOOKED_AT)
            judge_all(s, self.clock.at)
            set_fact(s, FACT, {"state": "loaded", "today": self.plan.days.today.isoformat()})
        self._place()

    def _place(self) -> None:
        """Give the records of the days behind their places in the log."""
        pad: int | None = None
        while True:
            with self.db.write() as s:
                if place(s, pad) < BATCH:
                    return
            pad = 0

    def stands_after(self, due: datetime) -> None:
        """Let what is due stand a moment after an award's waiting time; one look is enough for all of an evening."""
        if due not in self._evenings:
            self._evenings.add(due)
            self.queue(due + MOMENT, self._evening)

    def _evening(self, s: Any, now: datetime) -> None:
        while (award := stand_next(s, now)) is not None:
            job, id_ = self._coded[award.auction_id.rsplit("-", 1)[0]]
            firm = next(user for user in self.people.firms.values() if user.org_id == award.org_id)
            self.delivery.follow(s, job, id_, firm, now)

    # ── a job ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _sends(self, s: Any, now: datetime, job: Job) -> None:
        """The owner writes the job down, names firms to keep out and to invite, and sends it in."""
        by = self.people.owners[job.project.owner.n]
        draft = start_draft(s, by, now)
        if job.slot.waits or job.urgency:
            for step, fields in fields_of(job).items():
                save_step(s, draft.id, step, fields, by, now)
        for firm, reason, note in job.recused:
            recuse(s, draft.id, self.people.firms[firm].org_id, reason, note, by, now)
        for firm in job.invited:
            invite(s, draft.id, self.people.firms[firm].org_id, by, now)
        row = submit(s, draft.id, posting(job), by, now)
        if not job.slot.waits:
            self.queue(job.slot.posted_at, partial(self._publishes, job=job, id_=row.id, code=row.code or ""))

    def _drafts(self, s: Any, now: datetime, draft: Draft) -> None:
        by = self.people.owners[self.plan.roles.owner]
        row = start_draft(s, by, now)
        for step, fields in draft.steps.items():
            save_step(s, row.id, step, fields, by, now)

    def _publishes(self, s: Any, now: datetime, job: Job, id_: int, code: str) -> None:
        """The operator looks at it, nods to coefficients that raise the baseline, and publishes."""
        if job.measured.evidence:
            approve_coefficients(s, id_, self.people.operator, now)
        auction = publish_job(s, id_, self.people.operator.actor, now, self.keeper)
        self._running[id_], self._coded[code] = (job, code), (job, id_)
        self._opens(job, code, 0, auction.opens_at, auction.closes_at)
        for one in answers(job):
            at = job.slot.bid_at(one.when, auction.opens_at, auction.closes_at)
            self.queue(at, partial(self._replies, id_=id_, veil=auction.id, one=one))
        until = self.plan.days.sooner(auction.closes_at, 2, 17.0)
        for asked in job.asked:
            if now < until:
                self.queue(now + (until - now) * asked.when, partial(self._asks, job=job, id_=id_, asked=asked))

    def _opens(self, job: Job, code: str, round_: int, opens: datetime, closes: datetime) -> None:
        """Bids come in, and after T the auction is closed."""
        for offer in job.rounds[round_] if round_ < len(job.rounds) else ():
            at = job.slot.bid_at(offer.when, opens, closes)
            self.queue(at, partial(self._bids, code=code, offer=offer))
        self.queue(closes + CITY_DRAIN, partial(self._closes, code=code))

    def _bids(self, s: Any, now: datetime, code: str, offer: Offer) -> None:
        user = self.people.firms[offer.firm]
        act = BidAct(
            job=code, org_id=user.org_id, person_id=user.id, received_at=now, amount=offer.amount, days=offer.days,
            lead_id=self.people.leads[offer.firm][offer.lead],
        )  # fmt: skip
        if self._key is not None:
            seal_bid(s, act, self._key)

    def _closes(self, s: Any, now: datetime, code: str) -> None:
        """What the scheduler does with a due auction; several may be due at one T, so it need not be this job's."""
        claimed = claim_next(s, now)
        if claimed is None:
            raise RuntimeError(f"{code} was due, and nothing was claimed.")
        settled = settle_next(s, now, self.keeper) if claimed.state == "closing" else None
        if settled is not None and settled.state == "decided":
            self.disputes.follow(s, self._running[settled.job_id][0], settled, now)
        again = rerun_next(s, now, self.keeper) if claimed.state == "failed" else None
        if again is not None:
            mine, its = self._running[again.job_id]
            self._opens(mine, its, again.round - 1, again.opens_at, again.closes_at)

    def _replies(self, s: Any, now: datetime, id_: int, veil: str, one: Answer) -> None:
        """An invited firm accepts or declines."""
        by = self.people.firms[one.firm]
        answer_invitation(s, id_, not one.reason, one.reason, one.note, by, now, veil)

    def _asks(self, s: Any, now: datetime, job: Job, id_: int, asked: Asked) -> None:
        question = ask_question(s, id_, asked.text, self.people.firms[asked.firm], now)
        if asked.answer is not None:
            at = min(now + timedelta(hours=20), job.slot.closes_at - timedelta(hours=1))
            self.queue(at, partial(self._answers, job=job, id_=question.id, text=asked.answer))

    def _answers(self, s: Any, now: datetime, job: Job, id_: int, text: str) -> None:
        answer_question(s, id_, text, self.people.owners[job.project.owner.n], now)
