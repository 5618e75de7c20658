"""Invoices (发票) the firm gave the owner: recorded with their data and file, for both sides to see."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.db import insert_for
from market.errors import Refusal, Refused, refuse
from market.identity.rules import User
from market.moments import beijing_day
from market.notices.service import notify
from market.payments.models import Invoice, Payment
from market.payments.rules import FEN_MAX

KINDS: Final = ("special", "ordinary", "electronic")
"""增值税专用发票, 普通发票 (code and number of the paper series), 数电发票 (fully digital: 20 digits, no code)."""


@dataclass(frozen=True, slots=True)
class Given:
    """An invoice as it was typed in. `tax` is part of `fen`."""

    kind: str
    code: str
    number: str
    issued_on: date
    fen: int
    tax: int
    payment_id: int | None = None
    document_id: int | None = None


def faults(given: Given, today: date) -> list[Refusal]:
    """What is wrong with an invoice's data.

    An invoice of the paper series has a code of 10 or 12 digits and a number of 8; a fully digital one a number of
    20 digits and no code (国家税务总局公告2024年第11号).
    """
    found = []
    if given.kind not in KINDS:
        found.append(Refusal("invoice.kind", "kind"))
    digital = given.kind == "electronic"
    if not re.fullmatch("" if digital else r"\d{10}(\d\d)?", given.code, re.ASCII):
        found.append(Refusal("invoice.code", "code"))
    if not re.fullmatch(r"\d{20}" if digital else r"\d{8}", given.number, re.ASCII):
        found.append(Refusal("invoice.number", "number"))
    if not date(2000, 1, 1) <= given.issued_on <= today:
        found.append(Refusal("invoice.day", "issued_on"))
    if not 0 < given.fen <= FEN_MAX:
        found.append(Refusal("payment.amount", "fen", {"fen": given.fen}))
    elif not 0 <= given.tax < given.fen:
        found.append(Refusal("invoice.tax", "tax"))
    return found


def record_invoice(
    s: Session, contract_id: int, contract_code: str, owner_id: int, firm_id: int, given: Given, by: User, now: datetime
) -> Invoice:  # fmt: skip
    """Record an invoice of the firm for its contract, once. Raises Refused for unfit data, invoice.known (409)."""
    if by.org_id != firm_id:
        raise refuse("payment.unknown", status=404)
    if found := faults(given, beijing_day(now)):
        raise Refused(*found)
    payment = None if given.payment_id is None else s.get(Payment, given.payment_id)
    if given.payment_id is not None and (payment is None or payment.contract_id != contract_id):
        raise refuse("payment.unknown", "payment", 404)
    row = {
        "contract_id": contract_id, "payment_id": given.payment_id, "kind": given.kind, "code": given.code,
        "number": given.number, "issued_on": given.issued_on, "fen": given.fen, "tax_fen": given.tax,
        "document_id": given.document_id, "recorded_at": now, "recorded_by": by.id,
    }  # fmt: skip
    once = insert_for(s)(Invoice).values(**row).on_conflict_do_nothing(index_elements=["code", "number"])
    made = s.execute(once.returning(Invoice.id)).scalar()
    if made is None:
        raise refuse("invoice.known", "number", 409)
    record(
        s, Deed.INVOICE_RECORDED, now, by.actor, contract_code, invoice=made, kind=given.kind, fen=given.fen,
        tax=given.tax, payment=given.payment_id,
    )  # fmt: skip
    link = f"/contracts/{contract_code}/invoices"
    notify(
        s, now, "invoice.recorded", owner_id, link=link, once=f"invoice:{made}", contract=contract_code, fen=given.fen
    )
    return s.get_one(Invoice, made)


def invoices_of(s: Session, contract_id: int) -> list[Invoice]:
    """The invoices of a contract in the order of their days."""
    of = select(Invoice).where(Invoice.contract_id == contract_id)
    return list(s.scalars(of.order_by(Invoice.issued_on, Invoice.id)))
