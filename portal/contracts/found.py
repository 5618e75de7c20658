"""How a door gets at a contract, for whom, and goes back to its page."""

from typing import Any

from flask import Response, abort, g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.sealing.receipt import key_id
from market.catalogue import queries as catalogue
from market.contracts.folder import Folder, folder
from market.contracts.rules import DAYS_MOST, RAISE_MOST, most_amount
from market.identity.queries import platform_key
from market.identity.rules import Role
from market.money import Fen, show_yuan
from market.workdays import Calendar
from portal import web
from portal.contracts import view
from portal.forms.contracts import WHOSE
from portal.forms.jobs import TAXES


def any_one(code: str) -> tuple[Folder, Calendar]:
    """The contract of a code, for everybody; 404 for no such."""
    with web.db().read() as s:
        found, calendar = folder(s, code), catalogue.calendar(s)
    if found is None:
        abort(404)
    return found, calendar


def mine(code: str, side: view.Side | None = None) -> tuple[Folder, view.Side]:
    """A party's own contract (of that side, if one is named), to act on; 404 for everybody else."""
    with web.db().read() as s:
        found = folder(s, code)
    own = view.side_of(found) if found is not None else None
    if found is None or own is None or side not in (None, own):
        abort(404)
    return found, own


def readable(code: str) -> Folder:
    """A contract whose files the reader may have: a party's own, or any for a regulator; 404 for everybody else."""
    with web.db().read() as s:
        found = folder(s, code)
    if found is None or not (view.side_of(found) or g.user.has(Role.REGULATOR)):
        abort(404)
    return found


def back(code: str) -> ResponseReturnValue:
    """To the contract's page."""
    return redirect(url_for("contracts.show", code=code), 303)


def act_page(template: str, f: Folder, did: web.Tried, form: Any, **more: Any) -> Response:
    """The page of an act, with the contract it is about."""
    context = {"v": {"limit": limit(f), "baseline": f.job.baseline_fen}} | more
    return web.page(
        f"contracts/{template}.html", did.status, w=f, c=f.contract, form=form, said=did.said, WHOSE=WHOSE,
        TAXES=TAXES, **context,
    )  # fmt: skip


def limit(f: Folder) -> str:
    """What a change may reach, with the amounts of this contract."""
    c = f.contract
    return str(
        _(
            "价款累计最高到 %(most)s（比中选价高 %(percent)s%%），工期最长到 %(days)s 个工作日。",
            most=show_yuan(Fen(most_amount(c.amount, c.funding)), web.lang()),
            percent=RAISE_MOST[c.funding] // 100,
            days=c.days * DAYS_MOST,
        )
    )


def signing_key() -> str:
    """The name of the key the platform attests with: that of receipts, as GET /rules of the API tells it."""
    extra = web.city().extra
    if "contract_key" not in extra:
        with web.db().read() as s:
            extra["contract_key"] = key_id(platform_key(s, "receipt").public)
    return str(extra["contract_key"])
