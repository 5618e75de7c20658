"""Acts on a contract in any order, by either side: sums stay whole, states legal, nothing is accepted or owed twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from market.contracts import service as contracts
from market.contracts.models import ChangeOrder, Contract, Deliverable, Milestone, Pause
from market.contracts.rules import NEXT, State
from market.db import Database
from market.errors import Refused
from market.identity.queries import platform_key
from market.identity.rules import User
from market.payments.models import Payment
from market.payments.service import settle
from tests.makers import T0, database
from tests.makers_contracts import Deal, open_deal

REACHED = {(str(old), str(new)) for (old, _), new in NEXT.items()}
sides = st.booleans()


class ContractMachine(RuleBasedStateMachine):
    """One contract in one transaction that is rolled back at the end; a refused act is a savepoint undone."""

    city: Database

    @initialize(amount=st.integers(20, 10**10), shares=st.lists(st.integers(1, 99), min_size=1, max_size=4))
    def open(self, amount: int, shares: list[int]) -> None:
        self.work = self.city.write()
        self.s: Session = self.work.__enter__()
        self.now = T0
        self.deal: Deal = open_deal(self.s, amount=amount, days=20)
        rest = [10_000 * n // sum(shares) for n in shares[:-1]]
        self.plan = [
            contracts.Planned(f"第{no}期", share, 20 - len(shares) + no)
            for no, share in enumerate([*rest, 10_000 - sum(rest)], 1)
        ]
        self.secret = platform_key(self.s, "receipt").secret
        self.was: str = State.OPENED
        self.accepted = 0

    def teardown(self) -> None:
        if hasattr(self, "s"):
            self.s.rollback()
            self.work.__exit__(None, None, None)

    def _by(self, owner: bool) -> User:
        return self.deal.owner if owner else self.deal.firm

    @contextmanager
    def _trying(self) -> Iterator[None]:
        try:
            with self.s.begin_nested():
                yield
        except Refused as no:
            assert no.status in (403, 404, 409, 422)

    def _try(self, act: Callable[..., Any], *args: Any) -> None:
        with self._trying():
            act(self.s, *args)

    def _newest(self, table: Any) -> int:
        return self.s.scalar(select(func.max(table.id)).where(table.contract_id == self.deal.id)) or 0

    @rule(hours=st.integers(0, 120))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(owner=sides)
    def plan_anew(self, owner: bool) -> None:
        self._try(contracts.set_milestones, self.deal.id, self.plan, self._by(owner), self.now)

    @rule(owner=sides)
    def confirm(self, owner: bool) -> None:
        self._try(contracts.confirm, self.deal.id, self._by(owner), self.now, self.secret)

    @rule()
    def sign(self) -> None:
        for owner in (True, False):
            self.confirm(owner)
        self._try(contracts.complete_inputs, self.deal.id, self.deal.firm, self.now)

    @rule(no=st.integers(1, 4), owner=st.sampled_from([False, False, False, True]))
    def deliver(self, no: int, owner: bool) -> None:
        self._try(contracts.deliver, self.deal.id, no, None, "成果", self._by(owner), self.now)

    @rule(
        back=st.integers(0, 2), accept=st.sampled_from([True, True, False]), owner=st.sampled_from([True, True, False])
    )
    def judge(self, back: int, accept: bool, owner: bool) -> None:
        self._try(contracts.judge, self._newest(Deliverable) - back, accept, "缺少图纸", self._by(owner), self.now)

    @rule(owner=sides, whose=st.sampled_from(["owner", "authority", "firm"]), hours=st.none() | st.integers(-5, 300))
    def pause(self, owner: bool, whose: str, hours: int | None) -> None:
        until = None if hours is None else self.now + timedelta(hours=hours)
        self._try(
            contracts.propose_pause, self.deal.id, whose, "等待补充资料", self.now, until, self._by(owner), self.now
        )

    @rule(owner=sides, agree=sides)
    def answer_pause(self, owner: bool, agree: bool) -> None:
        self._try(contracts.answer_pause, self._newest(Pause), agree, self._by(owner), self.now)

    @rule(owner=sides)
    def end_pause(self, owner: bool) -> None:
        self._try(contracts.end_pause, self._newest(Pause), self._by(owner), self.now)

    @rule(owner=sides, percent=st.integers(1, 170), days=st.integers(0, 45))
    def change(self, owner: bool, percent: int, days: int) -> None:
        amount = self.deal.contract.amount * percent // 100
        self._try(
            contracts.propose_change, self.deal.id, amount, days, "", "增加监测点位", None, self._by(owner), self.now
        )

    @rule(owner=sides, agree=sides)
    def answer_change(self, owner: bool, agree: bool) -> None:
        self._try(contracts.answer_change, self._newest(ChangeOrder), agree, "", self._by(owner), self.now)

    @rule(owner=sides, seldom=st.integers(0, 15))
    def end(self, owner: bool, seldom: int) -> None:
        if seldom == 0:
            self._try(contracts.terminate, self.deal.id, "不再需要这项服务", self._by(owner), self.now)
        if seldom == 1:
            self._try(contracts.end_unsigned, self.deal.id, "不再签约", self._by(owner), self.now)

    @precondition(lambda self: self.was == State.ACCEPTED)
    @rule()
    def pay(self) -> None:
        for p in self.s.scalars(select(Payment).where(Payment.contract_id == self.deal.id)).all():
            settle(self.s, p.id, "transfer", f"m{p.id}", p.fen, T0.date(), "reference", "", self.now)

    @rule()
    def tick(self) -> None:
        while contracts.warn_late_next(self.s, self.now) is not None:
            pass
        contracts.complete_next(self.s, self.now)

    @invariant()
    def the_contract_holds(self) -> None:
        if not hasattr(self, "s"):
            return
        c = self.s.get_one(Contract, self.deal.id)
        parts = self.s.scalars(select(Milestone).where(Milestone.contract_id == c.id)).all()
        owed = self.s.scalars(select(Payment).where(Payment.contract_id == c.id)).all()
        done = {m.id: m.fen for m in parts if m.state == "accepted"}

        assert sum(m.fen for m in parts) == c.amount_now and min(m.fen for m in parts) >= 1
        assert {p.milestone_id: p.fen for p in owed} == done and len(owed) == len(done) >= self.accepted
        assert c.state == self.was or self._led(self.was, c.state)
        assert (c.days_used is None) == (c.delivered_at is None) and (c.days_used or 0) >= 0
        assert (c.signed_at is None) == (c.state in (State.OPENED, State.REFUSED))
        assert c.amount_now <= c.amount * 3 // 2 and c.days_now <= 2 * c.days
        assert max(m.due_days for m in parts) == c.days_now
        self.was, self.accepted = c.state, len(done)

    @staticmethod
    def _led(old: str, new: str) -> bool:
        """Whether one event, or one rule of several, can lead from a state to another."""
        return (str(old), str(new)) in REACHED


def test_no_order_of_acts_breaks_a_contract(sqlite_city: str) -> None:
    class Here(ContractMachine):
        city = database(sqlite_city)

    run_state_machine_as_test(Here, settings=settings(max_examples=60, stateful_step_count=40))
    Here.city.close()
