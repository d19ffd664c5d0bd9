"""A throw-away PostgreSQL of Debian's package, on a socket in a temporary folder."""

import itertools
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError


class NoPostgreSQL(Exception):  # noqa: N818  states the fact
    """No PostgreSQL can be started here; the message says why."""


class Cluster:
    """A running server; every call of `new_database` gives the URL of an empty database."""

    def __init__(self, socket_folder: Path) -> None:
        self._socket_folder = socket_folder
        self._numbers = itertools.count()
        self._admin = create_engine(self._url("postgres"), isolation_level="AUTOCOMMIT")

    def _url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self._socket_folder}"

    def new_database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"study{next(self._numbers)}"
        with self._admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return self._url(name)

    def wait_until_ready(self, server: subprocess.Popen[bytes], *, timeout_s: float = 60) -> None:
        """Wait for the server's first answer."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and server.poll() is None:
            try:
                self._admin.connect().close()
            except OperationalError:
                time.sleep(0.1)
                continue
            return
        raise NoPostgreSQL(f"the server did not start; exit code {server.poll()}")

    def close(self) -> None:
        """Let go of the connections."""
        self._admin.dispose()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Make and run a cluster until the block ends.

    Raises:
        NoPostgreSQL: there are no binaries, or they cannot be run by this user.
    """
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="bggan-postgresql-"))
    try:
        _as_owner = _owner_of(folder)
        _run([*_as_owner, binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"])
        options = ["-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200"]
        with (folder / "log").open("wb") as log:
            command = [*_as_owner, binaries / "postgres", "-D", folder / "data", *options]
            server = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log, cwd="/")
        cluster = Cluster(folder)
        try:
            cluster.wait_until_ready(server)
            yield cluster
        finally:
            cluster.close()
            # The server itself, not the program that changed the user for it.
            _run([*_as_owner, binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop"])
            server.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """The folder of the newest PostgreSQL's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4].split(".")[0]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path:
        return Path(on_path).resolve().parent
    raise NoPostgreSQL("no initdb found; Debian: apt-get install postgresql")


def _owner_of(folder: Path) -> list[str]:
    """Give the folder to a user who may run PostgreSQL, which refuses root, and return how to become that user."""
    if os.geteuid() != 0:
        return []
    if shutil.which("runuser") is None:
        raise NoPostgreSQL("PostgreSQL refuses to run as root, and there is no runuser to become another user")
    try:
        shutil.chown(folder, user="postgres")
    except LookupError as error:
        raise NoPostgreSQL("PostgreSQL refuses to run as root, and there is no user postgres") from error
    folder.chmod(0o755)
    return ["runuser", "-u", "postgres", "--"]


def _run(command: list[object]) -> None:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode != 0:
        raise NoPostgreSQL(f"{command}: {done.stderr.strip()}")
