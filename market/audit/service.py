"""Append a record in the caller's transaction; it commits or vanishes with the change it tells of."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.orm import Session

from market.audit.models import AuditEntry, AuditVeil
from market.audit.rules import NEVER, Deed, leaf_data, leaf_hash
from market.batch import append

XID: ColumnElement[int] = literal_column("pg_current_xact_id()::text::bigint")


def entry_values(
    deed: Deed,
    now: datetime,
    actor: str,
    subject: str | None = None,
    veil: str | None = None,
    blinded: Mapping[str, object] | None = None,
    **facts: object,
) -> dict[str, Any]:
    """The column values of a record, for callers that write many rows in one statement (the bid path).

    `actor`: `person:7`, `bidder:…` or `system`. Facts are ids, numbers and digests; never names or secrets. A record
    under a veil always has a salt, else its leaf could be guessed from its few possible facts.
    """
    hidden: dict[str, object] = dict(blinded or {})
    if veil is not None and not hidden:
        hidden["veil"] = veil
    salted = {name: {"salt": secrets.token_hex(16), "value": value} for name, value in hidden.items()}
    leaf = leaf_hash(leaf_data(deed, now, actor, facts, salted))
    return {
        "at": now,
        "deed": str(deed),
        "actor": actor,
        "subject": subject,
        "facts": facts,
        "blinded": salted,
        "veil": veil,
        "leaf": leaf,
    }


def record(
    s: Session,
    deed: Deed,
    now: datetime,
    actor: str,
    subject: str | None = None,
    veil: str | None = None,
    blinded: Mapping[str, object] | None = None,
    **facts: object,
) -> None:
    """Write what was done. Arguments as in `entry_values`; `subject` is the job, auction or firm it is found under."""
    values = entry_values(deed, now, actor, subject, veil, blinded, **facts)
    if s.get_bind().dialect.name == "postgresql":
        # Serial ids are not commit order: the sequencer orders by transaction (bid-path.md).
        values["xid"] = XID
    append(s, AuditEntry, values)


def hang_veil(s: Session, name: str, lifts_at: datetime | None) -> None:
    """Hide the records under `name` until `lifts_at` (None: for good); moves the end if the veil hangs already."""
    veil = s.get(AuditVeil, name)
    if veil is None:
        s.add(AuditVeil(name=name, lifts_at=lifts_at))
    else:
        veil.lifts_at = lifts_at
    s.flush()


def found_log(s: Session) -> None:
    """What the log needs before its first record: the veil that never lifts."""
    hang_veil(s, NEVER, None)
