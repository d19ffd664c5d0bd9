"""One app and one client for all API tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from tests.demo.serving import running_app


@dataclass(frozen=True)
class Served:
    """A running app: its address, its folder, and a photo an earlier process had left in its cache."""

    address: str
    folder: Path
    leftover: Path


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("app")
    leftover = folder / "var" / "photos-in-work" / "abc" / "photo.jpg"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"a photo")
    with running_app(folder) as address:
        yield Served(address, folder, leftover)


@pytest.fixture(scope="session")
def address(served: Served) -> str:
    return served.address


@pytest.fixture(scope="session")
def client(address: str, tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(address, download_files=str(tmp_path_factory.mktemp("results")), verbose=False)


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """Plain requests, patient with a busy machine."""
    with httpx.Client(timeout=60) as plain:
        yield plain
