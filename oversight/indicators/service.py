"""Run the indicators: raise what is found, keep what is still found, mark what is gone."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.identity.queries import fact
from market.identity.service import set_fact
from market.moments import beijing_day
from oversight.indicators.models import Flag, FlagFirm, FlagJob
from oversight.indicators.queries import tenders
from oversight.indicators.rules import INDICATORS, Finding, Indicator

DAY = "indicators"
"""The fact of the city that holds the day of the last daily run."""


def run(s: Session, now: datetime, tick: Callable[[int], object] = lambda _: None) -> int:
    """Judge every decided round by every indicator; the number of flags raised anew. Idempotent.

    A flag is known by indicator and key. A finding that stays updates its numbers and `seen_at`; one that is gone
    gets `gone_at` and keeps its case. `tick(1)` is called after each indicator.
    """
    read = tenders(s)
    known = {(f.indicator, f.key): f for f in s.scalars(select(Flag).with_for_update())}
    raised = 0
    for indicator in INDICATORS:
        found = {finding.key: finding for finding in indicator.judge(read)}
        for key, finding in found.items():
            flag = known.get((indicator.id, key))
            raised += flag is None
            _keep(s, flag, indicator, finding, now)
        for (name, key), flag in known.items():
            if name == indicator.id and key not in found and flag.gone_at is None:
                flag.gone_at = now
        tick(1)
    s.flush()
    return raised


def run_daily(s: Session, now: datetime) -> int | None:
    """Run once a day in Beijing; None where today's run was made. The day is kept as a fact of the city."""
    today = beijing_day(now).isoformat()
    if (fact(s, DAY) or {}).get("day") == today:
        return None
    raised = run(s, now)
    set_fact(s, DAY, {"day": today})
    return raised


def _keep(s: Session, flag: Flag | None, rule: Indicator, finding: Finding, now: datetime) -> None:
    """Write a finding into its flag, new or known."""
    values = _values(rule, finding)
    if flag is not None:
        jobs = set(s.scalars(select(FlagJob.job_id).where(FlagJob.flag_id == flag.id)))
        for name, value in values.items():
            setattr(flag, name, value)
        flag.seen_at, flag.gone_at = now, None
        if jobs == set(finding.jobs):
            return
        s.execute(delete(FlagJob).where(FlagJob.flag_id == flag.id))
        s.execute(delete(FlagFirm).where(FlagFirm.flag_id == flag.id))
    else:
        flag = Flag(indicator=rule.id, key=finding.key, raised_at=now, seen_at=now, state="open", **values)
        s.add(flag)
        s.flush()
        record(s, Deed.FLAG_RAISED, now, "system", flag=flag.id, indicator=rule.id, version=rule.version)
    s.execute(insert(FlagJob), [{"flag_id": flag.id, "job_id": job} for job in finding.jobs])
    if finding.firms:
        s.execute(insert(FlagFirm), [{"flag_id": flag.id, "org_id": firm} for firm in finding.firms])


def _values(rule: Indicator, finding: Finding) -> dict[str, Any]:
    """What a flag says of a finding. District, category and owner are told where all jobs share them."""
    shared = {
        name: only.pop() if len(only := {getattr(t, name) for t in finding.tenders}) == 1 else None
        for name in ("district", "category", "owner")
    }
    prices = {t.job: t.price_now or t.awarded for t in finding.tenders}
    known = [fen for fen in prices.values() if fen is not None]
    return {
        "version": rule.version,
        "district": shared["district"],
        "category_code": shared["category"],
        "owner_id": shared["owner"],
        "amount": sum(known) if known else None,
        "evidence": {"limits": dict(rule.limits), "numbers": dict(finding.numbers), "rounds": _rounds(finding)},
    }


def _rounds(finding: Finding) -> list[dict[str, Any]]:
    """Each round the finding rests on: its job and the opened prices, so that anyone can judge again."""
    return [
        {"job": t.code, "round": t.round, "winner": t.winner, "bids": [[o.firm, o.fen, o.days] for o in t.valid]}
        for t in finding.tenders
    ]
