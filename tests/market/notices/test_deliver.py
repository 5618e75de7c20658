"""The outbox: each piece of work done, put off or given up; on both databases."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from market.db import Database
from market.notices.deliver import LEASE, LONGEST_WAIT, TRIES_AT_MOST, deliver_due, send_again, wait_after
from market.notices.models import Outbox
from market.notices.queries import one_mail, outbox_counts, sent_mail
from market.notices.service import index_later, mail_person
from tests.makers import T0


def queue(db: Database, n: int = 1, at: datetime = T0) -> None:
    with db.write() as s:
        for i in range(n):
            mail_person(s, at, "account.reset", i + 1, {"secret": "never kept"})


def rows(db: Database) -> list[Outbox]:
    with db.read() as s:
        return list(s.scalars(select(Outbox).order_by(Outbox.id)))


def keeps(payload: dict[str, Any]) -> dict[str, Any]:
    return {"kind": payload["kind"], "to": ["l***@example.com"]}


def breaks(payload: dict[str, Any]) -> None:
    raise ConnectionRefusedError(f"no server for {payload}")


def test_done_work_keeps_its_time_and_loses_its_payload(db: Database) -> None:
    queue(db)

    assert deliver_due(db, T0, {"mail": keeps}) == 1

    (row,) = rows(db)
    assert row.done_at == T0
    assert row.payload == {"kind": "account.reset", "to": ["l***@example.com"]}
    assert deliver_due(db, T0 + timedelta(days=1), {"mail": keeps}) == 0


def test_work_without_a_handler_and_work_not_yet_due_wait(db: Database) -> None:
    queue(db, at=T0 + timedelta(seconds=1))
    with db.write() as s:
        index_later(s, T0, "job", 7)

    assert deliver_due(db, T0, {"mail": keeps}) == 0
    seen: list[Any] = []
    assert deliver_due(db, T0, {"index": seen.append}) == 1
    assert seen == [{"kind": "job", "id": 7}]


def test_a_failure_is_put_off_longer_each_time_and_says_only_its_name(db: Database) -> None:
    queue(db)
    now = T0
    for tries in range(1, 5):
        assert deliver_due(db, now, {"mail": breaks}) == 0
        (row,) = rows(db)
        assert (row.tries, row.error, row.done_at) == (tries, "ConnectionRefusedError", None)
        assert row.due_at == now + wait_after(tries)
        assert deliver_due(db, row.due_at - timedelta(microseconds=1), {"mail": breaks}) == 0
        now = row.due_at

    assert deliver_due(db, now, {"mail": keeps}) == 1
    assert rows(db)[0].error is None


def test_waits_double_to_a_bound() -> None:
    assert [wait_after(n).total_seconds() for n in (1, 2, 3)] == [30, 60, 120]
    assert wait_after(50) == LONGEST_WAIT


def test_one_that_fails_does_not_hold_up_the_rest(db: Database) -> None:
    queue(db, 5)

    def odd(payload: dict[str, Any]) -> dict[str, Any]:
        if payload["person"] == 3:
            raise ValueError
        return keeps(payload)

    assert deliver_due(db, T0, {"mail": odd}) == 4


def test_work_is_given_up_and_may_be_sent_again(db: Database) -> None:
    queue(db)
    now = T0
    for _ in range(TRIES_AT_MOST + 3):
        deliver_due(db, now, {"mail": breaks})
        now += LONGEST_WAIT
    with db.read() as s:
        assert outbox_counts(s) == {"waiting": 0, "failed": 1}
        (mail,), total = sent_mail(s)
        assert (mail.state, mail.kind, mail.to, total) == ("failed", "account.reset", [], 1)

    with db.write() as s:
        assert send_again(s, mail.id, now)
    assert deliver_due(db, now, {"mail": keeps}) == 1
    with db.write() as s:
        assert not send_again(s, mail.id, now)
    with db.read() as s:
        sent = one_mail(s, mail.id)
        assert sent is not None
        assert (sent.state, sent.to) == ("sent", ["l***@example.com"])


def test_a_process_that_dies_leaves_its_work_to_the_next_after_the_lease(db: Database) -> None:
    queue(db)

    def dies(payload: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver_due(db, T0, {"mail": dies})

    assert deliver_due(db, T0 + LEASE - timedelta(seconds=1), {"mail": keeps}) == 0
    assert deliver_due(db, T0 + LEASE, {"mail": keeps}) == 1


def test_processes_that_come_together_do_each_piece_once(db: Database) -> None:
    queue(db, 40)
    done, lock = [], threading.Lock()

    def keep(payload: dict[str, Any]) -> dict[str, Any]:
        with lock:
            done.append(payload["person"])
        return keeps(payload)

    def run() -> None:
        for _ in range(6):
            deliver_due(db, T0, {"mail": keep}, limit=10)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

    assert sorted(done) == list(range(1, 41))
    assert all(r.done_at == T0 for r in rows(db))


def test_nothing_is_locked_while_the_handler_works(db: Database) -> None:
    queue(db)

    def writes(payload: dict[str, Any]) -> dict[str, Any]:
        queue(db, at=T0 + timedelta(days=1))
        return keeps(payload)

    assert deliver_due(db, T0, {"mail": writes}) == 1
