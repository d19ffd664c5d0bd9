"""A study in a real SQLite file, and its routes under a test client."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.api import build_router
from study.definition import read_study
from study.store import StudyStore
from study.visits import Visits
from tests.study.pictures import write_study_folder

SECRET = "a key for tests only"


@pytest.fixture
def study_folder(tmp_path: Path) -> Path:
    return write_study_folder(tmp_path / "source")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'var' / 'study.db'}"


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
