"""The OpenAPI 3.1 file, made of the list of doors: what is written there is what is checked at the door."""

import json
from functools import cache
from typing import Annotated, Any, Final

from flask import Blueprint, Response
from pydantic import Field
from pydantic.json_schema import models_json_schema

from portal.access import GRANTS, PUBLIC, needs
from portal.api.doors import DOORS, FORM, JSON, KEY, Door
from portal.api.fields import Model
from portal.api.jobs import CODE_PATTERN

REF: Final = "#/components/schemas/{model}"
PROBLEM: Final = "application/problem+json"
_PATHS: Final[dict[str, dict[str, Any]]] = {
    "code": {"type": "string", "pattern": CODE_PATTERN},
    "contract": {"type": "string", "pattern": "^HT-[0-9]{4}-[0-9]{5,9}$"},
    "id": {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"},
    "item": {"type": "string", "pattern": "^[A-Za-z0-9]{1,12}$"},
    "level": {"type": "string", "pattern": "^(0|[1-9]|[1-5][0-9]|6[0-3])$"},
    "tile": {
        "type": "string",
        "minLength": 3,
        "maxLength": 40,
        "description": "`067`, `x001/067`, `001.p/12`: C2SP tlog-tiles; its slashes are slashes of the path",
    },
    "number": {"type": "string", "pattern": "^R-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$"},
    "uscc": {"type": "string", "pattern": "^[0-9A-HJ-NP-RTUW-Y]{18}$"},
}
_FILE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"file": {"type": "string", "format": "binary", "description": "At most 20 MB"}},
    "required": ["file"],
}
_WHY: Final[dict[int, str]] = {
    200: "Done",
    201: "Kept",
    400: "The body is no JSON, or the Idempotency-Key is missing",
    401: "No token, or one that is not valid",
    403: "The token's role may not do this",
    404: "Not there, or not yours",
    409: "Too late, or the state has changed",
    413: "The body is over 256 KB (a file: over 20 MB)",
    415: "The body is not application/json (a file: no multipart form)",
    422: "A field is not as it must be",
    429: "Too many wrong tokens",
    500: "Our fault",
    503: "The database does not answer; try again",
}


class Fault(Model):
    """One thing that is wrong."""

    field: Annotated[str | None, Field(description="Body or query field, dotted; null: the request as a whole")]
    code: Annotated[str, Field(description="Stable")]
    why: str
    do: str


class Problem(Model):
    """RFC 9457, with every fault in `errors`."""

    type: Annotated[str, Field(description="urn:taozhongjie: and the first code")]
    title: str
    status: int
    detail: str
    error_id: Annotated[str, Field(description="Name it when you ask for help")]
    errors: list[Fault]


@cache
def document() -> dict[str, Any]:
    """The whole file."""
    ins = [(door.body, "validation") for door in DOORS if door.body is not None]
    outs = [(door.out, "serialization") for door in DOORS if door.media == JSON]
    models: Any = list(dict.fromkeys([*ins, *outs, (Problem, "serialization")]))
    _, schemas = models_json_schema(models, ref_template=REF)
    paths: dict[str, Any] = {}
    for door in DOORS:
        paths.setdefault(door.path, {})[door.method.lower()] = _operation(door)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Taozhongjie",
            "version": "1",
            "description": "Jobs, sealed bids, protocols and the log of 淘中介. Money is int fen. See docs/api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(door: Door) -> dict[str, Any]:
    public: list[dict[str, Any]] = [{}] if door.may is PUBLIC else []
    made: dict[str, Any] = {
        "operationId": door.name,
        "summary": door.about,
        "security": [*public, {"bearer": []}],
        "parameters": _parameters(door),
        "responses": {str(status): _response(door, status) for status in _statuses(door)},
    }
    if door.may is not PUBLIC:
        made["description"] = "For: " + ", ".join(sorted(GRANTS[door.may])) + "."
    if door.body is not None:
        schema = {"$ref": REF.format(model=door.body.__name__)}
        made["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    if door.file:
        made["requestBody"] = {"required": True, "content": {FORM: {"schema": _FILE}}}
    return made


def _parameters(door: Door) -> list[dict[str, Any]]:
    found = [{"name": n, "in": "path", "required": True, "schema": _PATHS[n]} for n in door.parts]
    query = door.query.model_json_schema()
    for name, schema in query.get("properties", {}).items():
        must = name in query.get("required", [])
        found.append({"name": name, "in": "query", "required": must, "schema": _query_schema(schema)})
    if door.keyed:
        schema = {"type": "string", "pattern": f"^{KEY.pattern}$"}
        about = "Your own name of this act; repeated, it gives the first receipt"
        found.append(
            {"name": "Idempotency-Key", "in": "header", "required": True, "description": about, "schema": schema}
        )
    return found


def _query_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    plain = {**schema, **(kinds[0] if len(kinds) == 1 else {})}
    return {k: v for k, v in plain.items() if k not in ("anyOf", "title") and not (k == "default" and v is None)}


def _statuses(door: Door) -> list[int]:
    found = {door.status, *door.also, 401, 422, 429, 500, 503}
    if door.may is not PUBLIC:
        found.add(403)
    if "<" in door.rule:
        found.add(404)
    if door.method != "GET":
        found |= {400, 413}
    if door.body is not None or door.file:
        found.add(415)
    return sorted(found)


def _response(door: Door, status: int) -> dict[str, Any]:
    good = status < 400
    if good and door.media != JSON:
        plain = {"type": "string"} | ({} if door.media.startswith("text/") else {"format": "binary"})
        return {"description": _WHY[status], "content": {door.media.partition(";")[0]: {"schema": plain}}}
    model = door.out.__name__ if good else Problem.__name__
    schema = {"$ref": REF.format(model=model)}
    return {"description": _WHY[status], "content": {JSON if good else PROBLEM: {"schema": schema}}}


def serve(bp: Blueprint) -> None:
    """Serve the file."""

    @bp.get("/openapi.json")
    @needs(PUBLIC)
    def openapi() -> Response:
        """The OpenAPI file."""
        response = Response(json.dumps(document(), ensure_ascii=False), mimetype=JSON)
        response.headers["Cache-Control"] = "public, max-age=300"
        return response
