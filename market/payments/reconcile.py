"""Compare what Stripe has with what the ledger has, account by account, and fill the gaps no webhook told of.

A gap is filled as an event of our own in the inbox, so that one worker verifies and posts everything in one way. What
only one side has is told on the operator's page.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.db import Database
from market.moments import beijing_day
from market.payments.inbox import Event, keep
from market.payments.models import Checkout, Payment, PaymentAccount, Reconciliation, Settlement
from market.payments.port import Declined, Moved, Unreachable
from market.payments.posting import PROVIDER, TAKEN, settled_ids

log = logging.getLogger("taozhongjie.stripe")

OVERLAP: Final = timedelta(days=3)
"""How far each look goes back behind the last one: a payment begun on a page may come to its end a day later."""
QUIET: Final = timedelta(minutes=10)
"""How long a webhook may take; what is younger is no gap yet."""
CHUNK: Final = 200
KINDS: Final = {"paid": "payment_intent.succeeded", "refund": "refund.updated", "dispute": "charge.dispute.updated"}
MOST: Final = 50
"""Differences that are listed; all are counted."""


class Lists(Protocol):
    """What reconciling asks a provider for."""

    def payments_since(self, account: str, since: datetime) -> Iterator[Moved]: ...
    def refunds_since(self, account: str, since: datetime) -> Iterator[Moved]: ...
    def disputes_since(self, account: str, since: datetime) -> Iterator[Moved]: ...


@dataclass
class Look:
    """What one look at an account found."""

    account: str
    looked: int = 0
    filled: int = 0
    seen: set[str] = field(default_factory=set)
    differences: list[dict[str, Any]] = field(default_factory=list)


def reconcile(db: Database, lists: Lists, clock: Callable[[], datetime]) -> list[Look]:
    """Look at every account; one that cannot be reached is left for the next time, and the others go on."""
    looks = []
    with db.read() as s:
        accounts = list(s.scalars(select(PaymentAccount.account).where(PaymentAccount.account.is_not(None)).distinct()))
    for account in accounts:
        try:
            looks.append(reconcile_account(db, lists, account or "", clock()))
        except (Unreachable, Declined) as no:
            log.warning("account %s was not compared: %s", account, no)
    return looks


def reconcile_account(db: Database, lists: Lists, account: str, now: datetime) -> Look:
    """Compare one account since its last look, and note how far that went. Raises Unreachable, Declined."""
    with db.read() as s:
        since = _since(s, account, now)
    look, upto = Look(account), now - QUIET
    for ask in (lists.payments_since, lists.refunds_since, lists.disputes_since):
        for chunk in _chunks(ask(account, since)):  # each chunk is asked for before its transaction begins
            with db.write() as s:
                _compare(s, look, chunk, upto, now)
    with db.write() as s:
        _only_here(s, look, since, upto)
        _note(s, look, upto, now)
    return look


def _since(s: Session, account: str, now: datetime) -> datetime:
    last = s.scalar(
        select(Reconciliation.upto).where(Reconciliation.provider == PROVIDER, Reconciliation.account == account)
    )
    if last is None:
        last = s.scalar(
            select(PaymentAccount.recorded_at)
            .where(PaymentAccount.account == account)
            .order_by(PaymentAccount.recorded_at)
            .limit(1)
        )
    return (last or now) - OVERLAP


def _chunks(rows: Iterable[Moved]) -> Iterator[list[Moved]]:
    chunk: list[Moved] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _final(moved: Moved) -> bool:
    """Whether money moved, so that the ledger must know it."""
    if moved.kind == "dispute":
        return moved.status in TAKEN | {"won"}
    return moved.status == "succeeded"


def _compare(s: Session, look: Look, chunk: Sequence[Moved], upto: datetime, now: datetime) -> None:
    """Put what the ledger lacks into the inbox, and note what it has otherwise."""
    mine = [m for m in chunk if m.kind != "paid" or "payment" in m.metadata]  # the firm may sell other things there
    known = settled_ids(s, [m.id for m in mine] + [m.intent for m in mine])
    for moved in mine:
        look.looked += 1
        look.seen.add(moved.id)
        ours = moved.kind == "paid" or moved.intent in known
        if not ours or moved.at > upto:
            continue
        undone = moved.status in ("failed", "canceled", "won") and moved.kind != "paid" and moved.id in known
        if (_final(moved) and moved.id not in known) or (undone and not settled_ids(s, [f"{moved.id}:back"])):
            event = Event(f"reconcile:{moved.id}:{moved.status}", KINDS[moved.kind], look.account, moved.id, moved.at)
            look.filled += keep(s, event, now)
        elif moved.id in known and known[moved.id] != moved.fen:
            _differ(look, moved.kind, moved.id, moved.fen - known[moved.id], "amount")


def _only_here(s: Session, look: Look, since: datetime, upto: datetime) -> None:
    """What the ledger has of this account, begun within the time looked at, and Stripe's lists have not."""
    paid = select(Settlement.external, Settlement.fen, Settlement.kind).where(
        Settlement.provider == PROVIDER,
        Settlement.kind == "paid",
        Settlement.memo == look.account,
        Settlement.value_on > beijing_day(since),
        Settlement.recorded_at <= upto,
    )
    for row in s.execute(paid):
        if row.external not in look.seen:
            _differ(look, row.kind, row.external, -row.fen, "unknown_at_stripe")


def _differ(look: Look, kind: str, id: str, fen: int, why: str) -> None:
    look.differences.append({"kind": kind, "id": id, "fen": fen, "why": why})


def _note(s: Session, look: Look, upto: datetime, now: datetime) -> None:
    mine = select(Reconciliation).where(Reconciliation.provider == PROVIDER, Reconciliation.account == look.account)
    row = s.scalars(mine.with_for_update()).first()
    if row is None:
        row = Reconciliation(
            provider=PROVIDER, account=look.account, upto=upto, ran_at=now, looked=0, filled=0, differences=[]
        )
        s.add(row)
    row.upto, row.ran_at = max(row.upto, upto), now
    row.looked, row.filled, row.differences = look.looked, look.filled, look.differences[:MOST]


def open_pages(s: Session, before: datetime) -> list[tuple[str, str]]:
    """Pages under way whose time is over: (account, session), to be asked for what became of them."""
    over = select(Checkout.account, Checkout.session).join(Payment, Payment.session == Checkout.session)
    return [(r.account, r.session) for r in s.execute(over.where(Payment.session_expires < before).limit(CHUNK))]


def ask_pages(db: Database, now: datetime) -> int:
    """Put pages whose end no webhook told into the inbox; how many."""
    with db.read() as s:
        pages = open_pages(s, now - QUIET)
    if not pages:
        return 0
    with db.write() as s:
        return sum(
            keep(s, Event(f"reconcile:{id}", "checkout.session.expired", account, id, now), now)
            for account, id in pages
        )


def reports(s: Session) -> list[Reconciliation]:
    """The last look at each account, those with differences first."""
    found = s.scalars(select(Reconciliation).order_by(Reconciliation.account)).all()
    return sorted(found, key=lambda r: (not r.differences, r.account))
