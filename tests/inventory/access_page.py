"""docs/access.md, drawn from the routes and the permissions. `python -m tests.inventory.access_page` writes it."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask import Flask

from market import db
from market.clock import FixedClock
from market.settings import read
from portal.access import GRANTS, PUBLIC
from portal.app import create_app
from portal.web import City
from tests.inventory.asking import ROLES, Door, doors
from tests.makers import T0

PAGE = Path(__file__).resolve().parents[2] / "docs" / "access.md"
HEAD = """# Who may pass which door

Drawn from the routes and `portal/access.py` by `python -m tests.inventory.access_page`; tests compare this page with
them, and ask at every door as everybody (`tests/inventory/test_matrix.py`).

`✓` passes the permission; 401 is led to sign-in (pages) or refused (API); 403 is refused. What passes may still be
refused by a rule: another organisation's draft, bid, document or number is not found (404), the same as one that does
not exist (`tests/inventory/test_foreign.py`). The API knows bearer tokens only, never the session of a browser; every
POST of a page needs its CSRF token. "both" is an organisation that posts jobs and bids.
"""


def expected(door: Door, role: str) -> str:
    """What somebody meets at a door: `✓`, 401 or 403."""
    if door.passes(role):
        return "✓"
    return "401" if role == "stranger" else "403"


def render(app: Flask) -> str:
    """The whole page."""
    parts = [HEAD, "\n## Permissions\n\n| Permission | Roles |\n|---|---|\n"]
    parts += [f"| {may} | {', '.join(sorted(roles))} |\n" for may, roles in GRANTS.items()]
    for title, api in (("Pages", False), ("API", True)):
        parts.append(f"\n## {title}\n\n| Door | Permission | {' | '.join(ROLES)} |\n|{'---|' * (len(ROLES) + 2)}\n")
        for door in (d for d in doors(app) if d.api is api):
            may = "public" if door.may is PUBLIC else door.may
            rule = door.rule.replace("|", "\\|")
            cells = " | ".join(expected(door, role) for role in ROLES)
            parts.append(f"| {door.method} `{rule}` | {may} | {cells} |\n")
    return "".join(parts)


def bare_app(folder: Path) -> Flask:
    """The site without a city behind it: enough to know its routes."""
    settings, nothing = read({"TAOZHONGJIE_HOME": str(folder)}), Any
    return create_app(City(settings, db.open(settings), FixedClock(T0), nothing, nothing), b"k" * 32)  # type: ignore[arg-type]


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        PAGE.write_text(render(bare_app(Path(folder))), "utf-8")
