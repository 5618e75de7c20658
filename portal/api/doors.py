"""A door of the API: one line says rule, method, body, answer, status and permission; the OpenAPI file is made of it.

The order at a door: permission, then form, then the work. What comes in is a pydantic model, what goes out is one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import Blueprint, Response, abort, request
from pydantic import BaseModel, ValidationError

from market.errors import Refusal, Refused, refuse
from portal.access import May, needs
from portal.api import problems
from portal.api.fields import Model

JSON = "application/json"
FORM = "multipart/form-data"
NOTE = "text/plain; charset=utf-8"
TILE = "application/octet-stream"
KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,80}", re.ASCII)
"""An idempotency key: the client's own, new for each act (a UUID fits)."""
_PART: Final = r"<(?:\w+:)?(\w+)>"


class NoQuery(Model):
    """A door that takes no query."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that needs more than a body: another status, headers, or text already made."""

    body: BaseModel | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | bytes | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """`may` None is public. `keyed`: the header Idempotency-Key is required. `also`: further statuses and why.
    `media`: what the answer is; other than JSON it is told in the file as text or bytes, and `out` names nothing.
    `file`: the body is a form with one file named `file`.
    """

    rule: str
    method: str
    name: str
    about: str
    view: Callable[..., BaseModel | Reply]
    out: type[BaseModel]
    may: May | None
    body: type[BaseModel] | None
    query: type[BaseModel]
    status: int
    keyed: bool
    also: tuple[int, ...]
    media: str = JSON
    file: bool = False

    @property
    def path(self) -> str:
        """The rule as OpenAPI writes it."""
        return re.sub(_PART, r"{\1}", self.rule)

    @property
    def parts(self) -> list[str]:
        """The names of the path's parts."""
        return re.findall(_PART, self.rule)


DOORS: Final[list[Door]] = []
"""Every door, in the order of the OpenAPI file."""

View = Callable[..., BaseModel | Reply]


def door(
    method: str,
    rule: str,
    *,
    out: type[BaseModel],
    may: May | None,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] = NoQuery,
    status: int = 200,
    keyed: bool = False,
    also: tuple[int, ...] = (),
    media: str = JSON,
    file: bool = False,
) -> Callable[[View], View]:
    """Enter a view into the list. It takes the path's parts, and `body`, `query`, `key`, `file` where it has them."""

    def enter(view: View) -> View:
        about = " ".join((view.__doc__ or "").split())
        made = Door(rule, method, view.__name__, about, view, out, may, body, query, status, keyed, also, media, file)
        DOORS.append(made)
        return view

    return enter


def mount(bp: Blueprint) -> None:
    """Hang every door into the blueprint."""
    for one in DOORS:
        bp.add_url_rule(one.rule, one.name, needs(one.may)(_served(one)), methods=[one.method])


def _served(one: Door) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        given: dict[str, Any] = dict(path)
        query = _query(one.query)
        if one.query is not NoQuery:
            given["query"] = query
        if one.keyed:
            given["key"] = _key()
        if one.body is not None:
            given["body"] = _body(one.body)
        elif one.file:
            given["file"] = _file()
        elif one.method != "GET" and request.get_data().strip() not in (b"", b"{}"):
            raise refuse("api.no_body", "body")
        made = one.view(**given)
        return _response(one, made if isinstance(made, Reply) else Reply(made))

    return view


def _response(one: Door, reply: Reply) -> Response:
    text = reply.text if reply.body is None else reply.body.model_dump_json(exclude_unset=True)
    response = Response(text, reply.status or one.status, content_type=one.media)
    response.headers.update(reply.headers)
    return response


def _query(model: type[BaseModel]) -> BaseModel:
    for name, values in request.args.lists():
        if len(values) > 1:
            raise refuse("api.repeated", name[:120])
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise problems.refused(error) from None


def _body(model: type[BaseModel]) -> BaseModel:
    if request.mimetype != JSON:
        abort(415)
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as error:
        raise problems.refused(error) from None


def _file() -> Any:
    """The one file of a form: werkzeug's FileStorage."""
    if request.mimetype != FORM:
        abort(415)
    found = request.files.get("file")
    if found is None or not found.filename:
        raise refuse("api.missing", "file")
    return found


def _key() -> str:
    """The client's key of this act. Raises Refused (400) without one: a retry could then not be told from a new act."""
    key = request.headers.get("Idempotency-Key")
    if key is None or KEY.fullmatch(key) is None:
        raise Refused(Refusal("api.key_missing" if key is None else "api.key_form", "Idempotency-Key"), status=400)
    return key
