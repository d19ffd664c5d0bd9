"""A visitor's photo goes through the page in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.demo.files import gradient, save
from tests.demo.serving import running_app

pytestmark = pytest.mark.browser

WAIT_MS = 60_000
SIZES = [pytest.param((1280, 800), id="desktop"), pytest.param((390, 844), id="phone")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_app(tmp_path_factory.mktemp("app")) as address:
        yield address


@pytest.fixture
def context(browser: Browser, request: pytest.FixtureRequest) -> Iterator[BrowserContext]:
    """A fresh browser profile of the size the test asks for."""
    width, height = getattr(request, "param", (1280, 800))
    context = browser.new_context(viewport={"width": width, "height": height})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    page.wait_for_selector("#photo")
    return page


@pytest.mark.parametrize("context", SIZES, indirect=True)
def test_photo_comes_back_at_full_size(page: Page, tmp_path: Path) -> None:
    """Upload, compare, download: the file has the upload's pixels, and the page never scrolls sideways."""
    offered = _choose(page, save(tmp_path / "walk.jpg", gradient(1200, 900), quality=95))
    expect(page.locator("#comparison img")).to_have_count(2)
    expect(page.locator("#status")).to_contain_text(re.compile(r"1200 \u00d7 900 pixels · \d"))
    assert _scrolls_sideways(page) is False
    with page.expect_download() as download:
        offered.click()
    assert download.value.suggested_filename == "walk-bokeh.jpg"
    with Image.open(download.value.path()) as picture:
        assert picture.size == (1200, 900)


@pytest.mark.parametrize("context", SIZES, indirect=True)
def test_nothing_moves_when_the_result_arrives(page: Page, tmp_path: Path) -> None:
    """The gallery stays where it was."""
    before = page.locator("#examples").bounding_box()
    _choose(page, save(tmp_path / "walk.jpg", gradient(300, 400)))
    after = page.locator("#examples").bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) < 1


def test_file_that_is_no_photo_gives_a_message_and_another_chance(page: Page, tmp_path: Path) -> None:
    """The message says what to do, and the page takes the next photo."""
    letter = tmp_path / "letter.jpg"
    letter.write_text("Dear diary")
    page.set_input_files("#photo input[type=file]", letter)
    expect(page.get_by_test_id("toast-body")).to_contain_text("not a photo", timeout=WAIT_MS)
    expect(page.locator("#photo")).to_contain_text("Drop a photo here")
    _choose(page, save(tmp_path / "walk.jpg", gradient(300, 200)))


def test_example_is_rendered_by_one_click(page: Page) -> None:
    """Each of the six shows its licence, and a click renders it."""
    examples = page.locator("#examples li")
    expect(examples).to_have_count(6)
    expect(examples.first).to_contain_text("CC0 1.0")
    examples.nth(2).get_by_role("button").click()
    _await_result(page)
    expect(page.locator("#status")).to_contain_text("320 \N{MULTIPLICATION SIGN} 240")


def test_photo_can_be_dropped_and_pasted_anywhere(page: Page) -> None:
    """A drop beside the upload area, then a paste while the result is shown."""
    page.evaluate(_WITH_A_PICTURE, "drop")
    _await_result(page)
    expect(page.locator("#status")).to_contain_text("320 \N{MULTIPLICATION SIGN} 240")
    page.evaluate(_WITH_A_PICTURE, "paste")
    expect(page.locator("#status")).to_contain_text("160 \N{MULTIPLICATION SIGN} 120 pixels · ", timeout=WAIT_MS)


def test_new_photo_brings_the_upload_area_back(page: Page, tmp_path: Path) -> None:
    """A result can be left for the next photo."""
    _choose(page, save(tmp_path / "walk.jpg", gradient(300, 200)))
    page.click("#another")
    expect(page.locator("#photo")).to_contain_text("Drop a photo here")
    expect(page.locator("#comparison")).to_have_count(0)


def test_page_asks_no_other_host_for_anything(context: BrowserContext, address: str, tmp_path: Path) -> None:
    """Every request of a whole visit goes to this server."""
    hosts: set[str] = set()
    context.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(address)
    _choose(page, save(tmp_path / "walk.jpg", gradient(300, 200)))
    assert hosts - {""} == {urlsplit(address).netloc}  # data: and blob: have no host


def test_study_is_one_click_away(page: Page, address: str) -> None:
    """The page leads to the rating study."""
    page.get_by_role("link", name="Rate renderings").click()
    page.wait_for_url(f"{address}/study/**")


def _choose(page: Page, photo: Path):
    page.set_input_files("#photo input[type=file]", photo)
    return _await_result(page)


def _await_result(page: Page):
    download = page.locator("#download")
    expect(download).to_be_enabled(timeout=WAIT_MS)
    return download


def _scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


_WITH_A_PICTURE = """async (how) => {
  const [width, height] = how === "drop" ? [320, 240] : [160, 120];
  const canvas = Object.assign(document.createElement("canvas"), {width, height});
  canvas.getContext("2d").fillRect(0, 0, 90, 90);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], "picture.png", {type: "image/png"}));
  const event = how === "drop"
    ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true, cancelable: true})
    : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""
