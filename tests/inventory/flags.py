"""What the doors of flags need of a city for the inventory: a flag of the regulator's district, and one of another."""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.models import FirmProfile
from market.jobs.models import Job
from oversight.indicators.models import Flag, FlagFirm, FlagJob
from tests.makers import T0

if TYPE_CHECKING:
    from tests.inventory.stock import Stock

KINDS: Final = {"flags.rule/name": "indicator", "flags.show/id": "flag"}
BODIES: Final[dict[str, dict[str, Any]]] = {"flags.show": {"act": "note", "text": "已调阅纪要"}}
OWN_FILL: Final = {"flags.show": {"act": "note"}}


def make_flag(s: Session, key: str, district: str | None = "339901", **but: Any) -> Flag:
    """An open flag on the first job, of the first firm there is."""
    job = s.scalars(select(Job).where(Job.code.is_not(None)).order_by(Job.id)).first()
    assert job is not None
    evidence = {"limits": {"raise_bp": 1500}, "numbers": {"raise_bp": 2500, "ratios_bp": [10_300]}, "rounds": []}
    row = {"indicator": "raised_after", "version": 1, "state": "open", "amount": 11_000_000, "evidence": evidence}
    flag = Flag(key=key, district=district, raised_at=T0, seen_at=T0, owner_id=job.owner_id, **{**row, **but})
    s.add(flag)
    s.flush()
    s.add(FlagJob(flag_id=flag.id, job_id=job.id))
    firm = s.scalars(select(FirmProfile.org_id).where(FirmProfile.admitted_at.is_not(None)).order_by("org_id")).first()
    if firm is not None:
        s.add(FlagFirm(flag_id=flag.id, org_id=firm))
    s.flush()
    return flag


def stock_flags(made: "Stock") -> None:
    """One in the regulator's district, one elsewhere."""
    with made.db.write() as s:
        made.own["other"]["indicator"] = "raised_after"
        made.own["regulator"]["flag"] = make_flag(s, "job:1").id
        made.own["other"]["flag"] = make_flag(s, "job:2", "339902").id
