"""Turns notices of the outbox into mail: Chinese, then English, to an SMTP server or a folder of .eml files.

Links that let somebody in are made here, when the mail leaves, so that the database never holds one in clear.
"""

import os
import secrets
import smtplib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from market.clock import Clock
from market.db import Database
from market.identity import queries as identity
from market.identity.links import make_link
from market.identity.rules import LIFETIME, LINK_KINDS, mask_email
from market.settings import Settings
from portal.words import notice

SMTP_SECONDS: Final = 15
"""How long a mail server may take for one answer."""
RULE: Final = "\n\n" + "-" * 32 + "\n\n"


@dataclass(frozen=True)
class Mailer:
    """The outbox's handler for the topic `mail`: renders, sends, and tells what may be kept of it."""

    settings: Settings
    db: Database
    clock: Clock
    post: Callable[[EmailMessage], str | None] = field(init=False)

    def __post_init__(self) -> None:
        by_smtp = self.settings.smtp_url
        object.__setattr__(self, "post", Smtp(by_smtp) if by_smtp else Folder(self.settings.mail))

    def __call__(self, payload: dict[str, Any]) -> Mapping[str, Any]:
        """Send one mail to everybody it is for. Raises what the server raises; the outbox tries again."""
        now = self.clock.now()
        kind = str(payload["kind"])
        to, values = self._whom(payload, kind, now)
        kept: dict[str, Any] = {"kind": kind, "to": [mask_email(a) for a in to]}
        if to:
            file = self.post(self._message(to, kind, values, payload.get("link"), now))
            if file is not None and not identity.is_secret(kind):
                kept["file"] = file
        return kept

    def _whom(self, payload: dict[str, Any], kind: str, now: datetime) -> tuple[list[str], dict[str, Any]]:
        """Addresses and the values of the words; a link that lets somebody in is made in a transaction of its own."""
        with self.db.read() as s:
            people = identity.recipients(s, payload)
        values = dict(payload["values"]) | {
            "site": self.settings.city_name,
            "link": f"{self.settings.public_url}/login",
        }
        if len(people) == 1:
            values.setdefault("name", people[0].name)
        purpose = LINK_KINDS.get(kind)
        if purpose is not None and people:
            with self.db.write() as s:
                token = make_link(s, people[0].id, purpose, now)
            values["link"] = f"{self.settings.public_url}/{purpose.value}/{token}"
            values["until"] = (now + LIFETIME[purpose]).isoformat()
        return [p.email for p in people], values

    def _message(
        self, to: list[str], kind: str, values: Mapping[str, Any], link: str | None, now: datetime
    ) -> EmailMessage:
        (zh, zh_body), (en, en_body) = (notice(kind, values, lang) for lang in ("zh", "en"))
        if link is not None:
            zh_body += f"\n\n打开：{self.settings.public_url}{link}"
            en_body += f"\n\nOpen: {self.settings.public_url}/en{link}"
        message = EmailMessage()
        message["Subject"] = _one_line(f"{zh} / {en}")
        message["From"] = self.settings.mail_from
        message["To"] = ", ".join(to)
        message["Date"] = format_datetime(now)
        message["Message-ID"] = make_msgid(domain=self.settings.mail_from.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message["X-Taozhongjie-Kind"] = kind
        message.set_content(zh_body + RULE + en_body + "\n", cte="base64" if self.settings.smtp_url else "8bit")
        return message


def _one_line(text: str) -> str:
    """A header holds no line break; names in a subject could otherwise bring their own headers."""
    return " ".join(text.split())


class Folder:
    """Mail into a folder the operator can read: one file a mail, readable by the service alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, message: EmailMessage) -> str:
        """Write the mail and give the file's name; it appears whole or not at all."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = parsedate_to_datetime(message["Date"]).strftime("%Y%m%d-%H%M%S")
        name = f"{stamp}-{message['X-Taozhongjie-Kind']}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f".{name}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(message.as_bytes())
        draft.rename(self._folder / name)
        return name


class Smtp:
    """Mail to a server: `smtp://` (STARTTLS where offered, needed with a password) or `smtps://`."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        if self._url.scheme not in ("smtp", "smtps") or not self._url.hostname:
            raise ValueError("TAOZHONGJIE_SMTP must look like smtp://user:password@host:port or smtps://host.")

    def __call__(self, message: EmailMessage) -> None:
        """Hand the mail over. Raises smtplib.SMTPException or OSError."""
        with self._connect() as server:
            server.send_message(message)

    def _connect(self) -> smtplib.SMTP:
        url = self._url
        host, user = url.hostname or "", url.username
        context = ssl.create_default_context()
        if url.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or 465, timeout=SMTP_SECONDS, context=context)
        else:
            server = smtplib.SMTP(host, url.port or (587 if user else 25), timeout=SMTP_SECONDS)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif user:
                server.close()
                raise smtplib.SMTPNotSupportedError("The server offers no STARTTLS: the password is not sent.")
        if user:
            server.login(unquote(user), unquote(url.password or ""))
        return server
