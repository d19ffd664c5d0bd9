"""Bringing a database to the tables this version works with, and back."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from study.schema import Base
from study.store.engine import open_engine, require_reachable

_FOLDER = Path(__file__).resolve().parents[1] / "migrations"
_FIRST = "0001"  # the tables before there were migrations
_ANY_NUMBER = 1_918_273_645  # names our lock among all advisory locks of a PostgreSQL database


def bring_up_to_date(url: str) -> None:
    """Make the tables of an empty database, or migrate those of an older version; data is kept.

    Processes that start at the same time wait for each other.

    Raises:
        ValueError: the database cannot be opened, or its tables were made by a newer version of this program.
    """
    engine = open_engine(url, foreign_keys=False)  # SQLite rebuilds tables that others refer to
    try:
        require_reachable(engine)
        with engine.connect() as connection:
            if _revision(connection) == _head():
                return
        with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
            _lock(connection)
            _migrate(connection)
    finally:
        engine.dispose()


def migrate_to(url: str, revision: str) -> None:
    """Migrate up or down to a revision, such as `0001`.

    Raises:
        ValueError: the revision cannot hold what is there; nothing was changed.
    """
    engine = open_engine(url, foreign_keys=False)
    try:
        with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
            _lock(connection)
            is_up = revision == "head" or (_revision(connection) or "") < revision
            (command.upgrade if is_up else command.downgrade)(_config(connection), revision)
            _require_whole(connection)
    finally:
        engine.dispose()


def _migrate(connection: Connection) -> None:
    revision = _revision(connection)
    if revision == _head():  # another process was faster
        return
    if revision is None and not inspect(connection).has_table("studies"):
        Base.metadata.create_all(connection)
        command.stamp(_config(connection), "head")
        return
    if revision is None:
        command.stamp(_config(connection), _FIRST)
    elif revision not in {script.revision for script in _scripts().walk_revisions()}:
        raise ValueError(f"the database was made by a newer version (revision {revision}); update this program")
    command.upgrade(_config(connection), "head")
    _require_whole(connection)


def _require_whole(connection: Connection) -> None:
    """Refuse what the switched-off foreign keys of SQLite would have refused."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise ValueError(f"the migration would leave rows without what they refer to: {broken[:5]}")


def _lock(connection: Connection) -> None:
    """Keep other processes waiting until the transaction ends; SQLite's BEGIN IMMEDIATE did so already."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ANY_NUMBER})")


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _head() -> str | None:
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_FOLDER))
    return config
