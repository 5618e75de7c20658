"""What a firm looks for: saved searches (订阅), with a digest at once or daily."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class SavedSearch(Base):
    """A query of the job list kept by a person. `digest`: instant | daily | off. `seen_job` is the newest job told."""

    __tablename__ = "saved_search"
    __table_args__ = (UniqueConstraint("person_id", "name", name="a_search_is_saved_once_under_a_name"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    org_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    query: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(8), index=True)
    made_at: Mapped[datetime]
    told_at: Mapped[datetime]
    seen_at: Mapped[datetime]
