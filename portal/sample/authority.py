"""What authorities find about firms in the sample: findings with a reply, inspections passed, and repair of credit."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from market.moments import beijing_day
from portal.sample import texts
from portal.sample.days import instant
from portal.sample.entering import People, Queue
from portal.sample.firms import Firm
from portal.sample.luck import SEED, luck
from portal.sample.plan import Plan
from ratings.credit.findings import Finding, record_finding, reply_finding
from ratings.credit.repairs import ask_repair, decide_repair

FOUND, PASSED = 8, 6
"""Findings and inspections without one, in a whole city."""
COUNTS = timedelta(days=365)
RECENT, OLDEST = 8, 160
"""Working days before today in which authorities come."""
SHOWN = 7
"""Working days until a finding shows, a little more than the right of reply."""


class Authority:
    """Queues what a regulator enters and what firms say to it; the last request for repair waits for a decision."""

    def __init__(self, plan: Plan, people: People, queue: Queue) -> None:
        self._plan, self._people, self._later = plan, people, queue

    def queue(self) -> None:
        """Draw the firms and days, spread over the last months."""
        rng, days = luck(SEED, "authority"), self._plan.days
        share = len(self._plan.firms) / 802
        found, passed = (max(2, round(many * share)) for many in (FOUND, PASSED))
        able = [f for f in self._plan.firms[:-2] if f.admitted_at.date() < days.ago(OLDEST + 20)]
        for n, firm in enumerate(rng.sample(able, min(found + passed, len(able)))):
            at = instant(days.ago(RECENT + (OLDEST - RECENT) * (n + 1) // (found + passed)), 15.0)
            one = _finding(n, at) if n < found else _clean(n, at)
            self._later(at, partial(self._enters, firm=firm, one=one, replies=n % 2 == 0, repairs=n % 3 != 2, no=n))

    def _enters(self, s: Any, now: datetime, firm: Firm, one: Finding, replies: bool, repairs: bool, no: int) -> None:
        row = record_finding(s, firm.uscc, one, self._people.regulator, now)
        if one.severity == 0:
            return
        user, days = self._people.firms[firm.n], self._plan.days
        if replies:
            self._later(days.later(now, 2, 10.4), partial(self._replies, fact=row.id, by=user))
        if repairs:
            self._later(days.later(now, SHOWN + 12, 9.8), partial(self._asks, fact=row.id, by=user, decided=no > 0))

    def _replies(self, s: Any, now: datetime, fact: int, by: Any) -> None:
        reply_finding(s, fact, texts.REPLIED, by, now)

    def _asks(self, s: Any, now: datetime, fact: int, by: Any, decided: bool) -> None:
        row = ask_repair(s, f"fact-{fact}", texts.GROUNDS, None, by, now)
        if decided:
            self._later(self._plan.days.later(now, 6, 15.9), partial(self._decides, repair=row.id))

    def _decides(self, s: Any, now: datetime, repair: int) -> None:
        decide_repair(s, repair, True, texts.REPAIRED, self._people.regulator, now)


def _finding(n: int, at: datetime) -> Finding:
    severity, source, article, text = texts.FINDINGS[n % len(texts.FINDINGS)]
    day = beijing_day(at) - timedelta(days=20)
    return Finding(severity, source, f"澄监〔{day.year}〕{n + 1}号", article, text, day, day + COUNTS)


def _clean(n: int, at: datetime) -> Finding:
    day, source = beijing_day(at) - timedelta(days=6), texts.FINDINGS[n % len(texts.FINDINGS)][1]
    return Finding(
        0, source, f"澄检〔{day.year}〕{n + 1}号", "年度“双随机、一公开”检查", texts.PASSED, day, day + COUNTS
    )
