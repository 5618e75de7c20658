"""Every address of the site that can be read, with known things in its places."""

from collections.abc import Mapping, Sequence
from itertools import product

from flask import Flask
from werkzeug.routing import BuildError

ITEM = "S012"
"""A service of the sample catalogue."""


def addresses(app: Flask, known: Mapping[str, Sequence[object]]) -> list[str]:
    """The path of each GET rule, once for every combination of what is known for its parts.

    `known`: by the name of the part, `code` being a job's. A part that nobody knows gets 1, 2 and 3.
    """
    found = []
    adapter = app.url_map.bind("127.0.0.1")
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint == "static":
            continue
        names = sorted(rule.arguments)
        item = rule.endpoint.startswith("items.") or "item" in names
        known = {"what": ["register", "reset"], **known}
        values = [[ITEM] if item and name in ("code", "item") else known.get(name, (1, 2, 3)) for name in names]
        for combination in product(*values):
            try:
                found.append(adapter.build(rule.endpoint, dict(zip(names, combination, strict=True))))
            except BuildError:
                continue
    return sorted(set(found))
