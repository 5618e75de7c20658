"""How the sample's owners pay: by bank transfer, which the firm's own statements tell the market (CSV, imported)."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from typing import Any

from market.contracts.folder import of_job
from market.contracts.service import complete_next
from market.moments import beijing_day
from market.payments.accounts import record_account
from market.payments.invoices import Given, record_invoice
from market.payments.queries import differences, payment_at
from market.payments.transfer import assign, load, nod
from portal.sample.days import Days
from portal.sample.entering import Queue
from portal.sample.fates import Money
from portal.sample.names import account

HEAD = "交易日期,贷方发生额,对方户名,摘要,流水号\n"
TAX = 6
"""VAT of services, percent."""
FIRST_ACCOUNT = 5_000_000


class Paying:
    """Queues transfers, the statements that show them, and what a firm does with lines that matched nothing."""

    def __init__(self, days: Days, queue: Queue) -> None:
        self._days, self._queue = days, queue
        self._lines: dict[int, list[str]] = {}
        self._waiting: dict[tuple[int, str], int] = {}
        self._accounts: set[int] = set()
        self._number = 0

    def contract(self, s: Any, deal: Any) -> Any:
        """The contract as it is now."""
        return of_job(s, deal.job)

    def account(self, s: Any, deal: Any, now: datetime) -> None:
        """A firm names its account with its first contract."""
        if deal.firm.org_id not in self._accounts:
            self._accounts.add(deal.firm.org_id)
            number = account(FIRST_ACCOUNT + deal.firm.org_id)
            record_account(s, deal.firm.org_name, "澄浦银行", number, deal.firm, now)

    def follow(self, s: Any, deal: Any, no: int, money: Sequence[Money], now: datetime) -> None:
        """A milestone was accepted: the firm sends its invoice, the owner pays."""
        bill = payment_at(s, deal.code, no)
        if bill is None:
            return
        self._queue(
            self._days.later(now, 1, 9.6), partial(self._invoices, deal=deal, payment=bill.row.id, fen=bill.row.fen)
        )
        for one in money:
            fen = max(1, round(bill.row.fen * one.share))
            if len(money) == 2 and one is money[1]:
                fen = bill.row.fen - round(bill.row.fen * money[0].share)
            arrives = self._days.later(now, one.after, 15.0)
            if fen > 0:
                line = partial(self._arrives, deal=deal, bill=bill, fen=fen, named=one.named)
                self._queue(arrives, line)

    def _invoices(self, s: Any, now: datetime, deal: Any, payment: int, fen: int) -> None:
        self._number += 1
        day = beijing_day(now)
        given = Given("electronic", "", f"{day:%y}3399{self._number:014d}", day, fen, fen * TAX // (100 + TAX), payment)
        record_invoice(s, deal.id, deal.code, deal.owner.org_id, deal.firm.org_id, given, deal.firm, now)

    def _arrives(self, s: Any, now: datetime, deal: Any, bill: Any, fen: int, named: str) -> None:
        """A line on the firm's account; it looks at its statement on the next working day but one."""
        self._number += 1
        day, org = beijing_day(now), deal.firm.org_id
        bank_id = f"CP{self._number:09d}"
        self._waiting[org, bank_id] = bill.row.id
        line = written(day, fen, deal.owner.org_name, _memo(bill.reference, named), bank_id)
        if org not in self._lines:
            self._lines[org] = []
            self._queue(self._days.later(now, 2, 9.2), partial(self._loads, firm=deal.firm))
        self._lines[org].append(line)

    def _loads(self, s: Any, now: datetime, firm: Any) -> None:
        lines = self._lines.pop(firm.org_id)
        day = beijing_day(now)
        load(s, firm.org_id, f"对账单 {day}.csv", (HEAD + "".join(lines)).encode(), firm, now)
        if any(state in ("near", "unmatched") for state in self._states(s, firm.org_id)):
            self._queue(self._days.later(now, 4, 10.1), partial(self._sorts, firm=firm))
        self._completes(s, now)

    def _states(self, s: Any, org: int) -> list[str]:
        return [state for state in ("near", "unmatched") if differences(s, org, state, 1)[1]]

    def _sorts(self, s: Any, now: datetime, firm: Any) -> None:
        """Lines that only looked like a payment are nodded to, others booked by hand."""
        for state in self._states(s, firm.org_id):
            for one in differences(s, firm.org_id, state, 1)[0]:
                if state == "near":
                    nod(s, one.line.id, True, firm, now)
                else:
                    assign(s, one.line.id, self._waiting[firm.org_id, one.line.bank_id or ""], firm, now)
        self._completes(s, now)

    def _completes(self, s: Any, now: datetime) -> None:
        while complete_next(s, now) is not None:
            pass


def written(day: date, fen: int, payer: str, text: str, bank_id: str) -> str:
    """A line of a statement as a bank exports it."""
    return f'{day:%Y%m%d},"{fen // 100:,}.{fen % 100:02d}",{payer},{text},{bank_id}\n'


def _memo(reference: str, named: str) -> str:
    """What the payer typed: the reference, one letter of it wrong, or nothing of it."""
    if named == "none":
        return "服务费"
    last = reference[-1]
    spoiled = reference[:-1] + ("3" if last != "3" else "4")
    return f"服务费 {reference if named == 'shown' else spoiled}"
