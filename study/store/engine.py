"""The connection to the database, and what SQLite needs to be trusted with votes."""

import sqlite3
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 30_000  # a writer may wait for many others; on a machine with too much to do 10 s were not enough


def open_engine(url: str, *, foreign_keys: bool = True) -> Engine:
    """Connect to a database; a SQLite file's folder is made where it is missing.

    Args:
        url: Any SQLAlchemy URL.
        foreign_keys: Whether SQLite keeps them; migrations rebuild tables that others refer to. PostgreSQL always does.
    Raises:
        ValueError: `url` names a SQLite database in memory, which would forget the votes, or nothing that SQLAlchemy
            knows; the message does not repeat it, as it may hold a password.
    """
    try:
        parsed = make_url(url)
        if parsed.drivername in {"postgres", "postgresql"}:
            parsed = parsed.set(drivername="postgresql+psycopg")  # the driver that is installed
        if parsed.get_backend_name() != "sqlite":
            return create_engine(parsed, pool_pre_ping=True)
    except ArgumentError as error:
        raise ValueError("url is no database address; write one like sqlite:///var/study.db") from error
    if parsed.database in {None, "", ":memory:"}:
        raise ValueError(f"url must name a database file, got {url}: a database in memory forgets the votes")
    Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed)
    event.listen(engine, "connect", _make_sqlite_durable)
    if foreign_keys:
        event.listen(engine, "connect", _keep_foreign_keys)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def require_reachable(engine: Engine) -> None:
    """Connect once, so that a database that is not there is told in words.

    Raises:
        ValueError: there is no connection to be had; the message names the database without its password.
    """
    try:
        engine.connect().close()
    except DBAPIError as error:
        asked = engine.url  # its query is left out too, which may hold a password as well
        address = URL.create(
            asked.drivername, asked.username, host=asked.host, port=asked.port, database=asked.database
        )
        reason = " ".join(str(error.orig).split())
        raise ValueError(
            f"The database {address} cannot be opened ({reason}). Start its server, or mend the address, user or "
            "password in --database-url or DATABASE_URL."
        ) from error


def _make_sqlite_durable(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """Read while another writes, and return from a commit only when it is on the disk."""
    connection.isolation_level = None  # else the driver decides itself when a transaction begins
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")  # first: the switch to WAL may have to wait
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _keep_foreign_keys(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    """SQLite keeps none unless told to, by every connection."""
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    """Begin as the execution option `sqlite_begin` says: writers take the write lock at once.

    A transaction that reads first and writes later would fail if another wrote in between.
    """
    connection.exec_driver_sql(str(connection.get_execution_options().get("sqlite_begin", "BEGIN")))
