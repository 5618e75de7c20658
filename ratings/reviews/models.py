"""What one party of a contract says of the other. Never rewritten; hidden only by a published moderation."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from market.db import Base


class Review(Base):
    """Five scores of 1 to 5 and an optional comment. `side`: owner | firm, the author's.

    `shown_at` is None while it is blind. One `reply` by the other side.
    """

    __tablename__ = "review"
    __table_args__ = (
        UniqueConstraint("contract_id", "side", name="a_side_reviews_a_contract_once"),
        CheckConstraint(
            "quality between 1 and 5 and timeliness between 1 and 5 and attitude between 1 and 5 "
            "and fees between 1 and 5 and conduct between 1 and 5",
            name="a_score_is_one_to_five",
        ),
        Index("ix_review_about", "about_id", "shown_at"),
        Index("ix_review_blind", "shown_at", "blind_until"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    side: Mapped[str] = mapped_column(String(6))
    author_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    about_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    quality: Mapped[int]
    timeliness: Mapped[int]
    attitude: Mapped[int]
    fees: Mapped[int]
    conduct: Mapped[int]
    comment: Mapped[str | None] = mapped_column(String(1000))
    given_at: Mapped[datetime]
    blind_until: Mapped[datetime]
    shown_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(String(1000))
    replied_at: Mapped[datetime | None]
    hidden_at: Mapped[datetime | None]
    hidden_reason: Mapped[str | None] = mapped_column(String(500))
    hidden_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
