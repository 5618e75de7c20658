"""Where providers tell us things. The answer says only whether a webhook was taken; what it said is never logged."""

import logging

from flask import Blueprint, Response, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue

from market.payments import inbox, reconcile
from market.payments.checkout import known_account
from market.payments.worker import try_again
from portal import web
from portal.access import PUBLIC, May, needs

bp = Blueprint("hooks_in", __name__)
log = logging.getLogger("taozhongjie.inbox")


@bp.post("/hooks/stripe")
@needs(PUBLIC)
def stripe() -> Response:
    """A webhook of Stripe: signed, young, kept once; worked on afterwards. Any other is answered 400."""
    secret = web.city().settings.stripe_webhook_secret
    if secret is None:
        abort(404)
    body = request.get_data(cache=True)
    try:
        inbox.check(body, request.headers.get("Stripe-Signature"), secret, web.now())
        event = inbox.read(body)
    except inbox.Unfit as no:
        log.warning("a webhook of stripe was refused: %s", no.why)
        return Response(f"refused: {no.why}\n", 400, mimetype="text/plain")
    with web.db().write() as s:
        state = inbox.take(s, event, web.now(), lambda account: known_account(s, account))
    return Response(f"{state}\n", 200, mimetype="text/plain")


SIGNED = (stripe,)
"""Doors that take no form of ours, and so no token: create_app exempts them."""


@bp.get("/operator/hooks")
@needs(May.PAYMENT_INBOX)
def index() -> ResponseReturnValue:
    """What providers told us, the failed first: what it was, when, and why nothing was posted."""
    wanted = request.args.get("state", "failed")
    if wanted not in inbox.STATES:
        abort(404)
    with web.db().read() as s:
        counts, rows, accounts = inbox.counts(s), inbox.events(s, wanted), reconcile.reports(s)
    return web.page("operator/hooks.html", counts=counts, rows=rows, accounts=accounts, wanted=wanted)


@bp.post("/operator/hooks/<int:id>/again")
@needs(May.PAYMENT_INBOX)
def again(id: int) -> ResponseReturnValue:
    """Work on a failed event once more: after the firm's account was put right, say."""
    with web.db().write() as s:
        if not try_again(s, id, web.now()):
            abort(404)
    return redirect(url_for("hooks_in.index"), 303)
