"""Before a contract holds: milestones, confirmation, refusal."""

import re
from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from bidding.awards import service as awards
from market.contracts import service as contracts
from market.contracts.folder import Folder
from market.contracts.rules import MOST_MILESTONES, Planned
from market.errors import refuse as refused
from market.identity.queries import platform_key
from portal import web
from portal.access import May, needs
from portal.contracts import bp, tables, view
from portal.contracts.found import act_page, back, mine
from portal.forms.contracts import ConfirmForm, MilestonesForm, RefuseForm


def _opened(f: Folder) -> None:
    """Raises Refused for the page of an act that is no more once the contract is signed or refused."""
    if f.contract.state != "opened":
        raise refused("contract.signed", status=409)


@bp.route("/contracts/<code>/milestones", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def milestones(code: str) -> ResponseReturnValue:
    """Edit the milestones; every confirmation given so far lapses, since the terms are others."""
    f, _side = mine(code)
    if request.method == "GET":
        _opened(f)
    planned = [{"name": m.name, "share": m.share, "days": m.due_days} for m in f.milestones]
    form = MilestonesForm(request.form, planned, _rows(len(planned)), f.contract.days)
    if request.form.get("do") == "more":
        form = MilestonesForm(request.form, planned, _rows(len(planned)) + 2, f.contract.days)
        return act_page("milestones", f, web.Tried(False), form, most=MOST_MILESTONES)
    did = web.tried(
        form,
        lambda s: contracts.set_milestones(
            s, f.contract.id, [Planned(r["name"], r["share"], r["days"]) for r in form.data], web.user(), web.now()
        ),
    )
    return back(code) if did.done else act_page("milestones", f, did, form, most=MOST_MILESTONES)


def _rows(planned: int) -> int:
    """How many rows to show: those that were sent, or two more than there are."""
    sent = [int(found[1]) for name in request.form if (found := re.fullmatch(r"m([0-9]{1,2})-\w+", name, re.ASCII))]
    return max(sent, default=planned + 2)


@bp.route("/contracts/<code>/confirm", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def confirm(code: str) -> ResponseReturnValue:
    """Confirm exactly the terms that were shown; with both confirmations the contract holds."""
    f, side = mine(code)
    if request.method == "GET":
        _opened(f)
        if (f.contract.owner_confirmed_at if side == "owner" else f.contract.firm_confirmed_at) is not None:
            raise refused("contract.confirmed", status=409)
    form = ConfirmForm(request.form)
    did = web.tried(form, lambda s: confirm_shown(s, f.contract.id, form.digest.data or ""))
    if did.done:
        return back(code)
    rows = [
        {"no": m.no, "name": m.name, "share": tables.percent_of(m.share), "fen": m.fen, "due_days": m.due_days}
        for m in f.milestones
    ]
    return act_page("confirm", f, did, form, v={"rows": rows, "side": side})


def confirm_shown(s: Any, contract_id: int, digest: str) -> None:
    """Confirm, and take it back (409) if the terms are no longer those of the digest that was shown."""
    made = awards.confirm_contract(s, contract_id, web.user(), web.now(), platform_key(s, "receipt").secret)
    if made.digest != digest:
        raise refused("contract.terms_changed", "sure", 409)


@bp.route("/contracts/<code>/refuse", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def refuse(code: str) -> ResponseReturnValue:
    """Do not sign: the firm at any time; the owner once the day to sign by has passed and the firm has not."""
    f, side = mine(code)
    if request.method == "GET":
        _opened(f)
        if not view.may_refuse(f, side, web.now()):
            raise refused("contract.sign_by", status=409, due=f.contract.sign_by)
    form = RefuseForm(request.form)
    did = web.tried(
        form, lambda s: awards.refuse_contract(s, f.contract.id, form.reason.data, web.user(), web.now())
    )  # fmt: skip
    return back(code) if did.done else act_page("refuse", f, did, form, v={"side": side})
