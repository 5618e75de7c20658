"""What the doors of matching need of a city for the inventory: each firm invited to a job of its own."""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.matching.saved import save_search
from market.jobs import service as jobs
from market.jobs.listing import Filters
from market.jobs.models import Job
from tests.makers_contracts import user_of

if TYPE_CHECKING:
    from tests.inventory.stock import Stock
    from tests.inventory.whole import Whole
    from tests.makers import Party

KINDS: Final = {
    "api.answer_invitation/code": "invited_to", "matching.answer/code": "invited_to",
    "searches.drop/id": "search_to_drop", "searches.show/id": "search",
}  # fmt: skip
BODIES: Final[dict[str, dict[str, Any]]] = {
    "api.answer_invitation": {"accept": False, "reason": "busy", "note": "排满了"},
    "matching.answer": {"accept": "no", "reason": "busy", "note": "排满了"},
    "searches.index": {"query": "scope=open&funding=fiscal", "name": "财政资金", "digest": "daily"},
    "searches.show": {"name": "改了名称", "digest": "off"},
}


def stock_matching(made: "Stock") -> None:
    """Invitations that wait: each firm has one that no other has."""
    now = made.clock.now()
    with made.db.write() as s:
        for firm, owner in (("firm", "owner"), ("both", "other"), ("other", "both")):
            theirs = made.own[owner]
            jobs.invite(s, theirs["open_id"], made.parties[firm].org.id, made.user(s, owner), now)
            made.own[firm]["invited_to"] = theirs["open"]
            for kind in ("search", "search_to_drop"):
                row = save_search(s, kind, Filters(), "daily", made.user(s, firm), now)
                made.own[firm][kind] = row.id


def whole_matching(s: Session, whole: "Whole", owner: "Party", firms: "list[Party]") -> None:
    """The first firm is invited to the open job and has read of it: asking for its page then writes nothing."""
    job_id = s.scalars(select(Job.id).where(Job.code == whole.jobs["open"])).one()
    jobs.invite(s, job_id, firms[0].org.id, user_of(s, owner), whole.now)
    jobs.mark_read(s, job_id, firms[0].org.id, whole.now)
    save_search(s, "财政资金", Filters(funding=("fiscal",)), "instant", user_of(s, firms[0]), whole.now)
