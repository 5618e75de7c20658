"""What the doors of matching need of a city for the inventory: each firm invited to a job of its own."""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.jobs import service as jobs
from market.jobs.models import Job
from tests.makers_contracts import user_of

if TYPE_CHECKING:
    from tests.inventory.stock import Stock
    from tests.inventory.whole import Whole
    from tests.makers import Party

KINDS: Final = {"matching.answer/code": "invited_to"}
BODIES: Final[dict[str, dict[str, Any]]] = {"matching.answer": {"accept": "no", "reason": "busy", "note": "排满了"}}


def stock_matching(made: "Stock") -> None:
    """Invitations that wait: each firm has one that no other has."""
    now = made.clock.now()
    with made.db.write() as s:
        for firm, owner in (("firm", "owner"), ("both", "other"), ("other", "both")):
            theirs = made.own[owner]
            jobs.invite(s, theirs["open_id"], made.parties[firm].org.id, made.user(s, owner), now)
            made.own[firm]["invited_to"] = theirs["open"]


def whole_matching(s: Session, whole: "Whole", owner: "Party", firms: "list[Party]") -> None:
    """The first firm is invited to the open job and has read of it: asking for its page then writes nothing."""
    job_id = s.scalars(select(Job.id).where(Job.code == whole.jobs["open"])).one()
    jobs.invite(s, job_id, firms[0].org.id, user_of(s, owner), whole.now)
    jobs.mark_read(s, job_id, firms[0].org.id, whole.now)
