"""A researcher in a real browser: login, every view at desktop and phone width, links that can be kept."""

import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from study.accounts import Accounts
from study.store import StudyStore
from tests.browser.conftest import PATIENCE_MS
from tests.ports import free_port
from tests.study.filling import SetClock, fill_study
from tests.study.servers import ROOT
from tests.study.simulated import make_study

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
WINDOWS = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
QUALITIES = {"glassnet": 4.0, "unprocessed": 1.0, "gaussian": 2.5}
VIEWS = {
    "ratings": ("progress", "scores", "pictures", "raters", "screening", "tests", "metrics", "planning"),
    "pairs": ("progress", "preferences", "pictures", "raters", "planning"),
    "empty": ("progress", "scores", "pictures", "raters", "screening", "tests", "metrics", "planning"),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A dashboard with a rating study, a pairwise one and one without votes."""
    folder = tmp_path_factory.mktemp("dashboard_pages")
    url, clock = f"sqlite:///{folder / 'study.db'}", SetClock()
    store = StudyStore(url, data_folder=folder, clock=clock)
    make_study(store, folder / "a", mode="rating", name="ratings", votes_wanted=12)
    make_study(store, folder / "b", mode="pairwise", name="pairs", ties=True, votes_wanted=6)
    make_study(store, folder / "c", mode="rating", name="empty")
    fill_study(store, "ratings", raters=5, qualities=QUALITIES, clock=clock)
    fill_study(store, "pairs", raters=3, qualities=QUALITIES, clock=clock, simulated=False)
    store.close()
    Accounts(folder).add("ada", PASSWORD)
    port = free_port()
    command = [sys.executable, "-m", "tests.study.serve_admin", str(port), url, str(folder)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            _wait_until_answering(f"http://127.0.0.1:{port}/admin", process)
            yield f"http://127.0.0.1:{port}/admin"
        finally:
            process.kill()


def _wait_until_answering(address: str, process: subprocess.Popen[bytes], *, timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(address, timeout=30)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"the dashboard did not start; exit code {process.poll()}")


def log_in(browser: Browser, address: str, window: str) -> Page:
    page = browser.new_context(**WINDOWS[window]).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{address}/")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Studies", exact=True)).to_be_visible()
    return page


@pytest.mark.parametrize("window", WINDOWS)
def test_every_view_shows_itself_and_fits(browser: Browser, address: str, window: str) -> None:
    """Content in every tab of every kind of study, no sideways scrolling of the page, no error in the console."""
    page = log_in(browser, address, window)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda response: errors.append(response.url) if response.status >= 500 else None)
    for study, tabs in VIEWS.items():
        page.goto(f"{address}/?study={study}&tab={tabs[0]}")
        for tab in tabs:
            link = page.locator(f".bench-tabs a[href$='tab={tab}']")
            link.click()
            expect(link).to_have_attribute("aria-current", "page")
            expect(page.locator(".bench-tabs ~ *").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (study, tab)
    assert errors == []
    page.context.close()


def test_scores_say_what_they_are(browser: Browser, address: str) -> None:
    """Best method first, both intervals, the label of simulated raters, the figures."""
    page = log_in(browser, address, "desktop")
    page.get_by_role("link", name="ratings", exact=True).click()
    page.get_by_role("link", name="Scores").click()
    table = page.get_by_role("region", name="Mean opinion scores")
    expect(table.locator("tbody th").first).to_have_text("glassnet")
    expect(table).to_contain_text("raters and scenes")
    expect(table).to_contain_text("votes independent")
    expect(page.locator(".bench-head")).to_contain_text("all 5 raters are simulated")
    expect(page.locator(".bench-figure svg")).to_have_count(2)
    page.get_by_label("Screening of raters").select_option("bt500")
    expect(page.locator(".bench-card").first).to_contain_text("BT.500")
    assert "screening=bt500" in page.url
    page.context.close()


def test_back_and_a_kept_link_show_the_same_view(browser: Browser, address: str) -> None:
    """The address bar says what is shown; a picture leads to its scene."""
    page = log_in(browser, address, "desktop")
    page.goto(f"{address}/?study=ratings&tab=scores")
    page.locator(".bench-heat td a").first.click()
    expect(page.locator(".bench-pictures figure")).to_have_count(4)
    first = page.locator(".bench-pictures img").first
    expect(first).to_have_js_property("naturalWidth", 48)
    page.go_back()
    expect(page.get_by_role("region", name="Mean opinion scores")).to_be_visible()
    page.context.close()


def test_a_view_that_fails_is_said_and_takes_nothing_away(browser: Browser, address: str) -> None:
    """The tabs stay, and the next one that works takes the words away."""
    page = log_in(browser, address, "desktop")
    page.goto(f"{address}/?study=ratings&tab=scores")
    table = page.get_by_role("region", name="Mean opinion scores")
    expect(table).to_be_visible()
    page.route("**/view*", lambda route: route.fulfill(status=500, body="Internal Server Error"), times=1)
    page.get_by_role("link", name="Raters").click()
    expect(page.get_by_role("alert")).to_contain_text("does not answer as it should")
    expect(table).to_be_visible()
    page.get_by_role("link", name="Raters").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator(".bench-tabs a[href$='tab=raters']")).to_have_attribute("aria-current", "page")
    page.context.close()


def test_logout_closes_the_view(browser: Browser, address: str) -> None:
    """What was shown is gone, and the link to it asks for the login."""
    page = log_in(browser, address, "phone")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(f"{address}/?study=ratings&tab=scores")
    expect(page.get_by_label("Password")).to_be_visible()
    expect(page.get_by_text("glassnet")).to_have_count(0)
    page.context.close()
