"""Alembic's environment: called by `portal.migrate` with a connection, never through an ini file."""

from importlib import import_module

from alembic import context
from sqlalchemy import JSON

from market.db import Base

MODELS = (
    "market.audit.models",
    "market.identity.models",
    "market.notices.models",
    "market.catalogue.models",
    "market.admission.models",
    "market.jobs.models",
    "market.payments.models",
    "market.contracts.models",
    "ratings.reviews.models",
    "ratings.credit.models",
    "bidding.matching.models",
    "bidding.auctions.models",
    "bidding.awards.models",
    "oversight.indicators.models",
    "oversight.metrics.models",
)
for _name in MODELS:
    import_module(_name)


def _render(kind: str, item: object, _: object) -> str | bool:
    """Our own column types by their name in the source, which a migration imports."""
    if kind == "type" and isinstance(item, JSON):
        return "DOCUMENT"
    if kind == "type" and type(item).__module__ == "market.db":
        return f"{type(item).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=_render,
    compare_type=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
