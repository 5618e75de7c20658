"""What is owed is opened, settled, given back and taken back: each act once, under the lock of its payment.

A movement is known by its provider's own id (`provider`, `external`): told twice, or in another order, it counts once.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.batch import append, together
from market.db import insert_for
from market.errors import Refusal, Refused, refuse
from market.notices.service import notify
from market.payments.ledger import entry_row, post
from market.payments.models import LedgerEntry, Payment, Settlement
from market.payments.rules import (
    FEN_MAX,
    REFERENCES,
    Posting,
    State,
    account,
    after,
    event_of,
    excess,
    owed,
    postings,
    reference,
)

__all__ = ["dispute", "open_payment", "page_of", "refund", "restore", "settle", "settle_many"]

WAYS = {"paid": "comes", "restored": "comes", "refund": "back", "dispute": "taken"}
"""Kind of settlement → what it does to the payment (rules.event_of)."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Money that moved for a payment, as its provider tells it. `kind`, `how`: models.Settlement."""

    kind: str
    provider: str
    external: str
    fen: int
    value_on: date
    how: str
    memo: str
    line_id: int | None = None


def page_of(payment: Payment) -> str:
    """The address of a payment's page."""
    return f"/contracts/{payment.contract_code}/pay/{payment.milestone_no}"


def open_payment(
    s: Session, contract_id: int, milestone_id: int, owner_id: int, firm_id: int, fen: int, due_at: datetime,
    contract_code: str, no: int, now: datetime,
) -> Payment:  # fmt: skip
    """Owe the price of an accepted milestone, once; asked again it gives the same payment.

    Raises Refused payment.amount for a sum that is none.
    """
    _check_amount(fen)
    row = {
        "contract_id": contract_id, "milestone_id": milestone_id, "owner_id": owner_id, "firm_id": firm_id,
        "reference": _fresh_reference(s), "fen": fen, "settled": 0, "state": str(State.DUE), "due_at": due_at,
        "opened_at": now, "contract_code": contract_code, "milestone_no": no,
    }  # fmt: skip
    insert = insert_for(s)(Payment).values(**row).on_conflict_do_nothing(index_elements=["milestone_id"])
    made = s.execute(insert.returning(Payment.id)).first()
    found = s.scalars(select(Payment).where(Payment.milestone_id == milestone_id)).one()
    if made is None:
        return found
    owes = Posting("owe", account("owed", contract_id), account("earned", contract_id), fen)
    post(s, contract_id, found.id, owes, f"{contract_code}-{no}", f"open:{milestone_id}", now)
    record(s, Deed.PAYMENT_OPENED, now, "system", contract_code, payment=found.id, milestone=no, fen=fen)
    about: dict[str, Any] = {"contract": contract_code, "no": no, "fen": fen, "due": due_at.isoformat()}
    notify(s, now, "payment.due", owner_id, link=page_of(found), once=f"payment:{found.id}:due", **about)
    return found


def settle(
    s: Session, payment_id: int | None, provider: str, external: str, fen: int, value_on: date, how: str, memo: str,
    now: datetime, line_id: int | None = None, actor: str = "system",
) -> Settlement:  # fmt: skip
    """Note money that came; told twice it counts once, whatever the order.

    Less than what is owed leaves the payment partly paid; what is beyond it stands on the excess account, as owed back
    by the firm. `payment_id` None: it belongs to nothing yet, and a later call that names the payment books it.
    Raises Refused payment.unknown, payment.amount, payment.differs.
    """
    moved = Movement("paid", provider, external, fen, value_on, how, memo, line_id)
    return _move(s, payment_id, moved, now, actor)


def settle_many(s: Session, paid: Iterable[tuple[Payment, Movement]], now: datetime) -> list[str]:
    """Note money that came for many payments, in a few statements in all; what `settle` does, for `paid` movements.

    The caller holds the lock of every payment, names each once, and found no movement noted; one that is noted after
    all breaks on its unique key. Gives the ids that are noted; a payment whose state takes no money is left out.
    """
    whole = []
    for payment, m in paid:
        _check_amount(m.fen)
        state = after(payment.state, event_of("comes", payment.fen, payment.settled + m.fen))
        if not isinstance(state, Refusal):
            whole.append((payment, m, state, Settlement(**_row(payment.id, m, now))))
    s.add_all(row for *_, row in whole)
    s.flush()
    with together(s):
        for payment, m, state, row in whole:
            for entry in postings("comes", payment.contract_id, m.provider, m.fen, payment.fen, payment.settled):
                once = f"settlement:{row.id}:{entry.kind}"
                memo = m.memo or m.external
                append(s, LedgerEntry, entry_row(payment.contract_id, payment.id, entry, memo, once, now))
            _note(payment, payment.settled + m.fen, str(state), now)
            _tell(s, payment, row, m, now, "system")
    s.flush()
    return [m.external for _, m, *_ in whole]


def refund(
    s: Session, provider: str, external: str, payment_id: int, fen: int, value_on: date, memo: str, now: datetime,
    actor: str = "system",
) -> Settlement:  # fmt: skip
    """Note money the firm gave back. Raises Refused payment.refund_above for more than that provider brought."""
    return _move(s, payment_id, Movement("refund", provider, external, fen, value_on, "hand", memo), now, actor)


def dispute(
    s: Session, provider: str, external: str, payment_id: int, fen: int, value_on: date, memo: str, now: datetime
) -> Settlement:
    """Note money that the payer's bank took back. Raises as `refund`."""
    return _move(s, payment_id, Movement("dispute", provider, external, fen, value_on, provider, memo), now, "system")


def restore(
    s: Session, provider: str, external: str, payment_id: int, fen: int, value_on: date, memo: str, now: datetime
) -> Settlement:
    """Note money that went back to the firm: a refund that failed, a dispute that was won."""
    return _move(s, payment_id, Movement("restored", provider, external, fen, value_on, provider, memo), now, "system")


# ── one movement ────────────────────────────────────────────────────────────────────────────────────────────────


def _move(s: Session, payment_id: int | None, m: Movement, now: datetime, actor: str) -> Settlement:
    """Lock the payment, look whether the movement is known, then write it, the payment, the ledger and the record."""
    _check_amount(m.fen)
    payment = None if payment_id is None else _locked(s, payment_id)
    known = _known(s, m)
    if known is not None and (payment is None or known.payment_id is not None):
        return _same(known, m, payment)
    if payment is not None and WAYS[m.kind] != "comes":
        _check_back(s, payment, m)
    row = known or _insert(s, payment_id, m, now)
    if payment is None:
        return row
    if row.payment_id is None:
        row.payment_id, row.how = payment.id, m.how
    _apply(s, payment, row, m, now)
    _tell(s, payment, row, m, now, actor)
    return row


def _locked(s: Session, payment_id: int) -> Payment:
    payment = s.get(Payment, payment_id, with_for_update=True, populate_existing=True)
    if payment is None:
        raise refuse("payment.unknown", status=404)
    return payment


def _known(s: Session, m: Movement) -> Settlement | None:
    same = select(Settlement).where(Settlement.provider == m.provider, Settlement.external == m.external)
    return s.scalar(same.with_for_update())


def _same(known: Settlement, m: Movement, payment: Payment | None) -> Settlement:
    """A movement told again. Under the same id another sum or payment is another story, and a person must look."""
    if known.fen != m.fen or known.kind != m.kind or (payment is not None and known.payment_id != payment.id):
        raise refuse("payment.differs", status=409, id=m.external, fen=known.fen)
    return known


def _row(payment_id: int | None, m: Movement, now: datetime) -> dict[str, Any]:
    return {
        "provider": m.provider, "external": m.external, "kind": m.kind, "payment_id": payment_id, "line_id": m.line_id,
        "fen": m.fen, "how": m.how, "value_on": m.value_on, "recorded_at": now, "memo": m.memo[:300],
    }  # fmt: skip


def _insert(s: Session, payment_id: int | None, m: Movement, now: datetime) -> Settlement:
    once = (
        insert_for(s)(Settlement)
        .values(**_row(payment_id, m, now))
        .on_conflict_do_nothing(index_elements=["provider", "external"])
    )
    s.execute(once)
    made = _known(s, m)
    if made is None or made.payment_id != payment_id or made.fen != m.fen:
        raise refuse("payment.differs", status=409, id=m.external, fen=m.fen)
    return made


def _check_amount(fen: int) -> None:
    if not 0 < fen <= FEN_MAX:
        raise refuse("payment.amount", "fen", fen=fen)


def _check_back(s: Session, payment: Payment, m: Movement) -> None:
    """Nothing goes back that did not come the same way."""
    came = _net(s, payment.id, m.provider)
    if m.fen > min(came, payment.settled):
        raise refuse("payment.refund_above", "fen", 409, fen=m.fen, most=max(0, min(came, payment.settled)))


def _net(s: Session, payment_id: int, provider: str) -> int:
    """What a provider brought for a payment, less what it took back."""
    sums = select(Settlement.kind, func.sum(Settlement.fen)).where(
        Settlement.payment_id == payment_id, Settlement.provider == provider
    )
    rows = s.execute(sums.group_by(Settlement.kind))
    return sum(int(fen) if WAYS[kind] == "comes" else -int(fen) for kind, fen in rows)


def _apply(s: Session, payment: Payment, row: Settlement, m: Movement, now: datetime) -> None:
    """Move the payment's sum and state, and post both sides of it."""
    way, before = WAYS[m.kind], payment.settled
    left = before + m.fen if way == "comes" else before - m.fen
    state = after(payment.state, event_of(way, payment.fen, left))
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    for entry in postings(way, payment.contract_id, m.provider, m.fen, payment.fen, before):
        once = f"settlement:{row.id}:{entry.kind}"
        post(s, payment.contract_id, payment.id, entry, m.memo or m.external, once, now)
    _note(payment, left, str(state), now)
    s.flush()


def _note(payment: Payment, settled: int, state: str, now: datetime) -> None:
    payment.settled, payment.state = settled, state
    payment.paid_at = (payment.paid_at or now) if settled >= payment.fen else None


# ── who hears of it ─────────────────────────────────────────────────────────────────────────────────────────────

_DEEDS = {
    "paid": Deed.PAYMENT_SETTLED,
    "restored": Deed.PAYMENT_SETTLED,
    "refund": Deed.PAYMENT_REFUNDED,
    "dispute": Deed.PAYMENT_DISPUTED,
}


def _tell(s: Session, p: Payment, row: Settlement, m: Movement, now: datetime, actor: str) -> None:
    """The record and the notices of a movement: both sides hear of money that moved between them."""
    record(
        s, _DEEDS[m.kind], now, actor, p.contract_code, payment=p.id, milestone=p.milestone_no, settlement=row.id,
        kind=m.kind, provider=m.provider, how=m.how, fen=m.fen, settled=p.settled, owed=owed(p.fen, p.settled),
        state=p.state,
    )  # fmt: skip
    kind = {"paid": f"payment.{p.state}"}.get(m.kind, f"payment.{m.kind}")
    about: dict[str, Any] = {
        "contract": p.contract_code, "no": p.milestone_no, "fen": m.fen, "rest": owed(p.fen, p.settled),
        "beyond": excess(p.fen, p.settled),
    }  # fmt: skip
    for org in (p.owner_id, p.firm_id):
        notify(s, now, kind, org, link=page_of(p), once=f"settlement:{row.id}:{org}", **about)


def _fresh_reference(s: Session) -> str:
    """A reference no payment has. The unique key is the last wall; this keeps it from being met."""
    while True:
        code = reference(secrets.randbelow(REFERENCES))
        if s.scalar(select(Payment.id).where(Payment.reference == code)) is None:
            return code
