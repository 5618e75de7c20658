"""What waits for an organisation in its contracts, with the day it is due (My work)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from market.contracts.models import ChangeOrder, Contract, Deliverable, Milestone, Pause

Kind = Literal["sign", "inputs", "deliver", "judge", "change", "pause"]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do on a contract. `ref`: the milestone's number, or the id of delivery, change or pause."""

    kind: Kind
    code: str
    title: str
    due: datetime | None
    ref: int | None = None


def tasks_of(s: Session, org_id: int) -> list[Task]:
    """Everything, oldest contract first, in four statements whatever the number of contracts."""
    mine = or_(Contract.owner_id == org_id, Contract.firm_id == org_id)
    live = Contract.state.in_(("opened", "active"))
    contracts = list(s.scalars(select(Contract).where(mine, live).order_by(Contract.id)))
    found = [t for c in contracts for t in _start(c, org_id)]
    return [*found, *_deliveries(s, org_id), *_answers(s, org_id, mine)]


def _start(c: Contract, org_id: int) -> list[Task]:
    """Confirm, then (the firm) say that the inputs are complete."""
    if c.state == "opened":
        done = c.owner_confirmed_at if c.owner_id == org_id else c.firm_confirmed_at
        return [] if done is not None else [Task("sign", c.code, c.title, c.sign_by)]
    waits = c.firm_id == org_id and c.inputs_at is None
    return [Task("inputs", c.code, c.title, None)] if waits else []


def _deliveries(s: Session, org_id: int) -> list[Task]:
    """The firm's next milestone of each contract, and what the owner has to judge."""
    next_one = (
        select(Contract.code, Contract.title, Milestone.due_at, Milestone.no)
        .join(Milestone, Milestone.contract_id == Contract.id)
        .where(
            Contract.firm_id == org_id,
            Contract.state == "active",
            Contract.inputs_at.is_not(None),
            Milestone.state.in_(("waiting", "returned")),
        )
        .order_by(Contract.id, Milestone.no)
    )
    found: dict[str, Task] = {}
    for code, title, due, no in s.execute(next_one):
        found.setdefault(code, Task("deliver", code, title, due, no))
    given = (
        select(Contract.code, Contract.title, Deliverable.id)
        .join(Deliverable, Deliverable.contract_id == Contract.id)
        .where(Contract.owner_id == org_id, Contract.state == "active", Deliverable.verdict.is_(None))
        .order_by(Deliverable.id)
    )
    return [*found.values(), *(Task("judge", code, title, None, ref) for code, title, ref in s.execute(given))]


def _answers(s: Session, org_id: int, mine: ColumnElement[bool]) -> list[Task]:
    """Pauses and changes the other side has proposed."""
    pause: Any = (Pause.agreed_at.is_(None), Pause.refused_at.is_(None), Pause.proposed_by != org_id)
    change: Any = (ChangeOrder.state == "proposed", ChangeOrder.proposed_by != org_id)
    asked: list[tuple[Kind, Any, Any]] = [("pause", Pause, pause), ("change", ChangeOrder, change)]
    found = []
    for kind, table, open_ in asked:
        rows = (
            select(Contract.code, Contract.title, table.id)
            .join(table, table.contract_id == Contract.id)
            .where(mine, Contract.state == "active", *open_)
            .order_by(table.id)
        )
        found += [Task(kind, code, title, None, ref) for code, title, ref in s.execute(rows)]
    return found
