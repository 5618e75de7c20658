"""The official schema of OCDS 1.1.5 with the bids extension, from the copy beside the project (ocds/README.md)."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft4Validator, FormatChecker  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT4

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "ocds"
PACKAGES = ("record-package-schema.json", "release-package-schema.json")
VERSIONED = "versioned-release-validation-schema.json"


def _date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def _uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", raises=ValueError)(_date_time)
FORMATS.checks("uri", raises=ValueError)(_uri)


def merged(target: Any, patch: Any) -> Any:
    """JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(target) if isinstance(target, dict) else {}
    for name, change in patch.items():
        if change is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), change)
    return found


class Official:
    """Validators of both packages, offline."""

    def __init__(self, folder: Path) -> None:
        told = {f.name: json.loads(f.read_text("utf-8")) for f in folder.glob("*.json")}
        release = merged(told["release-schema.json"], told["bids-extension-release-schema.json"])
        self.schemas = {one["id"]: one for one in (release, told[VERSIONED], *(told[name] for name in PACKAGES))}
        self._packages = {name.split("-")[0]: told[name] for name in PACKAGES}
        known = [(name, DRAFT4.create_resource(schema)) for name, schema in self.schemas.items()]
        self._registry: Registry[Any] = Registry().with_resources(known)

    def faults(self, kind: str, package: dict[str, Any]) -> list[str]:
        """What is wrong with a `record` or `release` package: by the schema, and fields the schema has not."""
        schema = self._packages[kind]
        judge = Draft4Validator(schema, registry=self._registry, format_checker=FORMATS)
        found = [f"{e.json_path}: {e.message[:200]}" for e in judge.iter_errors(package)]
        return found + [f"{path}: no such field" for path in self._strange(package, schema, schema, "$")]

    def _strange(self, value: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
        """Additional fields are allowed by the standard; here they would be slips of the pen."""
        if "$ref" in schema:
            name, _, inner = schema["$ref"].partition("#")
            root = self.schemas[name] if name else root
            schema = root
            for step in filter(None, inner.split("/")):
                schema = schema[step]
        if isinstance(value, list):
            items = schema.get("items") or schema.get("oneOf", [{}])[-1].get("items", {})
            for n, one in enumerate(value):
                yield from self._strange(one, items, root, f"{path}[{n}]")
        elif isinstance(value, dict) and "properties" in schema:
            for name, one in value.items():
                if name not in schema["properties"]:
                    yield f"{path}.{name}"
                else:
                    yield from self._strange(one, schema["properties"][name], root, f"{path}.{name}")


def official() -> Official:
    """The schema, or the word that there is no copy of it: the test is then not run (ocds/README.md)."""
    if not FOLDER.is_dir():
        pytest.skip("no copy of the official OCDS schema at ../shared/ocds: nothing is validated")
    return Official(FOLDER)
