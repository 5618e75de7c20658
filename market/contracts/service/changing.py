"""Pauses and change orders: proposed by one side with a reason, counting only once the other has agreed."""

from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.contracts.models import ChangeOrder, Contract, Pause
from market.contracts.rules import (
    ChangeEvent,
    ChangeState,
    MilestoneState,
    change_after,
    split_again,
    wrong_change,
)
from market.contracts.service.due import set_due
from market.contracts.service.parties import live, milestones_of, other, tell
from market.errors import Refusal, Refused, refuse
from market.identity.rules import User
from market.moments import beijing_day

REASON = (4, 500)
WHOSE = ("owner", "authority", "firm")


def propose_pause(
    s: Session, contract_id: int, whose: str, reason: str, from_at: datetime, until_at: datetime | None, by: User,
    now: datetime,
) -> Pause:  # fmt: skip
    """Propose that a time does not count. `until_at` None: it lasts until somebody ends it.

    Raises Refused pause.whose, .reason, .order (it ends before it begins), .early (before signing), .overlaps;
    contract.beyond_calendar.
    """
    contract, _ = live(s, contract_id, by)
    text = reason.strip()
    if whose not in WHOSE:
        raise refuse("pause.whose", "whose")
    if not REASON[0] <= len(text) <= REASON[1]:
        raise refuse("pause.reason", "reason", least=REASON[0], most=REASON[1])
    if until_at is not None and until_at <= from_at:
        raise refuse("pause.order", "until_at")
    last = catalogue.calendar(s).last
    if until_at is not None and beijing_day(until_at) > last:
        raise refuse("contract.beyond_calendar", "until_at", last=last)
    if contract.signed_at is None or from_at < contract.signed_at or (until_at is None and from_at > now):
        raise refuse("pause.early", "from_at")
    if s.scalar(_overlapping(contract, from_at, until_at)) is not None:
        raise refuse("pause.overlaps", "from_at", status=409)
    made = Pause(
        contract_id=contract.id, whose=whose, reason=text, from_at=from_at, until_at=until_at, proposed_by=by.org_id,
        proposed_at=now,
    )  # fmt: skip
    s.add(made)
    s.flush()
    record(
        s, Deed.PAUSE_PROPOSED, now, by.actor, contract.job_code, contract=contract.code, pause=made.id, whose=whose,
        since=from_at.isoformat(), until=until_at.isoformat() if until_at else None,
    )  # fmt: skip
    tell(s, contract, "contract.pause_proposed", now, other(contract, by.org_id), reason=text)
    return made


def _overlapping(contract: Contract, from_at: datetime, until_at: datetime | None) -> Select[int]:
    found = select(Pause.id).where(
        Pause.contract_id == contract.id,
        Pause.refused_at.is_(None),
        or_(Pause.until_at.is_(None), Pause.until_at > from_at),
    )
    return (found if until_at is None else found.where(Pause.from_at < until_at)).limit(1)


def answer_pause(s: Session, pause_id: int, agree: bool, by: User, now: datetime) -> None:
    """The side that did not propose it agrees or refuses."""
    found, contract = _pause(s, pause_id, by)
    if found.proposed_by == by.org_id:
        raise refuse("pause.own", status=403)
    if found.agreed_at is not None or found.refused_at is not None:
        raise refuse("pause.answered", status=409)
    if agree:
        found.agreed_at, found.agreed_by = now, by.org_id
    else:
        found.refused_at = now
    s.flush()
    set_due(s, contract)
    record(s, Deed.PAUSE_AGREED, now, by.actor, contract.job_code, contract=contract.code, pause=found.id, agreed=agree)
    kind = "contract.pause_agreed" if agree else "contract.pause_refused"
    tell(s, contract, kind, now, found.proposed_by)


def end_pause(s: Session, pause_id: int, by: User, now: datetime) -> None:
    """Either side ends an open pause: what paused it is over."""
    found, contract = _pause(s, pause_id, by)
    if found.agreed_at is None or found.until_at is not None:
        raise refuse("pause.not_open", status=409)
    found.until_at = now
    s.flush()
    set_due(s, contract)
    record(s, Deed.PAUSE_ENDED, now, by.actor, contract.job_code, contract=contract.code, pause=found.id)
    due = contract.due_at.isoformat() if contract.due_at else None
    tell(s, contract, "contract.pause_ended", now, other(contract, by.org_id), due=due)


def _pause(s: Session, pause_id: int, by: User) -> tuple[Pause, Contract]:
    found = s.get(Pause, pause_id)
    if found is None:
        raise refuse("contract.unknown", status=404)
    contract, _ = live(s, found.contract_id, by)
    s.refresh(found)
    return found, contract


def propose_change(
    s: Session, contract_id: int, amount: int, days: int, scope: str, reason: str, document_id: int | None, by: User,
    now: datetime,
) -> ChangeOrder:  # fmt: skip
    """Propose new totals (fen, working days). One change at a time; the other side answers.

    Raises Refused change.open, .nothing, .amount, .days (limits of rules), .below_earned, .reason.
    """
    contract, _ = live(s, contract_id, by)
    if len(reason.strip()) < REASON[0]:
        raise refuse("change.reason", "reason", least=REASON[0])
    pending = select(ChangeOrder.id).where(
        ChangeOrder.contract_id == contract.id, ChangeOrder.state == ChangeState.PROPOSED
    )
    if s.scalar(pending) is not None:
        raise refuse("change.open", status=409)
    _check(s, contract, amount, days)
    no = (s.scalar(select(func.max(ChangeOrder.no)).where(ChangeOrder.contract_id == contract.id)) or 0) + 1
    made = ChangeOrder(
        contract_id=contract.id, no=no, amount=amount, days=days, amount_before=contract.amount_now,
        days_before=contract.days_now, scope=scope.strip(), reason=reason.strip(), document_id=document_id,
        state=ChangeState.PROPOSED, proposed_by=by.org_id, proposed_at=now,
    )  # fmt: skip
    s.add(made)
    s.flush()
    record(
        s, Deed.CHANGE_PROPOSED, now, by.actor, contract.job_code, contract=contract.code, change=no, amount=amount,
        days=days,
    )  # fmt: skip
    tell(s, contract, "contract.change_proposed", now, other(contract, by.org_id), amount=amount, days=days)
    return made


def _check(s: Session, c: Contract, amount: int, days: int) -> list[int]:
    """The milestones' new sums. Raises Refused with everything that is wrong."""
    wrong = wrong_change(c.amount, c.days, c.funding, c.amount_now, c.days_now, amount, days)
    parts = milestones_of(s, c)
    kept = [m.fen if m.state == MilestoneState.ACCEPTED else None for m in parts]
    fens = split_again(amount, kept, [m.share for m in parts]) if not wrong else []
    if isinstance(fens, Refusal):
        raise Refused(fens)
    if wrong:
        raise Refused(*wrong)
    others = [m.due_days for m in parts[:-1]]
    if others and days <= max(others):
        raise refuse("change.days_below", "days", least=max(others) + 1)
    return fens


def answer_change(s: Session, change_id: int, agree: bool, answer: str, by: User, now: datetime) -> None:
    """The other side agrees (price, days and open milestones follow) or refuses; the proposer may withdraw."""
    found = s.get(ChangeOrder, change_id)
    if found is None:
        raise refuse("contract.unknown", status=404)
    contract, _ = live(s, found.contract_id, by)
    s.refresh(found)
    own = found.proposed_by == by.org_id
    if own and agree:
        raise refuse("change.own", status=403)
    event = ChangeEvent.AGREE if agree else ChangeEvent.WITHDRAW if own else ChangeEvent.REFUSE
    state = change_after(found.state, event)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    if agree:
        _apply(s, contract, found)
    found.state, found.answered_at, found.answer = state, now, answer.strip() or None
    s.flush()
    deed = Deed.CHANGE_AGREED if agree else Deed.CHANGE_REFUSED
    record(
        s, deed, now, by.actor, contract.job_code, contract=contract.code, change=found.no, amount=contract.amount_now,
        days=contract.days_now, withdrawn=own,
    )  # fmt: skip
    kind = "contract.change_agreed" if agree else "contract.change_refused"
    tell(s, contract, kind, now, other(contract, by.org_id), amount=found.amount, days=found.days)


def _apply(s: Session, contract: Contract, change: ChangeOrder) -> None:
    """The limits are asked again: milestones may have been accepted since it was proposed."""
    fens = _check(s, contract, change.amount, change.days)
    parts = milestones_of(s, contract)
    for milestone, fen in zip(parts, fens, strict=True):
        milestone.fen = fen
    if parts[-1].state != MilestoneState.ACCEPTED:
        parts[-1].due_days = change.days
    contract.amount_now, contract.days_now = change.amount, change.days
    s.flush()
    set_due(s, contract)
