"""What doors share: the city at hand, the user, the language, pages, refusals shown, signing in and out.

A door parses, opens the one transaction, calls a service and answers (style habit 8). It gets at the world only
through `city()`, which create_app filled.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, cast

from flask import Response, current_app, g, make_response, render_template, request, session
from flask_login import UserMixin, login_user, logout_user

from bidding.sealing.client import KeeperPort
from market.clock import Clock
from market.db import Database
from market.errors import Refusal, Refused
from market.identity.rules import User
from market.search.port import SearchPort
from market.settings import Settings
from market.together import Question
from portal.words import Said, say

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class City:
    """Everything a running site uses; made once by the composition root (cli or a test)."""

    settings: Settings
    db: Database
    clock: Clock
    keeper: KeeperPort
    search: SearchPort
    extra: dict[str, Any] = field(default_factory=dict)


def city() -> City:
    """The city this app serves."""
    return cast(City, current_app.extensions["city"])


def db() -> Database:
    """The database: `with db().write() as s:` once a request, or `with db().read() as s:`."""
    return city().db


def now() -> datetime:
    """When this request had wholly arrived: the one time a request knows (design.md, rules of time 2)."""
    return cast(datetime, g.received_at)


def lang() -> str:
    """`zh` or `en` (under /en/)."""
    return "en" if request.environ.get("taozhongjie.lang") == "en" else "zh"


def user() -> User:
    """The signed-in person; only behind @needs of a real permission."""
    return cast(User, g.user)


Ask = Callable[[Any, int, int], Sequence[Question]]


def asks(more: Ask) -> Callable[[F], F]:
    """Ask what a door will need in the round trip that finds its user; `answers()` has it.

    `more` gives the questions for the numbers of a person and an organisation, of whom nothing is known yet but that
    the signed cookie names them: the door is opened, or not, as ever, by the user found, CSRF and @needs, and the
    answers are dropped if that user is of another organisation.
    """

    def mark(door: F) -> F:
        door.asks = more  # type: ignore[attr-defined]
        return door

    return mark


def answers() -> list[Sequence[Any]] | None:
    """What came of the questions that `asks` gave; None where there were none."""
    return cast("list[Sequence[Any]] | None", g.get("answers"))


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A rendered page."""
    return make_response(render_template(template, **context), status)


class Visitor(UserMixin):  # type: ignore[misc]
    """A signed-in person as Flask-Login wants one; pages use `user()`."""

    def __init__(self, user: User) -> None:
        self.user = user

    def get_id(self) -> str:
        """The person's number."""
        return str(self.user.id)


def sign_in(user: User) -> None:
    """Begin a fresh session: nothing of the old one is kept, so that a planted one is worth nothing."""
    session.clear()
    login_user(Visitor(user))
    session["person"], session["epoch"], session["org"] = user.id, user.epoch, user.org_id
    g.user = user


def sign_out() -> None:
    """End the session."""
    logout_user()
    session.clear()
    g.user = None


def local_path(text: str | None, otherwise: str) -> str:
    """`text` if it is a path of this site, else `otherwise`: what may stand in `next`."""
    fit = text is not None and text.startswith("/") and text[1:2] not in ("/", "\\") and text.isprintable()
    return cast(str, text) if fit and "\\" not in cast(str, text) else otherwise


@dataclass
class Attempt:
    """What became of a piece of work that may be refused: `ok`, or the refusals in words for the form."""

    said: list[Said] = field(default_factory=list)
    status: int = 200

    @property
    def ok(self) -> bool:
        """Whether nothing was refused."""
        return not self.said


@contextmanager
def attempt(form: Any = None) -> Iterator[Attempt]:
    """Catch a service's refusal and put its words at the form's fields (or above it), keeping what was typed.

    with attempt(form) as did:
        with db().write() as s: ...
    if did.ok: return redirect(…)
    return page("…", did.status, form=form, said=did.said)
    """
    did = Attempt()
    try:
        yield did
    except Refused as no:
        did.status = no.status
        did.said = [say(r, lang()) for r in no.refusals]
        for words in did.said:
            if form is not None and words.field and words.field in form:
                form[words.field].errors = [*form[words.field].errors, f"{words.why}{words.do}"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a form: `done`, or the status and refusals to show it again with."""

    done: bool
    status: int = 200
    said: list[Said] | None = None


def tried(form: Any, do: Callable[[Any], object]) -> Tried:
    """Do a posted form's work in one transaction, if the form is fit; a GET is shown as it is."""
    if request.method not in ("POST", "PUT", "PATCH"):
        return Tried(False)
    if not form.validate():
        return Tried(False, 422)
    with attempt(form) as did, db().write() as s:
        do(s)
    return Tried(did.ok, did.status, did.said or None)


def said(*refusals: Refusal) -> list[Said]:
    """Refusals in the user's language, without an attempt."""
    return [say(r, lang()) for r in refusals]


def form_errors(form: Any) -> list[Said]:
    """A form's own errors as refusals in words, for the error summary."""
    return [Said("form", name, str(e), "") for name, errors in form.errors.items() for e in errors]
