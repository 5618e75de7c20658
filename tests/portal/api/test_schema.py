"""The OpenAPI file is valid, whole and true: schemathesis finds no answer it does not describe."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.definitions import OPENAPI_31
from sqlalchemy import delete

from market.clock import FixedClock
from market.identity.models import RateCount
from portal.access import PUBLIC
from portal.api.doors import DOORS, Door, NoQuery
from portal.api.openapi import document
from tests.makers import T0, database
from tests.portal.api.conftest import Market, market_of

SEMANTIC = ["2xx", "401", "403", "404", "409", "422", "5xx"]
"""A body may fit the file and still be refused: a price over the ceiling, a scale beyond the table."""
CONFIG = {"checks": {"positive_data_acceptance": {"expected-statuses": SEMANTIC}}}
TRIES = [(door, GenerationMode.POSITIVE) for door in DOORS] + [
    (door, GenerationMode.NEGATIVE) for door in DOORS if door.body is not None or door.query is not NoQuery
]
"""Every door with what fits; those that take fields also with what does not."""
held: dict[str, Market] = {}


@pytest.fixture(scope="module")
def api_schema(sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The file as the site serves it, with one open job; its code stands for half of the made-up ones."""
    folder = tmp_path_factory.mktemp("schema")
    (folder / "city.db").write_bytes(sqlite_template.read_bytes())
    db = database(f"sqlite:///{folder / 'city.db'}")
    market = held["market"] = market_of(db, FixedClock(T0), folder)
    schema = schemathesis.openapi.from_wsgi(
        "/api/v1/openapi.json", market.app, config=schemathesis.Config.from_dict(CONFIG)
    )

    @schema.hook
    def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
        if path_parameters and str(path_parameters.get("code", "")).endswith(tuple("01234")):
            return {**path_parameters, "code": market.code}
        return path_parameters

    yield schema
    db.close()


@pytest.mark.parametrize(("door", "mode"), TRIES, ids=lambda part: getattr(part, "value", "") or part.name)
def test_every_answer_is_as_the_file_says(api_schema: BaseSchema, door: Door, mode: GenerationMode) -> None:
    operation = api_schema[door.path][door.method]
    headers = {"Authorization": f"Bearer {held['market'].token}", "Accept-Encoding": "identity"}
    with held["market"].db.write() as s:
        s.execute(delete(RateCount))  # the clock stands, so the bad tokens tried at one door would count at the next

    @settings(max_examples=30, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def met(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers)

    met()


def test_the_file_is_valid_openapi() -> None:
    Draft202012Validator(OPENAPI_31).validate(document())


def test_every_door_stands_in_the_file_with_its_permission() -> None:
    paths = document()["paths"]
    for door in DOORS:
        operation = paths[door.path][door.method.lower()]
        assert operation["operationId"] == door.name and operation["summary"] == door.about != ""
        assert ({} in operation["security"]) == (door.may is PUBLIC)
    assert sum(len(path) for path in paths.values()) == len(DOORS)


def test_no_body_takes_unknown_fields_and_nothing_is_a_float() -> None:
    kinds: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("type"), str):
                kinds.add(node["type"])
            for item in node.values():
                walk(item)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    for name, schema in document()["components"]["schemas"].items():
        assert schema.get("additionalProperties") is False, name
        walk(schema)
    assert kinds == {"object", "array", "string", "integer", "boolean", "null"}
