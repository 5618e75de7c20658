"""Delivery in versions, acceptance or return with reasons; the last acceptance ends the count of days."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.admission.models import Document
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.contracts.models import Contract, Deliverable, Milestone
from market.contracts.rules import Event, MilestoneEvent, MilestoneState, milestone_after
from market.contracts.service.parties import counted, live, milestones_of, move, tell
from market.errors import Refusal, Refused, refuse
from market.identity.rules import User
from market.payments.service import open_payment


def deliver(
    s: Session, contract_id: int, no: int, document_id: int | None, note: str, by: User, now: datetime
) -> Deliverable:
    """The firm delivers a version for milestone `no`. Milestones may be delivered in any order.

    Raises Refused: contract.inputs_first, milestone.unknown, milestone.state, deliverable.empty, contract.document.
    """
    contract, _ = live(s, contract_id, by, only="firm")
    if contract.inputs_at is None:
        raise refuse("contract.inputs_first", status=409)
    milestone = _milestone(s, contract, no)
    if document_id is None and not note.strip():
        raise refuse("deliverable.empty", "note")
    document = None if document_id is None else s.get(Document, document_id)
    if document_id is not None and (document is None or document.org_id != contract.firm_id):
        raise refuse("contract.document", "document", 404)
    milestone.state = _moved(milestone, MilestoneEvent.DELIVER)
    milestone.delivered_at = now
    newest = s.scalar(select(func.max(Deliverable.version)).where(Deliverable.milestone_id == milestone.id)) or 0
    made = Deliverable(
        contract_id=contract.id, milestone_id=milestone.id, version=newest + 1, document_id=document_id,
        note=note.strip(), person_id=by.id, delivered_at=now,
    )  # fmt: skip
    s.add(made)
    s.flush()
    record(
        s, Deed.DELIVERABLE_GIVEN, now, by.actor, contract.job_code, contract=contract.code, milestone=no,
        version=made.version, digest=document.digest if document else None,
    )  # fmt: skip
    tell(s, contract, "contract.delivered", now, contract.owner_id, no=no, version=made.version)
    return made


def judge(s: Session, deliverable_id: int, accept: bool, reason: str, by: User, now: datetime) -> None:
    """The owner accepts a delivery (then it is owed) or returns it with a reason. Each version is judged once."""
    found = s.get(Deliverable, deliverable_id)
    if found is None:
        raise refuse("contract.unknown", status=404)
    contract, _ = live(s, found.contract_id, by, only="owner")
    s.refresh(found)
    if found.verdict is not None:
        raise refuse("deliverable.judged", status=409)
    if not accept and len(reason.strip()) < 4:
        raise refuse("deliverable.reason", "reason")
    milestone = s.get_one(Milestone, found.milestone_id)
    milestone.state = _moved(milestone, MilestoneEvent.ACCEPT if accept else MilestoneEvent.RETURN)
    found.verdict = "accepted" if accept else "returned"
    found.reason, found.judged_at, found.judged_by = reason.strip() or None, now, by.id
    facts: dict[str, Any] = {"contract": contract.code, "milestone": milestone.no, "version": found.version}
    deed = Deed.DELIVERABLE_ACCEPTED if accept else Deed.DELIVERABLE_RETURNED
    if not accept:
        s.flush()
        record(s, deed, now, by.actor, contract.job_code, **facts)
        tell(s, contract, "contract.returned", now, contract.firm_id, no=milestone.no, reason=reason.strip())
        return
    milestone.accepted_at, milestone.delivered_at = now, found.delivered_at
    s.flush()
    record(s, deed, now, by.actor, contract.job_code, fen=milestone.fen, **facts)
    tell(s, contract, "contract.part_accepted", now, contract.firm_id, no=milestone.no, fen=milestone.fen)
    _owe(s, contract, milestone, now)
    if all(m.state == MilestoneState.ACCEPTED for m in milestones_of(s, contract)):
        _accepted(s, contract, now, by)


def _owe(s: Session, contract: Contract, milestone: Milestone, now: datetime) -> None:
    within = catalogue.city_rules_on(s, now)["pay_within_wd"]
    due = catalogue.calendar(s).end_of_period(now, within)
    open_payment(
        s, contract.id, milestone.id, contract.owner_id, contract.firm_id, milestone.fen, due, contract.code,
        milestone.no, now,
    )  # fmt: skip


def _accepted(s: Session, contract: Contract, now: datetime, by: User) -> None:
    """The whole is accepted: the days end with the last delivery that was, not with the owner's nod."""
    move(contract, Event.ACCEPT)
    contract.delivered_at = max(m.delivered_at for m in milestones_of(s, contract) if m.delivered_at is not None)
    contract.accepted_at = now
    count = counted(s, contract, contract.delivered_at)
    contract.days_used = None if count is None else count.used
    s.flush()
    record(
        s, Deed.CONTRACT_ACCEPTED, now, by.actor, contract.job_code, contract=contract.code,
        amount=contract.amount_now, days=contract.days_used, paused=0 if count is None else count.paused,
    )  # fmt: skip
    tell(s, contract, "contract.accepted", now, once=f"contract:{contract.id}:accepted", days=contract.days_used)


def _milestone(s: Session, contract: Contract, no: int) -> Milestone:
    found = s.scalar(select(Milestone).where(Milestone.contract_id == contract.id, Milestone.no == no))
    if found is None:
        raise refuse("milestone.unknown", status=404)
    return found


def _moved(milestone: Milestone, event: MilestoneEvent) -> MilestoneState:
    state = milestone_after(milestone.state, event)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    return state
