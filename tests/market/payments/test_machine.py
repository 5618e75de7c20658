"""The ledger under any order of what happens: opened, paid, paid too much, given back, disputed, told again."""

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from market.db import Database
from market.errors import Refused
from market.moments import beijing_day
from market.payments import service
from market.payments.ledger import balances, ledger_sum, reconcile_ledger
from market.payments.models import LedgerEntry, Payment, Settlement
from market.payments.rules import excess, owed
from tests.makers import T0, database
from tests.makers_payments import Deal, make_deal, make_payment

FENS = st.integers(1, 60)
PROVIDERS = st.sampled_from(["transfer", "stripe"])
DAY = beijing_day(T0)
TEMPLATE, FOLDER = Path(), Path()
"""A founded city to copy, and where: set by the test."""


class Ledger(RuleBasedStateMachine):
    """Movements have ids of their own; each is told any number of times, and what it says never changes."""

    db: Database
    deal: Deal
    movements = Bundle("movements")
    sent = Bundle("sent")

    @initialize()
    def found(self) -> None:
        """A city of its own with one contract of three milestones."""
        file = FOLDER / "machine.db"
        shutil.copy(TEMPLATE, file)
        self.db = database(f"sqlite:///{file}")
        with self.db.write() as s:
            self.deal = make_deal(s, 50, 50, 50)
        self.contract = self.deal.contract.id
        self.payments: dict[int, int] = {}
        self.count = 0

    @rule(n=st.integers(1, 3), fen=FENS)
    def open(self, n: int, fen: int) -> None:
        """The same milestone opens one payment, whatever is asked the second time."""
        with self.db.write() as s:
            made = make_payment(s, self.deal, n, fen=fen)
            self.payments.setdefault(n, made.fen)
            assert made.fen == self.payments[n]

    @rule(target=movements, kind=st.sampled_from(["settle", "refund", "dispute", "restore"]), n=st.integers(1, 3),
          provider=PROVIDERS, fen=FENS)  # fmt: skip
    def plan(self, kind: str, n: int, provider: str, fen: int) -> tuple[Any, ...]:
        """A movement that may be told at any time."""
        self.count += 1
        return (kind, n, provider, f"m{self.count}", fen)

    @rule(target=sent, movement=consumes(movements))
    def tell(self, movement: tuple[Any, ...]) -> Any:
        """Tell it a first time."""
        return movement if self._tell(movement) else multiple()

    @rule(movement=sent)
    def tell_again(self, movement: tuple[Any, ...]) -> None:
        """Tell it once more: nothing changes."""
        with self.db.read() as s:
            before = [s.scalar(select(func.count()).select_from(t)) for t in (LedgerEntry, Settlement)]
        assert self._tell(movement)
        with self.db.read() as s:
            assert before == [s.scalar(select(func.count()).select_from(t)) for t in (LedgerEntry, Settlement)]

    @rule(movement=sent, more=FENS)
    def tell_another_story(self, movement: tuple[Any, ...], more: int) -> None:
        """Under the same id another sum is refused."""
        assert not self._tell((*movement[:4], movement[4] + more))

    def _tell(self, movement: tuple[Any, ...]) -> bool:
        kind, n, provider, external, fen = movement
        with self.db.read() as s:
            id = s.scalar(select(Payment.id).where(Payment.milestone_no == n))
        try:
            with self.db.write() as s:
                if id is None and kind != "settle":
                    return False
                if kind == "settle":
                    service.settle(s, id, provider, external, fen, DAY, "hand", "", T0)
                else:
                    getattr(service, kind)(s, provider, external, id, fen, DAY, "", T0)
        except Refused:
            return False
        return True

    @invariant()
    def holds(self) -> None:
        """Zero in the whole, and per payment what its row says; nothing below nothing; each id once."""
        if not hasattr(self, "db"):
            return
        with self.db.read() as s:
            assert ledger_sum(s) == 0
            assert reconcile_ledger(s) == []
            rows = s.scalars(select(Payment)).all()
            held = balances(s, self.contract)
            assert held.get(f"owed:{self.contract}", 0) == sum(owed(p.fen, p.settled) for p in rows)
            assert -held.get(f"excess:{self.contract}", 0) == sum(excess(p.fen, p.settled) for p in rows)
            assert -held.get(f"earned:{self.contract}", 0) == sum(p.fen for p in rows)
            assert all(p.settled >= 0 and (p.state == "paid") == (p.settled == p.fen) for p in rows)
            ids = s.execute(select(Settlement.provider, Settlement.external)).all()
            assert len(ids) == len(set(ids))

    def teardown(self) -> None:
        """Close the file."""
        if hasattr(self, "db"):
            self.db.close()


def test_the_ledger_holds_in_any_order(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "TEMPLATE", sqlite_template)
    monkeypatch.setattr(sys.modules[__name__], "FOLDER", tmp_path)
    run_state_machine_as_test(Ledger, settings=settings(max_examples=20, stateful_step_count=25, deadline=None))
