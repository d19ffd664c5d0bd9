"""A real Chromium for tests marked `browser`."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

from study.store import StudyStore
from tests.browser import visiting
from tests.ports import free_port
from tests.study.servers import running_server

PATIENCE_MS = 60_000  # pages take a second to load, and half a minute on a machine that trains networks meanwhile
expect.set_options(timeout=PATIENCE_MS)
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")  # as in the Makefile
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium from $CHROMIUM, the system, or Playwright's own; without any, the test says that it was not run."""
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)
    with sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        except Error as error:
            pytest.skip(f"NOT RUN: no Chromium found; install it or set CHROMIUM ({str(error).splitlines()[0]})")
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[visiting.Served]:
    """One server with the rater's page for all tests; each opens studies of its own."""
    folder = tmp_path_factory.mktemp("rater_visits")
    url, var, port = f"sqlite:///{folder / 'study.db'}", folder / "var", free_port()
    with running_server(port=port, database_url=url, data_folder=var, page=True):
        store = StudyStore(url, data_folder=var)
        yield visiting.Served(f"http://127.0.0.1:{port}", store, folder)
        store.close()


@pytest.fixture
def new_rater(browser: Browser, served: visiting.Served) -> Iterator[Callable[..., visiting.Rater]]:
    """Makes raters: `new_rater(study, screen)`."""
    with ExitStack() as stack:

        def new(study: str, screen: dict[str, object] = visiting.DESKTOP) -> visiting.Rater:
            context = browser.new_context(**screen)
            context.set_default_timeout(PATIENCE_MS)
            stack.callback(context.close)
            return visiting.Rater(context, served, study)

        yield new
