"""Mail: in two languages, to a folder or a real SMTP server; links are made when it leaves."""

import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from market.db import Database
from market.identity.links import digest_of
from market.identity.models import OneTimeToken
from market.notices.deliver import deliver_due
from market.notices.models import Outbox
from market.notices.queries import sent_mail
from market.notices.service import mail_person, notify
from portal.mailer import Mailer, Smtp
from portal.web import City
from tests.makers import T0, make_org, make_person


class Box:
    """What a mail server took; refuses `refused@…`."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("refused"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.taken.append(envelope)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[Box, str]]:
    """A real server on this machine, and its URL."""
    with socket.socket() as free:  # the controller greets its own port, so it must be told one
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Box()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, f"smtp://127.0.0.1:{port}"
    server.stop()


def only_file(city: City) -> EmailMessage:
    (file,) = city.settings.mail.glob("*.eml")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(city.settings.mail.stat().st_mode) == 0o700
    found = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def deliver(city: City, **but: object) -> int:
    settings = replace(city.settings, **but)  # type: ignore[arg-type]
    return deliver_due(city.db, city.clock.now(), {"mail": Mailer(settings, city.db, city.clock)})


def test_a_mail_stands_in_chinese_then_english_and_leads_to_its_act(city: City, db: Database) -> None:
    with db.write() as s:
        org = make_org(s)
        make_person(s, org, email="ann@example.com")
        make_person(s, org, email="gone@example.com", disabled_at=T0)
        notify(s, T0, "account.welcome", org=org.id, link="/my", name="澄浦某\r\nBcc: x@example.com")

    assert deliver(city) == 1

    mail = only_file(city)
    text = mail.get_content()
    assert mail["To"] == "ann@example.com"
    assert mail["Bcc"] is None
    assert mail["Subject"] == "登记完成 / Registration complete"
    assert text.index("已登记，可以开始使用") < text.index("打开：http://city.test/my") < text.index("may begin")
    assert "http://city.test/en/my" in text


def test_an_office_is_told_together_and_nobody_else(city: City, db: Database) -> None:
    with db.write() as s:
        office = make_org(s, kind="authority", is_owner=False)
        make_person(s, office, email="op1@example.com", office="operator")
        make_person(s, office, email="op2@example.com", office="operator")
        make_person(s, office, email="reg@example.com", office="regulator")
        notify(s, T0, "organisation.registered", office="operator", name="某", uscc="x")

    deliver(city)

    assert only_file(city)["To"] == "op1@example.com, op2@example.com"


def test_a_link_is_made_when_the_mail_leaves_and_stands_nowhere_else(city: City, db: Database) -> None:
    with db.write() as s:
        person = make_person(s, make_org(s))
        mail_person(s, T0, "account.reset", person.id, {})
    with db.read() as s:
        assert s.scalars(select(OneTimeToken)).all() == []

    deliver(city)

    token = only_file(city).get_content().split("/reset/")[1].split()[0]
    with db.read() as s:
        assert s.scalars(select(OneTimeToken.digest)).all() == [digest_of(token)]
        row = s.scalars(select(Outbox)).one()
        assert token not in repr(row.payload)
        assert "file" not in row.payload  # its text is never shown


def test_the_operator_sees_a_masked_recipient_kind_time_and_state(city: City, db: Database) -> None:
    with db.write() as s:
        org = make_org(s)
        make_person(s, org, email="ann@example.com")
        notify(s, T0, "account.welcome", org=org.id, name="某")
        notify(s, T0, "account.welcome", org=make_org(s).id, name="没有人")

    deliver(city)

    with db.read() as s:
        rows, total = sent_mail(s)
    assert total == 2
    assert {(r.state, tuple(r.to)) for r in rows} == {("sent", ("a***@example.com",)), ("nobody", ())}
    assert all(r.kind == "account.welcome" for r in rows)


def test_a_server_takes_the_mail(city: City, db: Database, smtp: tuple[Box, str]) -> None:
    box, url = smtp
    with db.write() as s:
        org = make_org(s)
        make_person(s, org, email="ann@example.com")
        notify(s, T0, "account.welcome", org=org.id, name="澄浦某单位")

    assert deliver(city, smtp_url=url, mail_from="market@city.test") == 1

    (envelope,) = box.taken
    mail = message_from_bytes(envelope.content, policy=policy.default)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("market@city.test", ["ann@example.com"])
    assert "澄浦某单位 已登记" in mail.get_content()
    assert not city.settings.mail.exists()


def test_a_server_that_refuses_or_is_away_leaves_the_mail_for_later(
    city: City, db: Database, smtp: tuple[Box, str]
) -> None:
    with db.write() as s:
        org = make_org(s)
        make_person(s, org, email="refused@example.com")
        notify(s, T0, "account.welcome", org=org.id, name="某")

    assert deliver(city, smtp_url=smtp[1]) == 0

    with db.write() as s:
        row = s.scalars(select(Outbox)).one()
        assert row.error == "SMTPRecipientsRefused"
        row.due_at = T0
    assert deliver(city, smtp_url="smtp://127.0.0.1:1") == 0
    with db.read() as s:
        row = s.scalars(select(Outbox)).one()
        assert (row.error, row.tries, row.done_at) == ("ConnectionRefusedError", 2, None)


def test_a_password_is_not_sent_in_clear(city: City, smtp: tuple[Box, str]) -> None:
    url = smtp[1].replace("smtp://", "smtp://user:secret@")

    with pytest.raises(Exception, match="STARTTLS"):
        Smtp(url)(EmailMessage())


@pytest.mark.parametrize("url", ["http://x", "smtp://", "mail.example.com:25"])
def test_a_wrong_server_address_is_refused_with_its_mend(url: str) -> None:
    with pytest.raises(ValueError, match="TAOZHONGJIE_SMTP"):
        Smtp(url)
