"""What the doors of payments need of a city for the inventory: payments, statements, accounts, invoices."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.documents import keep_document
from market.identity.rules import User
from market.moments import beijing_day
from market.payments import accounts, invoices, transfer
from market.payments.invoices import Given
from market.payments.models import StatementLine
from market.payments.service import settle
from portal.forms.catalogue import carry
from tests.makers import Party, make_firm, make_owner
from tests.makers_admission import PDF
from tests.makers_payments import Deal, make_deal, make_payment, user_of

if TYPE_CHECKING:
    from tests.inventory.stock import Stock
    from tests.inventory.whole import Whole

HEAD: Final = "交易日期,贷方发生额,对方户名,摘要\n"
CSV: Final = (HEAD + "20260602,3.00,路人,捐款\n").encode()
INVOICE: Final = {
    "kind": "electronic", "code": "", "number": "26332000000099999999", "issued_on": "2026-06-01", "fen": "100",
    "tax": "5.66", "payment": "",
}  # fmt: skip
RETURNED: Final = {"fen": "1", "value_on": "2026-06-01", "bank_id": "B-77"}
ACCOUNT: Final = {"bank": "澄浦银行望浦支行", "number": "6222000011112222"}
_PAGES: Final = ("book", "invoice", "papers", "invoice_file", "pay", "returned")
OF_CONTRACT: Final = (*(f"payments.{page}/code" for page in _PAGES), "api.contract_payments/contract")
"""Doors whose code is that of a contract between others, which does not exist for anybody but the offices."""
_OF_FIRM: Final = ("payments.invoice/code", "payments.returned/code")
"""Of these, the firm's own acts: no office has the right to them."""
KINDS: Final = {
    **dict.fromkeys(OF_CONTRACT, "bill"),
    "payments.pay/no": "bill_no", "payments.returned/no": "bill_no", "payments.invoice_file/id": "invoice",
    "statements.line/id": "line", "statements.remove/id": "account",
}  # fmt: skip
BODIES: Final[dict[str, dict[str, Any]]] = {
    "payments.invoice": INVOICE,
    "payments.returned": RETURNED,
    "statements.account": ACCOUNT,
    "statements.line": {"act": "ignore", "reason": "利息"},
    "statements.upload": {"act": "check", "carried": carry(CSV), "name": "六月.csv"},
}
OWN_FILL: Final = {
    "payments.invoice": INVOICE,
    "payments.returned": RETURNED,
    "statements.account": ACCOUNT,
    "statements.line": {"reason": "利息"},
}
FILES: Final = {"statements.upload": ("六月.csv", CSV), "payments.invoice": ("发票.pdf", PDF + b"%sweep")}
"""A fit file of a door, where one by the name of the field is not."""
VALUES: Final = {"bank", "bank_id", "code", "fen", "holder", "value_on"}
"""Fields of the forms that hold what is typed or chosen."""
IDS: Final = {"payment"}


def readers(key: str) -> tuple[str, ...]:
    """The offices that read behind `door/parameter` what is between others."""
    return () if key in _OF_FIRM else ("operator", "regulator")


def _busy(s: Session, deal: Deal, firm: User, folder: Path, now: datetime) -> dict[str, Any]:
    """One payment that is paid too much, one that is open; a near and an unmatched line; an account; an invoice."""
    over, today = make_payment(s, deal, 1, now), beijing_day(now)
    make_payment(s, deal, 2, now)
    settle(s, over.id, "transfer", f"{deal.code}:x", over.fen + 200_000, today, "reference", "", now)
    account = accounts.record_account(s, firm.org_name, "澄浦银行", f"62220000{deal.contract.id:08d}", firm, now)
    rows = f'20260601,"{deal.milestones[1].fen / 100:.2f}",{deal.owner.org.name},工程款\n20260601,7.00,路人,捐款\n'
    transfer.load(s, firm.org_id, "六月.csv", (HEAD + rows).encode(), firm, now)
    lines = select(StatementLine).where(StatementLine.org_id == firm.org_id).order_by(StatementLine.id)
    number = f"2633200000{deal.contract.id:010d}"
    scan = keep_document(s, folder, firm.org_id, None, "发票.pdf", PDF + number.encode(), now)
    given = Given("electronic", "", number, today, 10_000, 566, over.id, scan.id)
    c = deal.contract
    paper = invoices.record_invoice(s, c.id, c.code, c.owner_id, c.firm_id, given, firm, now)
    found = s.scalars(lines).first()
    return {
        "bill": deal.code, "bill_no": 1, "bill_id": over.id, "invoice": paper.id, "account": account.id,
        "line": found.id if found else 0,
    }  # fmt: skip


def stock_money(made: "Stock") -> None:
    """Each organisation has a contract with money on it: owners as payers, firms as payees."""
    now = made.clock.now()
    with made.db.write() as s:
        owner, firm = make_owner(s), make_firm(s)
        for role in ("owner", "firm", "both", "other"):
            party = made.parties[role]
            pair = (party, firm) if role == "owner" else (owner, party)
            deal = make_deal(s, 1_000_000, 500_000, owner=pair[0], firm=pair[1], now=now - timedelta(days=2))
            made.own[role] |= _busy(s, deal, user_of(s, pair[1]), made.city.settings.documents, now)


def whole_money(s: Session, whole: "Whole", owner: Party, firms: list[Party]) -> None:
    """The same for the city of the sweep: owner and first firm."""
    deal = make_deal(s, 1_000_000, 500_000, owner=owner, firm=firms[0], now=whole.now - timedelta(days=2))
    _busy(s, deal, user_of(s, firms[0]), whole.city.settings.documents, whole.now)
