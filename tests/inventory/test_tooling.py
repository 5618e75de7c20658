"""What keeps the project installable and its layers straight, found by looking at the files."""

import ast
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path
from typing import Any

import psycopg
import pytest
from packaging.requirements import Requirement

from tests.postgres import Server, fresh_database

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
OURS = ("market", "ratings", "bidding", "oversight", "portal")
LOCKS = [ROOT / f"requirements{of}.lock" for of in ("", "-dev", "-localstripe")]
SOURCES = sorted(file for room in OURS for file in (ROOT / room).rglob("*.py"))


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements: list[str]) -> set[str]:
    return {plain(Requirement(line).name) for line in requirements}


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;]+)", lock.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_host(lock: Path) -> None:
    assert "//" not in lock.read_text()
    assert not re.search(r"--(extra-)?(index|find-links)", lock.read_text())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_of_a_lock_has_hashes(lock: Path) -> None:
    blocks = re.split(r"\n(?=\S)", lock.read_text().strip())

    assert blocks
    for block in blocks:
        assert re.match(r"\S+==\S+", block), block
        assert "--hash=sha256:" in block, block


def test_tests_run_on_the_versions_that_are_installed_for_use() -> None:
    used, tested = pins(LOCKS[0]), pins(LOCKS[1])

    assert used.items() <= tested.items()


def test_every_direct_dependency_is_pinned() -> None:
    assert named(PROJECT["project"]["dependencies"]) <= pins(LOCKS[0]).keys()
    assert named(PROJECT["dependency-groups"]["dev"]) <= pins(LOCKS[1]).keys()


def test_every_dependency_says_why_it_is_there() -> None:
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.split("\ndependencies = [\n")[1].split("\n]")[0]

    for line in block.splitlines():
        assert re.fullmatch(r'\s+"[^"]+", +# \S.{5,}', line), line


def imported(file: Path) -> set[str]:
    """The top names a file imports from anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_the_code_imports_only_what_it_declares() -> None:
    direct = named(PROJECT["project"]["dependencies"])
    brought = {plain(Requirement(line).name) for name in direct for line in requires(name) or []}
    homes = packages_distributions()

    for file in SOURCES:
        for name in imported(file) - set(OURS) - sys.stdlib_module_names:
            found = {plain(home) for home in homes.get(name, [name])}
            assert found & (direct | brought), f"{file.relative_to(ROOT)} imports {name}: declare it in pyproject.toml"


def test_no_file_of_the_code_names_a_registry_host() -> None:
    # Put together here, so that this file does not name one either.
    hosts = re.compile("|".join(["py" + r"pi\.", "python" + r"hosted\.", "npm" + r"js\.", "deb" + r"ian\.org"]))
    files = [*SOURCES, *LOCKS, ROOT / "pyproject.toml", ROOT / "Makefile", ROOT / ".ci" / "run"]

    for file in files:
        assert not hosts.search(file.read_text("utf-8")), file


ARROWS = [
    ("market/clock.py", "import bidding"),
    ("market/clock.py", "import portal"),
    ("market/errors.py", "import market.db"),
    ("market/audit/rules.py", "import market.audit.models"),
    ("market/identity/rules.py", "import sqlalchemy"),
    ("market/audit/service.py", "import market.identity"),
    ("market/notices/service.py", "import flask"),
    ("ratings/__init__.py", "import oversight"),
    ("bidding/__init__.py", "import portal"),
    ("bidding/methods/__init__.py", "import os"),
    ("portal/access.py", "import portal.web"),
    ("portal/web.py", "import sqlalchemy"),
]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code and its contract, to break."""
    place = tmp_path_factory.mktemp("layers")
    for room in OURS:
        shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("static", "translations", "*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", place)
    return place


def lint(place: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    return subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)


def test_the_layers_hold(copy: Path) -> None:
    done = lint(copy)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("file", "line"), ARROWS, ids=lambda text: text.replace("/", "."))
def test_an_import_against_an_arrow_is_refused(copy: Path, file: str, line: str) -> None:
    broken = copy / file
    before = broken.read_text("utf-8")
    broken.write_text(f"{before}\n{line}\n", "utf-8")

    done = lint(copy)

    broken.write_text(before, "utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("198.51.100.7", 443)])
def test_a_test_that_leaves_the_machine_fails(address: tuple[str, int]) -> None:
    with socket.socket() as s, pytest.raises(AssertionError, match="stay on this machine"):
        s.connect(address)

    with pytest.raises(AssertionError, match="no name"):
        socket.getaddrinfo("taozhongjie.example", 443)


def test_fresh_databases_share_nothing_but_their_template(postgres_server: Server) -> None:
    def build(url: str) -> None:
        with psycopg.connect(url.replace("+psycopg", "")) as c:
            c.execute("CREATE TABLE thing (id int)")

    template = postgres_server.template("tooling_template", build)
    first, second = (fresh_database(postgres_server, template).replace("+psycopg", "") for _ in range(2))

    with psycopg.connect(first) as c:
        c.execute("INSERT INTO thing VALUES (1)")

    with psycopg.connect(second) as c:
        assert c.execute("SELECT count(*) FROM thing").fetchone() == (0,)


def test_a_killed_test_run_leaves_no_server_and_no_folder() -> None:
    code = "from tests.postgres import Server; s = Server(); print(s.folder, flush=True); input()"
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert run.stdout is not None
    folder = Path(run.stdout.readline().strip())
    postmaster = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    run.send_signal(signal.SIGKILL)
    run.communicate()

    assert gone(folder), "the guard did not remove the folder within 30 s"
    assert not alive(postmaster)


def gone(folder: Path) -> bool:
    """Whether the folder went away within 30 s."""
    until = time.monotonic() + 30
    while folder.exists() and time.monotonic() < until:
        threading.Event().wait(0.05)
    return not folder.exists()


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
