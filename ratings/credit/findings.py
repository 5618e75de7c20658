"""Findings of an authority (监管认定): entered with source and article, shown after the firm's right of reply.

An authority's finding never suspends by itself: it may propose a suspension, which an operator decides (decisions.md,
Who may), with reason, end and appeal, through market.admission.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.models import FirmProfile
from market.admission.rules import SUSPENSION_MAX, midnight
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused, refuse
from market.identity.models import Organisation
from market.identity.rules import User
from market.moments import beijing_day
from market.notices.service import notify
from ratings.credit.models import CreditFact
from ratings.credit.rules import SEVERITIES, Kind
from ratings.credit.service import end_fact, record_fact
from ratings.credit.weights import weights_on

TEXT_MAX = REPLY_MAX = 1000
REASON_MAX = 500
PASSED = 0
"""The severity of an inspection without a finding: a good fact."""
KINDS = (Kind.FINDING, Kind.INSPECTION_PASSED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a regulator enters. `severity`: 1 minor, 2 serious, 3 grave; 0 an inspection that was passed.

    `source`: the authority; `number`: of its document; days are days in Beijing, `expires_on` the last one it counts.
    `suspend_until`: the first day on which the firm might bid again, where a suspension is proposed.
    """

    severity: int
    source: str
    number: str
    article: str
    text: str
    happened_on: date
    expires_on: date
    suspend_until: date | None = None

    @property
    def kind(self) -> Kind:
        """Good or bad."""
        return Kind.INSPECTION_PASSED if self.severity == PASSED else Kind.FINDING


def finding_faults(finding: Finding, now: datetime) -> list[Refusal]:
    """What is wrong with a finding, at its fields."""
    today = beijing_day(now)
    faults = []
    if finding.severity not in (PASSED, *SEVERITIES):
        faults.append(Refusal("finding.severity", "severity"))
    for name, most in (("source", 200), ("number", 80), ("article", 200), ("text", TEXT_MAX)):
        if not 1 <= len(getattr(finding, name).strip()) <= most:
            faults.append(Refusal("finding.words", name, {"most": most}))
    faults += _day_faults(finding, weights_on(now).kinds[finding.kind].days, today)
    until, last = finding.suspend_until, beijing_day(now + SUSPENSION_MAX)
    if until is not None and (not today < until <= last or finding.severity == PASSED):
        faults.append(Refusal("finding.suspend", "suspend_until", {"last": last}))
    return faults


def _day_faults(finding: Finding, most: int, today: date) -> list[Refusal]:
    """The day of a finding lies within the time such a one counts (`most` days), and its expiry ahead and within it."""
    oldest = today - timedelta(days=most - 1)
    if not oldest <= finding.happened_on <= today:
        return [Refusal("finding.day", "happened_on", {"first": oldest, "last": today})]
    last = finding.happened_on + timedelta(days=most)
    if not today < finding.expires_on <= last:
        return [Refusal("finding.expiry", "expires_on", {"first": today + timedelta(days=1), "last": last})]
    return []


def reply_ends(s: Session, now: datetime) -> datetime:
    """Until when a firm may reply to a finding entered now, and from when that shows and counts."""
    days = int(catalogue.city_rules_on(s, now)["finding_reply_wd"])
    return catalogue.calendar(s).end_of_period(now, days)


def record_finding(s: Session, uscc: str, finding: Finding, by: User, now: datetime) -> CreditFact:
    """Enter a finding about an admitted firm and tell it; it shows and counts when the right of reply is over.

    Raises Refused: 404 no such firm, 409 this document is entered already, 422 a fault of the finding.
    """
    found = select(Organisation).join(FirmProfile, FirmProfile.org_id == Organisation.id)
    org = s.scalars(found.where(Organisation.uscc == uscc)).first()
    if org is None:
        raise refuse("finding.firm", "uscc", status=404)
    faults = finding_faults(finding, now)
    if faults:
        raise Refused(*faults)
    number = finding.number.strip()
    once = f"finding:{org.id}:{number}"
    known = s.scalars(select(CreditFact).where(CreditFact.once == once)).first()
    if known is not None:
        raise refuse("finding.twice", "number", status=409, number=number)
    shows = reply_ends(s, now)
    until = finding.suspend_until.isoformat() if finding.suspend_until else None
    row = record_fact(
        s, org.id, finding.kind, number, midnight(finding.happened_on), finding.source.strip(), now, once,
        values={"severity": finding.severity, "suspend_until": until}, document=number, text=finding.text.strip(),
        by=by.id, expires_at=midnight(finding.expires_on + timedelta(days=1)), article=finding.article.strip(),
        shows_at=shows,
    )  # fmt: skip
    link = f"/my/findings/{row.id}"
    told: dict[str, Any] = {"number": number, "source": row.source, "until": shows.isoformat()}
    notify(s, now, "finding.recorded", org=org.id, link=link, once=f"finding:{row.id}", **told)
    if until is not None:
        told |= {"firm": org.name, "end": until}
        notify(s, now, "finding.suspend", office="operator", link=f"/operator/firms/{uscc}/suspend", mail=False, **told)
    return row


def _finding(s: Session, fact_id: int) -> CreditFact:
    row = s.get(CreditFact, fact_id, with_for_update=True)
    if row is None or row.kind not in KINDS:
        raise refuse("finding.unknown", status=404)
    return row


def reply_finding(s: Session, fact_id: int, text: str, by: User, now: datetime) -> None:
    """The firm replies, once, before the finding shows; the reply is published with it.

    Raises Refused: 404 another firm's finding, 409 too late, replied or withdrawn already, 422 no or long text.
    """
    row = _finding(s, fact_id)
    if row.org_id != by.org_id:
        raise refuse("finding.unknown", status=404)
    if row.ended_at is not None:
        raise refuse("finding.ended", status=409, at=row.ended_at)
    if row.replied_at is not None:
        raise refuse("finding.replied", status=409, at=row.replied_at)
    if row.shows_at is None or now > row.shows_at:
        raise refuse("finding.reply_late", status=409, until=row.shows_at)
    words = text.strip()
    if not 1 <= len(words) <= REPLY_MAX:
        raise refuse("finding.reply", "text", most=REPLY_MAX)
    row.reply, row.replied_at = words, now
    record(s, Deed.CREDIT_FACT_REPLIED, now, by.actor, f"org:{row.org_id}", f"fact:{row.id}", fact=row.id)
    org = s.get_one(Organisation, row.org_id)
    link = f"/regulator/findings/{row.id}"
    notify(s, now, "finding.replied", office="regulator", link=link, mail=False, firm=org.name, number=row.document)


def withdraw_finding(s: Session, fact_id: int, reason: str, by: User, now: datetime) -> None:
    """The regulator takes a finding back, with a reason. One that never showed is never shown; one that did stays in
    the list as withdrawn. Earlier scores do not move.

    Raises Refused: 404 unknown, 409 ended already, 422 no reason.
    """
    row = _finding(s, fact_id)
    words = reason.strip()
    if row.ended_at is not None:
        raise refuse("finding.ended", status=409, at=row.ended_at)
    if not 1 <= len(words) <= REASON_MAX:
        raise refuse("finding.reason", "reason", most=REASON_MAX)
    end_fact(s, row, words, by.actor, now)
    link = f"/my/findings/{row.id}"
    notify(s, now, "finding.withdrawn", org=row.org_id, link=link, number=row.document, reason=words)
