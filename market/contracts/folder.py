"""A contract with everything around it, as its page, its paper and its archive need it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from market.admission.models import Document, FirmProfile, Practitioner
from market.catalogue.models import Service
from market.contracts.models import ChangeOrder, Contract, Deliverable, Milestone, Pause
from market.identity.models import Organisation, Person
from market.jobs.models import Job
from market.payments.models import Payment

PUBLIC_FUNDING = ("fiscal", "state")
"""Contracts whose reasons everybody may read; those of private jobs are for the parties and the offices."""


@dataclass(frozen=True, slots=True)
class Given:
    """A delivery with its document, None where it is words alone."""

    row: Deliverable
    document: Document | None


@dataclass(frozen=True, slots=True)
class Folder:
    """Everything of one contract. Lists are in order; `owner_person` and `firm_person` are who confirmed.

    `documents` by id, `payments` by the id of their milestone.
    """

    contract: Contract
    job: Job
    owner: Organisation
    firm: Organisation
    profile: FirmProfile | None
    service: Service | None
    lead: Practitioner | None
    owner_person: str | None
    firm_person: str | None
    milestones: Sequence[Milestone]
    given: Sequence[Given]
    pauses: Sequence[Pause]
    changes: Sequence[ChangeOrder]
    documents: dict[int, Document]
    payments: dict[int, Payment]

    def milestone(self, no: int) -> Milestone | None:
        """The milestone of a number."""
        return next((m for m in self.milestones if m.no == no), None)

    def side(self, org_id: int | None) -> str | None:
        """`owner` or `firm` for a party, None for others."""
        c = self.contract
        return "owner" if org_id == c.owner_id else "firm" if org_id == c.firm_id else None


def folder(s: Session, code: str) -> Folder | None:
    """The contract of a code; None for no such. Who may read what is the door's to decide. Eight statements."""
    owner, firm = aliased(Organisation), aliased(Organisation)
    found = (
        select(Contract, Job, owner, firm, FirmProfile, Service, Practitioner)
        .join(Job, Job.id == Contract.job_id)
        .join(owner, owner.id == Contract.owner_id)
        .join(firm, firm.id == Contract.firm_id)
        .outerjoin(FirmProfile, FirmProfile.org_id == Contract.firm_id)
        .outerjoin(Service, Service.id == Job.service_id)
        .outerjoin(Practitioner, Practitioner.id == Contract.lead_id)
        .where(Contract.code == code)
    )
    row = s.execute(found).first()
    if row is None:
        return None
    c = row[0]
    people = _names(s, c.owner_confirmed_by, c.firm_confirmed_by)
    milestones = list(s.scalars(select(Milestone).where(Milestone.contract_id == c.id).order_by(Milestone.no)))
    given = list(s.scalars(select(Deliverable).where(Deliverable.contract_id == c.id).order_by(Deliverable.id)))
    pauses = list(s.scalars(select(Pause).where(Pause.contract_id == c.id).order_by(Pause.id)))
    changes = list(s.scalars(select(ChangeOrder).where(ChangeOrder.contract_id == c.id).order_by(ChangeOrder.no)))
    named = [c.original_id, *(g.document_id for g in given), *(h.document_id for h in changes)]
    paid = {p.milestone_id: p for p in s.scalars(select(Payment).where(Payment.contract_id == c.id))}
    documents = _documents(s, [id for id in named if id is not None])
    return Folder(
        *row, people.get(c.owner_confirmed_by), people.get(c.firm_confirmed_by), milestones,
        [Given(g, documents.get(g.document_id or 0)) for g in given], pauses, changes, documents, paid,
    )  # fmt: skip


def _names(s: Session, *ids: int | None) -> dict[Any, str]:
    found = select(Person.id, Person.name).where(Person.id.in_([id for id in ids if id is not None]))
    return {row.id: row.name for row in s.execute(found)}


def _documents(s: Session, ids: Sequence[int]) -> dict[int, Document]:
    if not ids:
        return {}
    return {d.id: d for d in s.scalars(select(Document).where(Document.id.in_(ids)))}


def of_job(s: Session, job_id: int) -> Contract | None:
    """The newest contract of a job: that of the award now in force, or the last one there was."""
    found = select(Contract).where(Contract.job_id == job_id).order_by(Contract.id.desc()).limit(1)
    return s.scalars(found).first()


@dataclass(frozen=True, slots=True)
class Line:
    """A contract in a party's list; `due` is the first milestone not yet accepted, or the day to sign by."""

    contract: Contract
    other: str


def lines_of(s: Session, org_id: int) -> list[Line]:
    """An organisation's contracts with the name of the other side, newest first."""
    owner, firm = aliased(Organisation), aliased(Organisation)
    found = (
        select(Contract, owner.name, firm.name)
        .join(owner, owner.id == Contract.owner_id)
        .join(firm, firm.id == Contract.firm_id)
        .where((Contract.owner_id == org_id) | (Contract.firm_id == org_id))
        .order_by(Contract.id.desc())
    )
    return [Line(c, f if c.owner_id == org_id else o) for c, o, f in s.execute(found)]
