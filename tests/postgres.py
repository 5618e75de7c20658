"""A real PostgreSQL server for one test process, reached by a Unix socket only.

One server for each parallel worker: `pg_snapshot_xmin` is server-wide, so a long transaction of another worker would
hold back the audit sequencer. The server refuses to run as root, so root starts it as the user `postgres`, in a
folder that user can enter. A guard process ends the server and removes the folder when the last descriptor to this
process is closed, however the process ends, by a kill too.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

import psycopg
from psycopg import sql

# `read` returns when the pipe to the tests is closed, which the kernel does for a killed process as well.
_GUARD = 'trap "" INT TERM HUP; read _; "$@" stop -D "$FOLDER/data" -m immediate -s; rm -rf "$FOLDER"'

_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "timezone": "Asia/Shanghai",  # a city's server may stand on local time; the code must not care
}


def binaries() -> Path:
    """The folder of the newest installed server. Raises RuntimeError with what to install."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    if debian:
        return debian[-1].parent
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise RuntimeError("No PostgreSQL server is installed: run `make system`, or apt-get install postgresql.")


class Server:
    """A running server; databases in it are cheap and thrown away with it."""

    def __init__(self, durable: bool = False) -> None:
        """Make and start a server (about 1 s). `durable` writes through to the disk: for kill tests and benchmarks."""
        self._bin = binaries()
        self._as: list[str] = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        self._numbers = count(1)
        self._templates: dict[str, str] = {}
        # A socket's path holds 107 bytes: the folder of pytest would be too long.
        self.folder = Path(tempfile.mkdtemp(prefix="tzj-pg-", dir="/tmp"))
        self.folder.chmod(0o755)
        if self._as:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self._guard = self._watch()
        try:
            self._start(_SETTINGS if durable else _SETTINGS | _FAST)
        except BaseException:
            self.stop()
            raise

    def _watch(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, "guard", *self._as, str(self._bin / "pg_ctl")],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={"FOLDER": str(self.folder), "PATH": os.environ["PATH"]},
            cwd="/",
            start_new_session=True,
        )

    def _start(self, settings: dict[str, str]) -> None:
        data = self.folder / "data"
        initdb = ["--no-sync", "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-E", "UTF8", "-D", str(data)]
        self._run("initdb", *initdb)
        lines = [f"{name} = '{value}'" for name, value in settings.items()]
        lines.append(f"unix_socket_directories = '{self.folder}'")
        with (data / "postgresql.auto.conf").open("a") as conf:
            conf.write("\n".join(lines) + "\n")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(data), "-l", str(self.folder / "log"))

    def _run(self, program: str, *arguments: str) -> None:
        # The started server keeps what it is given as output, so that must not be a pipe we wait on.
        with (self.folder / f"{program}.out").open("w+") as out:
            command = [*self._as, str(self._bin / program), *arguments]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/", check=False)
            out.seek(0)
            if done.returncode:
                log = self.folder / "log"
                raise RuntimeError(f"{program} failed: {out.read()}{log.read_text() if log.exists() else ''}")

    def url(self, database: str = "postgres") -> str:
        """The SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def fresh(self, template: str = "template1") -> str:
        """The URL of a new database copied from `template` (about 50 ms)."""
        name = f"t{next(self._numbers)}"
        self._sql(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def template(self, name: str, build: Callable[[str], None]) -> str:
        """The name of a database made once by `build(url)`, for `fresh`; `build` must close its connections."""
        if name not in self._templates:
            self._sql(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            build(self.url(name))
            self._templates[name] = name
        return name

    def kill(self) -> None:
        """End the server as a power cut would: no checkpoint, no farewell to clients. `restart` recovers it."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-w", "-D", str(self.folder / "data"))

    def restart(self) -> None:
        """Start a server that was killed."""
        data = str(self.folder / "data")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", data, "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """End the server and remove its folder; done by the guard, as after a kill."""
        if self._guard.stdin is not None and not self._guard.stdin.closed:
            self._guard.stdin.close()
        self._guard.wait(120)  # other workers may keep both cores and the disk busy

    def _sql(self, statement: sql.Composed) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", dbname="postgres", autocommit=True) as c:
            c.execute(statement)


def fresh_database(server: Server, template: str = "template1") -> str:
    """The URL of a new database of `server`, empty or copied from a template made by `Server.template`."""
    return server.fresh(template)
