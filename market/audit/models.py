"""Records and their places. Insert only; nothing here is updated but the veil's end and the sequencer's head."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base

BigId = BigInteger().with_variant(Integer(), "sqlite")


class AuditVeil(Base):
    """What hides a group of records until an instant: one a auction (T), one for what is never shown (None)."""

    __tablename__ = "audit_veil"
    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    lifts_at: Mapped[datetime | None]


class AuditEntry(Base):
    """One deed, written in the transaction that did it. `xid` orders commits on PostgreSQL; SQLite's ids do already."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_xid_id", "xid", "id"),)
    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True, autoincrement=True)
    xid: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime]
    deed: Mapped[str] = mapped_column(String(40), index=True)
    actor: Mapped[str] = mapped_column(String(80))
    subject: Mapped[str | None] = mapped_column(String(80), index=True)
    facts: Mapped[dict[str, Any]]
    blinded: Mapped[dict[str, Any]]
    veil: Mapped[str | None] = mapped_column(ForeignKey("audit_veil.name"))
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditLeaf(Base):
    """The place of a record in the log: dense from 0, in commit order. Without `entry` it is padding."""

    __tablename__ = "audit_leaf"
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    entry: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(Base):
    """How far the sequencer has come: one row. `frontier`: the roots of the full subtrees, largest first, 32 bytes each
    (RFC 9162 §2.1.2); without it a restart would read the whole log."""

    __tablename__ = "audit_head"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    xid: Mapped[int] = mapped_column(BigInteger)
    entry: Mapped[int] = mapped_column(BigInteger)
    root: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    frontier: Mapped[bytes | None] = mapped_column(LargeBinary(2048))


class AuditTile(Base):
    """Up to 256 consecutive hashes of one level of the tree (C2SP tlog-tiles): level 0 holds leaves."""

    __tablename__ = "audit_tile"
    level: Mapped[int] = mapped_column(primary_key=True)
    idx: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hashes: Mapped[bytes] = mapped_column(LargeBinary(8192))


class AuditCheckpoint(Base):
    """A signed statement of size and root (C2SP tlog-checkpoint): `note` is the whole signed text."""

    __tablename__ = "audit_checkpoint"
    size: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime]
    alg: Mapped[str] = mapped_column(String(20))
    note: Mapped[str] = mapped_column(String(1000))
