"""One-time links sent by mail: made when the mail leaves, kept only as a SHA-256, good once."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from market.errors import refuse
from market.identity.models import OneTimeToken
from market.identity.rules import LIFETIME, Purpose


def digest_of(token: str) -> bytes:
    """What is stored of a link or an API token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def make_link(s: Session, person_id: int, purpose: Purpose, now: datetime) -> str:
    """A fresh token for a person; it is shown to nobody but its mail (or `taozhongjie operator reset-link`)."""
    token = secrets.token_urlsafe(32)
    expires = now + LIFETIME[purpose]
    s.add(OneTimeToken(digest=digest_of(token), person_id=person_id, purpose=purpose, expires_at=expires))
    s.flush()
    return token


def use_link(s: Session, token: str, purpose: Purpose, now: datetime) -> int:
    """The person of a link, which is used up by this very statement: of two that come at once one gets it.

    Raises Refused `link.spent` for an unknown, used or expired one, without saying which.
    """
    mine = update(OneTimeToken).where(
        OneTimeToken.digest == digest_of(token),
        OneTimeToken.purpose == purpose,
        OneTimeToken.used_at.is_(None),
        OneTimeToken.expires_at > now,
    )
    person: int | None = s.scalar(mine.values(used_at=now).returning(OneTimeToken.person_id))
    if person is None:
        raise refuse("link.spent", status=410)
    return person


def void_links(s: Session, person_id: int, now: datetime) -> None:
    """End every open link of a person: after a new password, a correction or a disabling."""
    mine = update(OneTimeToken).where(OneTimeToken.person_id == person_id, OneTimeToken.used_at.is_(None))
    s.execute(mine.values(used_at=now))
