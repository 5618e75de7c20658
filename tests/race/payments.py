"""Payments by the thousand over both providers, with duplicates, reorderings, drops and killed processes."""

import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from market import settings
from market.clock import SystemClock
from market.moments import beijing_day
from market.notices.models import Outbox
from market.payments.ledger import ledger_sum, reconcile_ledger
from market.payments.models import Checkout, InboxEvent, Payment, PaymentAccount, Reconciliation, Settlement
from portal.composition import open_city
from portal.scheduler import compare_payments, take_payments
from tests.makers import FOUNDED, T0, Party, make_firm, make_owner
from tests.makers_payments import make_deal, make_payment
from tests.race.city import RaceCity, pause
from tests.race.site import Site
from tests.race.stand_in import OURS, LocalStripe, Relay

FIRMS, MILESTONES, REFUNDED, TRIES = 8, 25, 20, 8
"""Firms that are paid; milestones of a contract; every so many-th payment by Stripe is given back in part."""


@dataclass
class Run:
    """One run: its city, what is to be paid by whom, and what happened."""

    city: RaceCity
    luck: random.Random
    firms: list[Party] = field(default_factory=list)
    by_stripe: list[tuple[int, int, str]] = field(default_factory=list)
    by_bank: dict[int, list[tuple[int, int, str]]] = field(default_factory=dict)
    account_of: dict[int, str] = field(default_factory=dict)
    kills: int = 0
    refunds: int = 0

    # ── what is owed ────────────────────────────────────────────────────────────────────────────────────────────

    def owe(self, n: int) -> None:
        """`n` payments, every other contract by Stripe, where a page was opened for each.

        All of those are to one firm: the stand-in knows no accounts, and would list every payment on each of them.
        """
        with self.city.db.write() as s:
            owner = make_owner(s)
            self.firms = [make_firm(s) for _ in range(FIRMS)]
            s.add(_account(self.firms[0]))
        for i, start in enumerate(range(0, n, MILESTONES)):
            firm = self.firms[0] if i % 2 else self.firms[1 + i // 2 % (FIRMS - 1)]
            with self.city.db.write() as s:
                self._contract(s, owner, firm, min(MILESTONES, n - start))
        with self.city.db.write() as s:
            s.execute(delete(Outbox))  # thousands of mails would only keep the schedulers from their work

    def _contract(self, s: Session, owner: Party, firm: Party, n: int) -> None:
        deal = make_deal(s, *(self.luck.randrange(100, 50_000_000) for _ in range(n)), owner=owner, firm=firm)
        for no in range(1, n + 1):
            payment = make_payment(s, deal, no)
            what = (payment.id, payment.fen, payment.reference)
            if firm is not self.firms[0]:
                self.by_bank.setdefault(firm.org.id, []).append(what)
                continue
            self.by_stripe.append(what)
            self.account_of[payment.id] = f"acct_{firm.org.id}"
            s.add(
                Checkout(
                    payment_id=payment.id, session=f"cs_{payment.id}", account=f"acct_{firm.org.id}", fen=payment.fen,
                    opened_at=T0,
                )
            )  # fmt: skip

    # ── statements ──────────────────────────────────────────────────────────────────────────────────────────────

    def write_statements(self, folder: Path) -> int:
        """Each firm's credits in five statements out of order that overlap, and a sixth with what they left out."""
        folder.mkdir()
        day, lines = beijing_day(self.city.clock.now()), 0
        for firm in self.firms:
            rows = [
                f"{day},{fen / 100:.2f},付款单位{id},货款 {code},B{id:08d}"
                for id, fen, code in self.by_bank.get(firm.org.id, [])
            ]
            self.luck.shuffle(rows)
            cuts = [rows[i::5] for i in range(5)]
            left_out = [row for row in rows if self.luck.random() < 0.1]
            for i, part in enumerate(cuts):
                again = self.luck.sample(cuts[i - 1], len(cuts[i - 1]) // 3)  # and a third of another one
                mixed = [row for row in part if row not in left_out] + again
                self.luck.shuffle(mixed)
                lines += self._write(folder, f"{i}", firm, mixed)
            lines += self._write(folder, "9", firm, left_out + rows[:3])
        return lines

    def _write(self, folder: Path, order: str, firm: Party, rows: list[str]) -> int:
        if rows:
            text = "\r\n".join(["交易日期,收入金额,对方户名,摘要,流水号", *rows, ""])
            name = f"{order}-{firm.org.id}-{firm.person.id}-{firm.person.epoch}.csv"
            (folder / name).write_bytes(text.encode("gb18030" if order == "1" else "utf-8"))
        return len(rows)

    # ── processes ───────────────────────────────────────────────────────────────────────────────────────────────

    def loader(self, folder: Path) -> "subprocess.Popen[bytes]":
        """A process that loads the statements."""
        with (self.city.home / "statements.log").open("ab") as log:
            command = [sys.executable, "-m", "tests.race.statements", str(folder)]
            made = subprocess.Popen(command, env=self.city.env, stdout=log, stderr=log, cwd=Path.cwd())
        self.city.running.append(made)
        return made

    def trouble(self, folder: Path, relay: Relay, kills: int, schedulers: int = 2) -> None:
        """Let workers and loaders run, and kill them, until everything that was told is worked on."""
        workers = [self.city.start("scheduler") for _ in range(schedulers)]
        loader = self.loader(folder)
        while relay.waiting or self._open_events() or loader.poll() != 0 or relay.came < len(self.by_stripe):
            pause(self.luck.uniform(0.2, 0.8))
            if self.kills < kills and self._begun():
                victim = self.luck.randrange(schedulers + 1)
                process = loader if victim == schedulers else workers[victim]
                if process.poll() is None:
                    process.kill()
                    process.wait()
                    self.kills += 1
            workers = [w if w.poll() is None else self.city.start("scheduler") for w in workers]
            if loader.poll() not in (None, 0):
                loader = self.loader(folder)
            if self.kills >= kills:
                self._free_leases()
        for worker in workers:
            worker.kill()
            worker.wait()

    def _begun(self) -> bool:
        with self.city.db.read() as r:
            return r.scalar(select(InboxEvent.id).where(InboxEvent.state == "done").limit(1)) is not None

    def _free_leases(self) -> None:
        """What a killed worker held would come due in two minutes; a race need not wait for that."""
        with self.city.db.write() as s:
            now = self.city.clock.now()
            held = update(InboxEvent).where(InboxEvent.state == "new", InboxEvent.due_at > now + timedelta(seconds=90))
            s.execute(held.values(due_at=now + timedelta(seconds=5)).execution_options(synchronize_session=False))

    def _open_events(self) -> int:
        with self.city.db.read() as r:
            return r.scalar(select(func.count()).where(InboxEvent.state == "new")) or 0

    def give_back(self, stand_in: LocalStripe, intents: list[str]) -> None:
        """Some firms give back in part, at Stripe itself; the stand-in tells nobody of it."""
        for (_, fen, _), intent in list(zip(self.by_stripe, intents, strict=True))[::REFUNDED]:
            stand_in.post("/v1/refunds", {"payment_intent": intent, "amount": str(fen // 4)})
            self.refunds += 1

    def reconcile(self) -> int:
        """An hour later: compare with Stripe and work on what was found; how many gaps were filled in all.

        Often, because the stand-in walks all its objects for each list, and a busy machine lets some of them time out.
        """
        self.city.set_clock(SystemClock().now() + timedelta(hours=1))
        made = open_city(settings.read(self.city.env))
        try:
            filled = 0
            for _ in range(TRIES):
                compare_payments(made)
                with made.db.read() as s:
                    filled += sum(s.scalars(select(Reconciliation.filled)))
                take_payments(made)
            return filled
        finally:
            made.db.close()

    # ── what must hold ──────────────────────────────────────────────────────────────────────────────────────────

    def all_is_well(self) -> None:
        """None lost, none doubled, the ledger zero and in step with every payment."""
        back = {id: fen // 4 for id, fen, _ in self.by_stripe[::REFUNDED]}
        wanted = dict(self.by_stripe_fen()) | {i: fen for rows in self.by_bank.values() for i, fen, _ in rows}
        with self.city.db.read() as s:
            payments = s.scalars(select(Payment)).all()
            told = s.execute(
                select(Settlement.provider, Settlement.kind, func.count(), func.sum(Settlement.fen)).group_by(
                    Settlement.provider, Settlement.kind
                )
            ).all()
            left = select(InboxEvent.state, InboxEvent.error, InboxEvent.kind).where(InboxEvent.state != "done")
            faults = [tuple(row) for row in s.execute(left)]
            assert ledger_sum(s) == 0 and reconcile_ledger(s) == []
            assert [r.differences for r in s.scalars(select(Reconciliation)) if r.differences] == []
        moved = {(provider, kind): (n, int(fen)) for provider, kind, n, fen in told}
        bank = [fen for rows in self.by_bank.values() for _, fen, _ in rows]
        assert faults == [], faults
        assert moved == {
            ("stripe", "paid"): (len(self.by_stripe), sum(fen for _, fen, _ in self.by_stripe)),
            ("stripe", "refund"): (self.refunds, sum(back.values())),
            ("transfer", "paid"): (len(bank), sum(bank)),
        }
        assert {p.id: p.settled for p in payments} == {id: fen - back.get(id, 0) for id, fen in wanted.items()}
        assert {p.state for p in payments if p.id not in back} == {"paid"}

    def by_stripe_fen(self) -> list[tuple[int, int]]:
        """Payment and fen of what is paid by Stripe."""
        return [(id, fen) for id, fen, _ in self.by_stripe]


def _account(firm: Party) -> PaymentAccount:
    return PaymentAccount(
        org_id=firm.org.id, kind="stripe", holder=firm.org.name, bank="Stripe", secret=b"", tail=str(firm.org.id)[-4:],
        methods=["card"], recorded_at=FOUNDED, account=f"acct_{firm.org.id}",
    )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What a run came to."""

    payments: int
    events: int
    dropped: int
    doubled: int
    kills: int
    filled: int
    refunds: int
    lines: int


def great_run(url: str, n: int, kills: int, seed: int = 11, say: Callable[[str], None] = lambda _: None) -> Told:
    """The whole of it on a founded database. Raises AssertionError where something is lost, doubled or out of step."""
    with LocalStripe() as stand_in, RaceCity(url) as city:
        city.set_clock(SystemClock().now())
        city.env |= {
            "TAOZHONGJIE_STRIPE_KEY": "sk_test_run", "TAOZHONGJIE_STRIPE_WEBHOOK_SECRET": OURS,
            "TAOZHONGJIE_STRIPE_API": stand_in.url,
        }  # fmt: skip
        run = Run(city, random.Random(seed))
        run.owe(n)
        say(f"{n} payments are owed")
        with Site(city, workers=1, threads=4) as site:

            def send(body: bytes, signature: str) -> int:
                headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
                return site.send("POST", "/hooks/stripe", body, headers).status

            with Relay(send, run.account_of.__getitem__, city.clock, seed) as relay:
                stand_in.tell(relay.url)
                lines = run.write_statements(city.home / "statements")
                intents = stand_in.pay(run.by_stripe)
                say(f"{len(intents)} are paid at the stand-in, {lines} lines stand in statements")
                run.trouble(city.home / "statements", relay, kills)
                say(f"{relay.sent} events were delivered, {run.kills} processes killed")
        run.give_back(stand_in, intents)
        filled = run.reconcile()
        try:
            run.all_is_well()
        except AssertionError as wrong:
            raise AssertionError(f"{wrong}\n{city.logs()}") from wrong
        return Told(n, relay.sent, relay.dropped, relay.doubled, run.kills, filled, run.refunds, lines)
