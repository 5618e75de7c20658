"""Sign-in, registration, passwords, links from mails, API tokens.

A known and an unknown address get the same page with the same status: what differs goes by mail to that address alone.
"""

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, flash, g, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from market.errors import Refused, refuse
from market.identity import queries, service, signin
from market.identity.links import digest_of
from market.identity.passwords import STRONG, Passwords
from market.identity.rules import PASSWORD_MIN, Purpose, User, mask_email, normal_email
from portal import web, words
from portal.access import PUBLIC, May, needs
from portal.forms.account import (
    AddressForm,
    ChangePasswordForm,
    NewPasswordForm,
    RegisterForm,
    SignInForm,
    TokenForm,
)
from portal.web import attempt, city, db, now, page, user

bp = Blueprint("account", __name__)


def passwords() -> Passwords:
    """The city's password hashes; tests take weaker ones."""
    found: Passwords = city().extra.get("passwords", STRONG)
    return found


def count(what: str, value: str) -> None:
    """Count a try in a transaction of its own, so that it counts whatever follows. Raises Refused (429)."""
    with db().write() as s:
        signin.count_try(s, what, value, now())


def address() -> str:
    """Where the request comes from, for the limits."""
    return request.remote_addr or "unknown"


def home() -> str:
    """Where somebody who signed in goes on."""
    return url_for("work.index" if "work.index" in current_app.view_functions else "home.index")


# ── in and out ──────────────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/login", methods=["GET", "POST"])
@needs(PUBLIC)
def login() -> Answer:
    """Sign in, and go on to where the visitor wanted to go."""
    onward = web.local_path(request.values.get("next"), home())
    form = SignInForm(request.form)
    if request.method == "GET":
        return redirect(onward, 303) if g.user is not None else page("account/login.html", form=form, onward=onward)
    if not form.validate():
        return page("account/login.html", 422, form=form, onward=onward)
    with attempt() as did:
        web.sign_in(_admit(form.email.data, form.password.data))
    if did.ok:
        return redirect(onward, 303)
    return page("account/login.html", did.status, form=form, said=did.said, onward=onward)


def _admit(email: str, password: str) -> User:
    """Count, compare, record: three short steps, and the slow hash outside every transaction."""
    known = normal_email(email) or email
    count("signin.address", address())
    count("signin.email", known)
    with db().read() as s:
        found = queries.credentials(s, known)
    who = signin.admitted(found, passwords().matches(found.password if found else None, password))
    with db().write() as s:
        signin.sign_in(s, who.person_id, known, now())
        signed = queries.signed_in(s, who.person_id, who.epoch)
    if signed is None:  # disabled or reset in this very moment
        raise refuse("signin.wrong")
    return signed


@bp.post("/logout")
@needs(May.ACCOUNT_OWN)
def logout() -> Answer:
    """End this session."""
    with db().write() as s:
        signin.sign_out(s, user(), now())
    web.sign_out()
    flash(_("您已退出。"), "ok")
    return redirect(url_for("home.index"), 303)


@bp.post("/account/everywhere")
@needs(May.ACCOUNT_OWN)
def everywhere() -> Answer:
    """End every session of this person, this one too."""
    with db().write() as s:
        signin.sign_out_everywhere(s, user(), now())
    web.sign_out()
    flash(_("已在所有设备上退出，请重新登录。"), "ok")
    return redirect(url_for("account.login"), 303)


# ── registration ────────────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/register", methods=["GET", "POST"])
@needs(PUBLIC)
def register() -> Answer:
    """Register an organisation with its first person."""
    form = RegisterForm(request.form)
    districts = city().extra.get("districts", words.DISTRICTS)
    form.district.offer((code, names[web.lang() == "en"]) for code, names in districts.items())
    if request.method == "GET":
        return page("account/register.html", form=form, min=PASSWORD_MIN)
    if not form.validate():
        return page("account/register.html", 422, form=form, min=PASSWORD_MIN)
    with attempt(form) as did:
        signin.checked_password(form.password.data, form.email.data)
        count("register.address", address())
        count("mail.email", normal_email(form.email.data) or "")
        hashed = passwords().hash(form.password.data)
        with db().write() as s:
            service.register(s, form.command(hashed), now())
    if did.ok:
        return redirect(url_for("account.sent", what="register"), 303)
    return page("account/register.html", did.status, form=form, said=did.said, min=PASSWORD_MIN)


@bp.get("/sent/<any(register, reset):what>")
@needs(PUBLIC)
def sent(what: str) -> Response:
    """A mail is on its way, or would be: the same page for every address."""
    return page("account/sent.html", what=what)


@bp.route("/confirm/<token>", methods=["GET", "POST"])
@needs(PUBLIC)
def confirm(token: str) -> Answer:
    """Confirm an address. Only the button does it: mail filters open links."""
    if request.method == "GET":
        return _link_page(token, Purpose.CONFIRM, "account/confirm.html")
    try:
        with db().write() as s:
            signin.confirm(s, token, now())
    except Refused:
        return _spent(Purpose.CONFIRM)
    flash(_("邮箱已确认，请登录。"), "ok")
    return redirect(url_for("account.login"), 303)


# ── passwords ───────────────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/forgot", methods=["GET", "POST"])
@needs(PUBLIC)
def forgot() -> Answer:
    """Ask for a reset link."""
    form = AddressForm(request.form)
    if request.method == "GET":
        return page("account/forgot.html", form=form)
    if not form.validate():
        return page("account/forgot.html", 422, form=form)
    email = normal_email(form.email.data) or ""
    with attempt(form) as did:
        count("mail.address", address())
        with db().write() as s:  # one transaction that always writes: a known address takes no longer
            signin.count_try(s, "mail.email", email, now())
            signin.ask_reset(s, email, now())
    if did.ok:
        return redirect(url_for("account.sent", what="reset"), 303)
    return page("account/forgot.html", did.status, form=form, said=did.said)


@bp.route("/reset/<token>", methods=["GET", "POST"])
@needs(PUBLIC)
def reset(token: str) -> Answer:
    """Set a new password by a link from a mail."""
    return _by_link(token, Purpose.RESET)


@bp.route("/invite/<token>", methods=["GET", "POST"])
@needs(PUBLIC)
def invite(token: str) -> Answer:
    """Set the first password by an invitation."""
    return _by_link(token, Purpose.INVITE)


def _by_link(token: str, purpose: Purpose) -> Answer:
    form = NewPasswordForm(request.form)
    if request.method == "GET":
        return _link_page(token, purpose, "account/password.html", form=form)
    with db().read() as s:
        found = queries.token_person(s, digest_of(token), purpose, now())
    if found is None:
        return _spent(purpose)
    if not form.validate():
        return _link_page(token, purpose, "account/password.html", 422, form=form)
    with attempt(form) as did:
        hashed = passwords().hash(signin.checked_password(form.password.data, found[0].email))
        with db().write() as s:
            signin.set_by_link(s, token, purpose, hashed, now())
    if did.ok:
        flash(_("新密码已生效，请登录。"), "ok")
        return redirect(url_for("account.login"), 303)
    if did.status == 410:
        return _spent(purpose)
    return _link_page(token, purpose, "account/password.html", did.status, form=form, said=did.said)


def _link_page(token: str, purpose: Purpose, template: str, status: int = 200, **context: Any) -> Response:
    with db().read() as s:
        found = queries.token_person(s, digest_of(token), purpose, now())
    if found is None:
        return _spent(purpose)
    person, org = found
    context |= {
        "person": person,
        "org": org,
        "purpose": purpose,
        "masked": mask_email(person.email),
        "min": PASSWORD_MIN,
    }
    return page(template, status, **context)


def _spent(purpose: Purpose) -> Response:
    return page("account/spent.html", 410, purpose=purpose)


# ── one's own account ───────────────────────────────────────────────────────────────────────────────────────────


def _account(status: int = 200, **context: Any) -> Response:
    with db().read() as s:
        tokens = queries.api_tokens(s, user().id)
    context = {"form": ChangePasswordForm(), "token_form": TokenForm(), "said": None} | context
    return page("account/security.html", status, tokens=tokens, min=PASSWORD_MIN, **context)


@bp.get("/account")
@needs(May.ACCOUNT_OWN)
def security() -> Response:
    """Password, sessions, API tokens."""
    return _account()


@bp.post("/account/password")
@needs(May.ACCOUNT_OWN)
def password() -> Answer:
    """Change the password by the present one; other sessions end, this one goes on."""
    form = ChangePasswordForm(request.form)
    if not form.validate():
        return _account(422, form=form)
    with attempt(form) as did:
        signin.checked_password(form.password.data, user().email)
        count("signin.email", user().email)
        with db().read() as s:
            have = queries.credentials_of(s, user().id)
        if not passwords().matches(have.password, form.current.data):
            raise refuse("password.current", "current")
        hashed = passwords().hash(form.password.data)
        with db().write() as s:
            epoch = signin.change_password(s, user().id, hashed, now())
        web.sign_in(replace(user(), epoch=epoch))
    if did.ok:
        flash(_("密码已更改，其他地方的登录都已退出。"), "ok")
        return redirect(url_for("account.security"), 303)
    return _account(did.status, form=form, said=did.said)


@bp.post("/account/tokens")
@needs(May.ACCOUNT_OWN)
def make_token() -> Answer:
    """Make an API token and show it, this once."""
    form = TokenForm(request.form)
    if not form.validate():
        return _account(422, token_form=form, said=web.form_errors(form))
    with attempt(form) as did, db().write() as s:
        token = signin.create_api_token(s, user(), form.name.data, now())
    if not did.ok:
        return _account(did.status, token_form=form, said=did.said)
    return page("account/token.html", 201, token=token, name=form.name.data)


@bp.post("/account/tokens/<int:token>/revoke")
@needs(May.ACCOUNT_OWN)
def revoke(token: int) -> Answer:
    """End one of one's own tokens."""
    with db().write() as s:
        signin.revoke_api_token(s, user(), token, now())
    flash(_("令牌已撤销。"), "ok")
    return redirect(url_for("account.security"), 303)
