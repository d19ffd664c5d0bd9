"""A study in a real database, and its routes under a test client.

The database is a SQLite file, or an empty one of a throw-away PostgreSQL where a test module asks for both by
`@pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)`.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.api import build_router
from study.definition import read_study
from study.store import StudyStore
from study.visits import Visits
from tests.study.pictures import write_study_folder
from tests.study.postgresql import Cluster, NoPostgreSQL, running_cluster

BOTH_DATABASES = ["sqlite", "postgresql"]
SECRET = "a key for tests only"


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    return write_study_folder(tmp_path / "source")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster | str]:
    """A running PostgreSQL, or the reason why there is none."""
    with ExitStack() as stack:
        try:
            cluster: Cluster | str = stack.enter_context(running_cluster())
        except NoPostgreSQL as error:
            cluster = str(error)
        yield cluster


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the study is kept; a test that wants PostgreSQL is skipped with the reason where there is none."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'var' / 'study.db'}"
    cluster = request.getfixturevalue("postgresql")
    if isinstance(cluster, str):
        pytest.skip(f"no PostgreSQL: {cluster}")
    return cluster.new_database()


@pytest.fixture
def store(tmp_path: Path, database_url: str) -> Iterator[StudyStore]:
    store = StudyStore(database_url, data_folder=tmp_path / "var")
    yield store
    store.close()


@pytest.fixture
def open_store(store: StudyStore, study_folder: Path) -> StudyStore:
    """A store with the open study `bokeh`: three scenes, two methods."""
    store.create_study(read_study(study_folder, name="bokeh"), seed=1)
    store.open_study("bokeh")
    return store


@pytest.fixture
def new_browser(open_store: StudyStore) -> Iterator[Callable[[], TestClient]]:
    """Makes clients with cookies of their own, all talking to one application."""
    app = FastAPI()
    app.include_router(build_router(Visits(open_store, secret_key=SECRET)))
    clients: list[TestClient] = []

    def new() -> TestClient:
        clients.append(TestClient(app))
        return clients[-1]

    yield new
    for client in clients:
        client.close()
