"""From an award that stands to a contract in force: opened, milestones agreed, confirmed by both sides.

The platform's signature attests the record of both confirmations. It is not the parties' seal, and says so; the
sealed original is kept by its digest (keep_original).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from market.admission.models import Document
from market.audit.rules import Deed
from market.audit.service import record
from market.contracts.models import Contract, ContractNumber, Milestone
from market.contracts.rules import Event, MilestoneState, Planned, State, split, wrong_plan
from market.contracts.service.due import set_due
from market.contracts.service.parties import live, locked, move, other, side_of, tell
from market.errors import Refused, refuse
from market.identity.models import Organisation
from market.identity.rules import User
from market.ids import canonical_json, digest
from market.moments import beijing_day, micros


@dataclass(frozen=True, slots=True)
class OpenContract:
    """What an award says of the contract it opens. Amount in fen, days in working days; `sign_by`: until when."""

    job_id: int
    job_code: str
    auction_id: str
    award_id: int
    owner_id: int
    firm_id: int
    lead_id: int | None
    title: str
    funding: str
    tax: str
    amount: int
    days: int
    sign_by: datetime


def open_contract(s: Session, cmd: OpenContract, now: datetime) -> Contract:
    """A contract waiting for both confirmations, with one milestone of the whole; once for an award."""
    known = s.scalar(select(Contract).where(Contract.award_id == cmd.award_id))
    if known is not None:
        return known
    contract = Contract(
        code=_code(s, now), job_id=cmd.job_id, job_code=cmd.job_code, auction_id=cmd.auction_id, award_id=cmd.award_id,
        owner_id=cmd.owner_id, firm_id=cmd.firm_id, lead_id=cmd.lead_id, title=cmd.title, state=State.OPENED,
        funding=cmd.funding, tax=cmd.tax, amount=cmd.amount, amount_now=cmd.amount, days=cmd.days, days_now=cmd.days,
        terms={}, digest="", opened_at=now, sign_by=cmd.sign_by,
    )  # fmt: skip
    s.add(contract)
    s.flush()
    _plan(s, contract, (Planned("全部成果", 10_000, cmd.days),))
    record(
        s, Deed.CONTRACT_OPENED, now, "system", contract.job_code, contract=contract.code, auction=contract.auction_id,
        award=contract.award_id, amount=contract.amount, days=contract.days, digest=contract.digest,
    )  # fmt: skip
    once = f"contract:{contract.id}:opened"
    tell(s, contract, "contract.opened", now, once=once, amount=contract.amount, due=contract.sign_by.isoformat())
    return contract


def _code(s: Session, now: datetime) -> str:
    """The next HT-YYYY-NNNNN of the Beijing year, given under the lock of the year's row."""
    year = beijing_day(now).year
    mine = update(ContractNumber).where(ContractNumber.year == year)
    taken = mine.values(last=ContractNumber.last + 1).returning(ContractNumber.last)
    last = s.scalar(taken)
    if last is None:
        try:
            with s.begin_nested():
                s.add(ContractNumber(year=year, last=1))
            last = 1
        except IntegrityError:  # another transaction began the year at the same moment
            last = s.scalar(taken)
    return f"HT-{year}-{last:05d}"


def set_milestones(s: Session, contract_id: int, planned: Sequence[Planned], by: User, now: datetime) -> None:
    """Agree on other milestones before anybody is bound; a confirmation given before is void, and both are told.

    Raises Refused milestones.count, .name, .share, .days; contract.signed once both have confirmed.
    """
    contract = locked(s, contract_id)
    side_of(contract, by)
    if contract.state != State.OPENED:
        raise refuse("contract.signed", status=409)
    wrong = wrong_plan(planned, contract.days)
    if not wrong and min(split(contract.amount, [p.share for p in planned])) < 1:
        wrong = [refuse("milestones.fen", "milestones").refusals[0]]
    if wrong:
        raise Refused(*wrong)
    _plan(s, contract, planned)
    contract.owner_confirmed_at = contract.firm_confirmed_at = None
    contract.owner_confirmed_by = contract.firm_confirmed_by = None
    s.flush()
    shares = [[p.share, p.due_days] for p in planned]
    record(
        s, Deed.MILESTONES_SET, now, by.actor, contract.job_code, contract=contract.code, milestones=shares,
        digest=contract.digest,
    )  # fmt: skip
    tell(s, contract, "contract.milestones", now, other(contract, by.org_id))


def _plan(s: Session, contract: Contract, planned: Sequence[Planned]) -> None:
    """Write the milestones anew, and what both sides are to confirm with them."""
    s.execute(delete(Milestone).where(Milestone.contract_id == contract.id))
    fens = split(contract.amount, [p.share for p in planned])
    s.add_all(
        Milestone(
            contract_id=contract.id, no=no, name=p.name.strip(), share=p.share, fen=fen, due_days=p.due_days,
            state=MilestoneState.WAITING,
        )
        for no, (p, fen) in enumerate(zip(planned, fens, strict=True), 1)
    )  # fmt: skip
    contract.terms = _terms(s, contract, planned, fens)
    contract.digest = digest(canonical_json(contract.terms))
    s.flush()


def _terms(s: Session, c: Contract, planned: Sequence[Planned], fens: Sequence[int]) -> dict[str, Any]:
    """What a confirmation binds to, as canonical JSON: parties by USCC, job, award, price, days, milestones."""
    orgs = select(Organisation.id, Organisation.uscc, Organisation.name)
    names = {
        i: {"uscc": u, "name": n} for i, u, n in s.execute(orgs.where(Organisation.id.in_((c.owner_id, c.firm_id))))
    }
    return {
        "v": 1,
        "contract": c.code,
        "job": c.job_code,
        "auction": c.auction_id,
        "award": c.award_id,
        "owner": names[c.owner_id],
        "firm": names[c.firm_id],
        "title": c.title,
        "amount": c.amount,
        "tax": c.tax,
        "days": c.days,
        "milestones": [
            {"no": no, "name": p.name.strip(), "share": p.share, "fen": fen, "due_days": p.due_days}
            for no, (p, fen) in enumerate(zip(planned, fens, strict=True), 1)
        ],
    }


def confirm(s: Session, contract_id: int, by: User, now: datetime, secret: bytes) -> Contract:
    """One side confirms what `digest` names; once both have, the contract is in force and the record is signed.

    `secret`: the platform's Ed25519 key. Confirming twice is refused, so that nobody believes to have done more.
    """
    contract = locked(s, contract_id)
    side = side_of(contract, by)
    if contract.state != State.OPENED:
        raise refuse("contract.signed", status=409)
    if (contract.owner_confirmed_at if side == "owner" else contract.firm_confirmed_at) is not None:
        raise refuse("contract.confirmed", status=409)
    if side == "owner":
        contract.owner_confirmed_at, contract.owner_confirmed_by = now, by.id
    else:
        contract.firm_confirmed_at, contract.firm_confirmed_by = now, by.id
    record(
        s, Deed.CONTRACT_CONFIRMED, now, by.actor, contract.job_code, contract=contract.code, side=side,
        digest=contract.digest,
    )  # fmt: skip
    if contract.owner_confirmed_at is None or contract.firm_confirmed_at is None:
        due = contract.sign_by.isoformat()
        tell(s, contract, "contract.confirmed", now, other(contract, by.org_id), due=due)
        return contract
    _sign(s, contract, now, secret)
    return contract


def _sign(s: Session, contract: Contract, now: datetime, secret: bytes) -> None:
    move(contract, Event.SIGN)
    contract.signed_at = now
    text = canonical_json(
        {
            "v": 1,
            "contract": contract.code,
            "digest": contract.digest,
            "owner": _confirmed(contract.owner_id, contract.owner_confirmed_by, contract.owner_confirmed_at),
            "firm": _confirmed(contract.firm_id, contract.firm_confirmed_by, contract.firm_confirmed_at),
        }
    )
    contract.attested = text.decode("utf-8")
    contract.signature = Ed25519PrivateKey.from_private_bytes(secret).sign(text)
    set_due(s, contract)
    s.flush()
    record(
        s, Deed.CONTRACT_SIGNED, now, "system", contract.job_code, contract=contract.code, digest=contract.digest,
        attested=digest(text), amount=contract.amount, days=contract.days,
    )  # fmt: skip
    tell(s, contract, "contract.signed", now, once=f"contract:{contract.id}:signed", amount=contract.amount)


def _confirmed(org: int, person: int | None, at: datetime | None) -> dict[str, Any]:
    return {"org": org, "person": person, "at": None if at is None else micros(at)}


def complete_inputs(s: Session, contract_id: int, by: User, now: datetime) -> None:
    """The firm acknowledges that it has everything it needs; the clock starts at the later of this and signing.

    Only the firm can: an owner could otherwise start a clock on papers it never gave. Once.
    """
    contract, _ = live(s, contract_id, by, only="firm")
    if contract.inputs_at is not None:
        raise refuse("contract.inputs_given", status=409)
    contract.inputs_at = now
    set_due(s, contract)
    s.flush()
    record(s, Deed.CONTRACT_INPUTS, now, by.actor, contract.job_code, contract=contract.code)
    due = contract.due_at.isoformat() if contract.due_at else None
    tell(s, contract, "contract.inputs", now, contract.owner_id, due=due)


def keep_original(s: Session, contract_id: int, document_id: int, by: User, now: datetime) -> None:
    """Keep the original with both seals by its digest. A second one is refused: an original is not replaced."""
    contract = locked(s, contract_id)
    side_of(contract, by)
    if contract.signed_at is None:
        raise refuse("contract.not_signed", status=409)
    if contract.original_id is not None:
        raise refuse("contract.original_there", status=409)
    document = s.get(Document, document_id)
    if document is None or document.org_id not in (contract.owner_id, contract.firm_id):
        raise refuse("contract.document", "document", 404)
    contract.original_id = document_id
    s.flush()
    record(
        s, Deed.CONTRACT_ORIGINAL, now, by.actor, contract.job_code, contract=contract.code, digest=document.digest,
        size=document.size,
    )  # fmt: skip
    tell(s, contract, "contract.original", now, other(contract, by.org_id))
