"""What is owed and settled for a contract, for its parties and the offices."""

from datetime import datetime
from typing import Annotated, Literal, cast

from flask import abort, g
from pydantic import Field

from market.identity.rules import Role
from market.payments import queries
from portal import web
from portal.access import May
from portal.api.doors import door
from portal.api.fields import Model
from portal.api.shapes import Fen

State = Literal["due", "partly", "paid", "over", "refunded", "disputed"]


class PaymentLine(Model):
    """The payment of one accepted milestone. `settled` counts what came less what went back."""

    milestone: int
    reference: Annotated[str, Field(description="What the owner writes into the transfer")]
    state: State
    fen: Fen
    settled: Fen
    owed: Fen
    excess: Annotated[int, Field(description="Paid beyond what was owed, in fen; the firm owes it back")]
    due_at: datetime
    opened_at: datetime
    paid_at: datetime | None


class AccountBalance(Model):
    """An account of the contract's ledger: debits less credits. All of them sum to zero."""

    account: str
    fen: Annotated[int, Field(description="CNY, in fen; negative on the credit side")]


class ContractPayments(Model):
    """The payments of a contract in the order of its milestones, with its ledger's balances."""

    contract: str
    payments: list[PaymentLine]
    balances: list[AccountBalance]


@door("GET", "/contracts/<contract>/payments", out=ContractPayments, may=May.PAYMENT_READ)
def contract_payments(contract: str) -> ContractPayments:
    """The payments of a contract; 404 to whom it does not concern."""
    with web.db().read() as s:
        bills = queries.payments_of(s, contract)
        if not bills or not _concerns(bills[0]):
            abort(404)
        _entries, balances = queries.ledger_of(s, bills[0].row.contract_id)
    return ContractPayments(
        contract=contract,
        payments=[
            PaymentLine(
                milestone=b.row.milestone_no, reference=b.row.reference, state=cast(State, b.row.state), fen=b.row.fen,
                settled=b.row.settled, owed=b.left, excess=b.beyond, due_at=b.row.due_at, opened_at=b.row.opened_at,
                paid_at=b.row.paid_at,
            )
            for b in bills
        ],
        balances=[AccountBalance(account=b.account, fen=b.fen) for b in balances],
    )  # fmt: skip


def _concerns(bill: queries.Bill) -> bool:
    mine = g.user.org_id in (bill.row.owner_id, bill.row.firm_id)
    return mine or g.user.has(Role.OPERATOR) or g.user.has(Role.REGULATOR)
