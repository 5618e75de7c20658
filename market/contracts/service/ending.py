"""How a contract ends: refused before signing, terminated, completed."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.contracts.models import Contract
from market.contracts.rules import Event, State
from market.contracts.service.parties import live, locked, move, page_of, side_of, tell
from market.errors import refuse
from market.identity.rules import User
from market.notices.service import notify
from market.payments.models import Payment

REASON_LEAST = 4


def end_unsigned(s: Session, contract_id: int, reason: str, by: User, now: datetime) -> Contract:
    """End a contract that was never signed: by the firm at any time, by the owner once `sign_by` has passed.

    For `bidding.awards.refuse_contract`, which strikes the award with it. Raises Refused contract.sign_by, .reason.
    """
    contract = locked(s, contract_id)
    side = side_of(contract, by)
    if contract.state != State.OPENED:
        raise refuse("contract.signed", status=409)
    if side == "owner" and (now <= contract.sign_by or contract.firm_confirmed_at is not None):
        raise refuse("contract.sign_by", status=409, due=contract.sign_by)
    if len(reason.strip()) < REASON_LEAST:
        raise refuse("contract.reason", "reason", least=REASON_LEAST)
    move(contract, Event.REFUSE)
    contract.reason, contract.ended_at, contract.ended_by = reason.strip(), now, side
    s.flush()
    record(s, Deed.CONTRACT_REFUSED, now, by.actor, contract.job_code, contract=contract.code, side=side)
    tell(s, contract, "contract.refused", now, reason=reason.strip())
    return contract


def end_with_award(s: Session, award_id: int, reason: str, actor: str, now: datetime) -> None:
    """The owner has given up the whole result: its contract, not yet signed, ends with it."""
    found = s.scalar(select(Contract.id).where(Contract.award_id == award_id))
    if found is None:
        return
    contract = locked(s, found)
    move(contract, Event.REFUSE)
    contract.reason, contract.ended_at, contract.ended_by = reason, now, "owner"
    s.flush()
    record(s, Deed.CONTRACT_REFUSED, now, actor, contract.job_code, contract=contract.code, side="owner")


def terminate(s: Session, contract_id: int, reason: str, by: User, now: datetime) -> None:
    """One side ends a contract in force, with a published reason; accepted milestones stay owed. Told to all."""
    contract, side = live(s, contract_id, by)
    if len(reason.strip()) < REASON_LEAST:
        raise refuse("contract.reason", "reason", least=REASON_LEAST)
    move(contract, Event.TERMINATE)
    contract.reason, contract.ended_at, contract.ended_by = reason.strip(), now, side
    s.flush()
    record(s, Deed.CONTRACT_TERMINATED, now, by.actor, contract.job_code, contract=contract.code, side=side)
    tell(s, contract, "contract.terminated", now, reason=reason.strip())
    notify(
        s, now, "contract.terminated", office="regulator", link=page_of(contract), title=contract.title,
        code=contract.code, reason=reason.strip(),
    )  # fmt: skip


def complete_next(s: Session, now: datetime) -> Contract | None:
    """Close one accepted contract that is wholly paid. None when none is."""
    unpaid = exists().where(Payment.contract_id == Contract.id, Payment.settled < Payment.fen)
    due = select(Contract).where(Contract.state == State.ACCEPTED, ~unpaid)
    found = s.scalars(due.order_by(Contract.id).limit(1).with_for_update(skip_locked=True)).first()
    if found is None:
        return None
    move(found, Event.COMPLETE)
    found.ended_at = now
    s.flush()
    record(s, Deed.CONTRACT_COMPLETED, now, "system", found.job_code, contract=found.code, amount=found.amount_now)
    tell(s, found, "contract.completed", now, once=f"contract:{found.id}:completed", amount=found.amount_now)
    return found
