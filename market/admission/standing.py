"""A firm's standing: suspension with reason, end and appeal, and the warnings before a certificate ends."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission import queries
from market.admission.models import FirmProfile, Qualification, Suspension
from market.admission.rules import SUSPENSION_MAX, WARN_DAYS, expiry_step
from market.audit.rules import Deed
from market.audit.service import record
from market.errors import refuse
from market.identity.models import Organisation
from market.moments import beijing_day
from market.notices.models import Notice
from market.notices.service import index_later, notify

REASON_MAX, APPEAL_MAX = 500, 1000


def suspend(s: Session, org_id: int, reason: str, until: datetime, by: int, now: datetime) -> int:
    """No bids of the firm count from now until `until`, exclusive. One suspension at a time.

    Raises Refused: 404 not an admitted firm, 409 suspended already, 422 no reason, an end in the past or too far.
    """
    org = s.get(Organisation, org_id, with_for_update=True)
    if org is None or s.get(FirmProfile, org_id) is None:
        raise refuse("firm.unknown", status=404)
    if not 1 <= len(reason.strip()) <= REASON_MAX:
        raise refuse("suspension.reason", "reason", most=REASON_MAX)
    if not now < until <= now + SUSPENSION_MAX:
        raise refuse("suspension.until", "until", last=beijing_day(now + SUSPENSION_MAX))
    if queries.standing_today(s, org_id, now):
        raise refuse("suspension.twice", status=409)
    row = Suspension(
        org_id=org_id, reason=reason.strip(), by=by, from_at=now, until_at=until, lifted_at=None, appeal=None,
        appealed_at=None, answer=None, answered_at=None, answered_by=None,
    )  # fmt: skip
    s.add(row)
    s.flush()
    record(
        s, Deed.FIRM_SUSPENDED, now, f"person:{by}", subject=f"org:{org_id}", suspension=row.id, until=until.isoformat()
    )
    notify(
        s, now, "firm.suspended", org=org_id, link=f"/suspensions/{row.id}", reason=row.reason, until=until.isoformat()
    )
    index_later(s, now, "firm", org_id)
    return row.id


def _one(s: Session, id: int) -> Suspension:
    row = s.get(Suspension, id, with_for_update=True)
    if row is None:
        raise refuse("suspension.unknown", status=404)
    return row


def lift(s: Session, id: int, reason: str, by: int, now: datetime) -> None:
    """End a suspension before its time; the operator says why."""
    row = _one(s, id)
    if not reason.strip():
        raise refuse("suspension.reason", "reason", most=REASON_MAX)
    if row.lifted_at is not None or row.until_at <= now:
        raise refuse("suspension.over", status=409)
    _lift(s, row, f"person:{by}", now, reason.strip())


def _lift(s: Session, row: Suspension, actor: str, now: datetime, reason: str) -> None:
    row.lifted_at = now
    record(s, Deed.FIRM_REINSTATED, now, actor, subject=f"org:{row.org_id}", suspension=row.id)
    notify(s, now, "firm.reinstated", org=row.org_id, link="/firm", reason=reason)
    index_later(s, now, "firm", row.org_id)


def appeal(s: Session, org_id: int, id: int, text: str, now: datetime, actor: str) -> None:
    """The firm appeals to the regulator, once, while the suspension runs. Another firm's suspension is 404."""
    row = _one(s, id)
    if row.org_id != org_id:
        raise refuse("suspension.unknown", status=404)
    if not 1 <= len(text.strip()) <= APPEAL_MAX:
        raise refuse("suspension.appeal", "text", most=APPEAL_MAX)
    if row.lifted_at is not None or row.until_at <= now:
        raise refuse("suspension.over", status=409)
    if row.appealed_at is not None:
        raise refuse("suspension.appealed", status=409, at=row.appealed_at)
    row.appeal, row.appealed_at = text.strip(), now
    record(s, Deed.SUSPENSION_APPEALED, now, actor, subject=f"org:{org_id}", suspension=id)
    org = s.get_one(Organisation, org_id)
    notify(s, now, "suspension.appealed", office="regulator", link=f"/suspensions/{id}", mail=False, firm=org.name)


def decide_appeal(s: Session, id: int, granted: bool, answer: str, by: int, now: datetime) -> None:
    """The regulator decides: granted lifts the suspension at once, refused leaves it to its end; both with reasons."""
    row = _one(s, id)
    if row.appealed_at is None or row.answered_at is not None:
        raise refuse("suspension.no_appeal", status=409)
    if not 1 <= len(answer.strip()) <= APPEAL_MAX:
        raise refuse("suspension.answer", "answer", most=APPEAL_MAX)
    row.answer, row.answered_at, row.answered_by = answer.strip(), now, by
    actor = f"person:{by}"
    record(s, Deed.SUSPENSION_APPEAL_DECIDED, now, actor, subject=f"org:{row.org_id}", suspension=id, granted=granted)
    kind = "suspension.granted" if granted else "suspension.kept"
    notify(s, now, kind, org=row.org_id, link=f"/suspensions/{id}", answer=row.answer)
    if granted and row.lifted_at is None and now < row.until_at:
        row.lifted_at = now
        record(s, Deed.FIRM_REINSTATED, now, actor, subject=f"org:{row.org_id}", suspension=id)
        index_later(s, now, "firm", row.org_id)


def warn_expiring(s: Session, now: datetime) -> int:
    """Tell firms 60, 30 and 7 days before a certificate's last day; gives how many were told. Harmless to repeat.

    A certificate that a longer one of the same name already follows is not warned of. Two statements and the inserts.
    """
    today = beijing_day(now)
    ending = (
        select(Qualification)
        .join(FirmProfile, FirmProfile.org_id == Qualification.org_id)
        .where(
            Qualification.verified_at.is_not(None),
            Qualification.revoked_at.is_(None),
            Qualification.expires_on >= today,
        )
    )
    rows = s.scalars(ending.order_by(Qualification.id)).all()
    last: dict[tuple[int, str], date] = {}
    for row in rows:
        key = (row.org_id, row.name)
        last[key] = max(last.get(key, row.expires_on), row.expires_on)
    soon = today + timedelta(days=max(WARN_DAYS))
    due = {
        f"expiry:{row.id}:{expiry_step(row.expires_on, today)}": row
        for row in rows
        if row.expires_on <= soon and last[row.org_id, row.name] == row.expires_on
    }
    known = set(s.scalars(select(Notice.once).where(Notice.once.in_(list(due)))))
    fresh = {once: row for once, row in due.items() if once not in known}
    for once, row in fresh.items():
        left = (row.expires_on - today).days
        day = row.expires_on.isoformat()
        notify(
            s, now, "qualification.expiring", org=row.org_id, link="/firm", once=once, cert=row.name,
            number=row.number, day=day, left=left,
        )  # fmt: skip
    return len(fresh)
