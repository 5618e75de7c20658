"""The catalogue by versions: what is in force on a day is the newest version that has begun."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class CatalogueVersion(Base):
    """One upload. `kind`: categories | services | standards | calendar | city_rules | method_rules."""

    __tablename__ = "catalogue_version"
    __table_args__ = (Index("ix_catalogue_version_kind", "kind", "effective_on"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    effective_on: Mapped[date]
    loaded_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    document: Mapped[dict[str, Any]]


class Category(Base):
    """A service category (服务类别). Codes are kept for ever; names follow the newest version."""

    __tablename__ = "category"
    code: Mapped[str] = mapped_column(String(12), primary_key=True)
    name_zh: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str] = mapped_column(String(80))
    version_id: Mapped[int] = mapped_column(ForeignKey("catalogue_version.id"))


class Service(Base):
    """An approval item's service (中介服务事项) in one version of the catalogue."""

    __tablename__ = "service"
    __table_args__ = (UniqueConstraint("version_id", "code", name="a_service_stands_once_in_a_version"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("catalogue_version.id"), index=True)
    code: Mapped[str] = mapped_column(String(12), index=True)
    stage: Mapped[str] = mapped_column(String(24))
    item: Mapped[str] = mapped_column(String(100))
    department: Mapped[str] = mapped_column(String(50))
    name: Mapped[str] = mapped_column(String(100))
    category_code: Mapped[str] = mapped_column(ForeignKey("category.code"), index=True)
    qualification: Mapped[str] = mapped_column(String(80))
    days: Mapped[int]
    days_source: Mapped[str] = mapped_column(String(200))
    standard: Mapped[str | None] = mapped_column(String(40))
