"""A real Chromium for tests marked `browser`."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Error, expect, sync_playwright

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
