"""Raters in a real browser: whole visits at desktop and phone width, and all that goes wrong on the way."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from study.definition import read_study
from study.export import mos_table
from study.scale import rating_scale
from study.store import StudyStore
from tests.browser.conftest import PATIENCE_MS
from tests.study.pictures import write_study_folder
from tests.study.servers import free_port, running_server

pytestmark = pytest.mark.browser
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
METHODS = ("glassnet", "unprocessed")
# No two tests share a study, so one server serves them all.
STUDIES = (
    "whole-desktop",
    "whole-phone",
    "clicks",
    "keys",
    "lost",
    "reload-lost",
    "blind",
    "closing",
    "tabs",
    "portrait",
    "eleven",
    "lost-begin",
    "slow",
    "stalled",
    "damaged-once",
    "damaged",
)
# The script's patience of 20 s is cut to 2 s, and pictures come in four parts, 1 s apart: longer than the patience.
IMPATIENT = """
  const { setTimeout: later, fetch: get } = window;
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  const cut = (ms) => (ms === 20000 ? 2000 : ms);
  window.setTimeout = (task, ms, ...rest) => later(task, cut(ms), ...rest);
  AbortSignal.timeout = (ms) => timeout(cut(ms));
"""
SLOW_PICTURES = """
  window.fetch = async (url, options) => {
    const response = await get(url, options);
    if (!String(url).includes("/stimuli/")) return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const size = Math.ceil(bytes.length / 4);
    let sent = 0;
    const body = new ReadableStream({
      start: (stream) => options.signal.addEventListener("abort", () => stream.error(options.signal.reason)),
      async pull(stream) {
        await new Promise((resolve) => later(resolve, 1000));
        if (options.signal.aborted) return;
        stream.enqueue(bytes.slice(sent, (sent += size)));
        if (sent >= bytes.length) stream.close();
      },
    });
    return new Response(body, { headers: response.headers });
  };
"""


@dataclass(frozen=True)
class Served:
    """A running server with its store opened a second time by the test."""

    url: str
    store: StudyStore


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("rater_visits")
    landscape = write_study_folder(folder / "landscape", methods=METHODS, size=(240, 160))
    portrait = write_study_folder(folder / "portrait", methods=METHODS, size=(160, 240))
    store = open_studies(folder, {name: portrait if name == "portrait" else landscape for name in STUDIES})
    port = free_port()
    with running_server(port=port, database_url=database_url(folder), data_folder=folder / "var", page=True):
        yield Served(f"http://127.0.0.1:{port}", store)
    store.close()


def database_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'var' / 'study.db'}"


def open_studies(folder: Path, sources: dict[str, Path]) -> StudyStore:
    store = StudyStore(database_url(folder), data_folder=folder / "var")
    for name, source in sources.items():
        scale = rating_scale(10 if name == "eleven" else 5)
        store.create_study(read_study(source, name=name, title="How close is this blur?", scale=scale), seed=1)
        store.open_study(name)
    return store


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browsers with cookies and storage of their own."""
    contexts: list[BrowserContext] = []

    def new(**options: object) -> BrowserContext:
        contexts.append(browser.new_context(**options))
        contexts[-1].set_default_timeout(PATIENCE_MS)
        return contexts[-1]

    yield new
    for context in contexts:
        context.close()


def begin(context: BrowserContext, served: Served, study: str) -> Page:
    page = start_screen(context, served, study)
    page.locator("#rater-begin").click()
    expect_trial(page, 1)
    return page


def start_screen(context: BrowserContext, served: Served, study: str, *, script: str = "") -> Page:
    """Open the study in a new page, with a script run before the page's own."""
    page = context.new_page()
    if script:
        page.add_init_script(f"(() => {{ {script} }})()")
    page.goto(f"{served.url}/study?study={study}")
    expect(page.locator("#rater-begin")).to_be_visible()
    return page


def expect_trial(page: Page, number: int, total: int = 6) -> None:
    """Wait for the trial and for its buttons to take answers."""
    expect(page.locator("#rater-count")).to_have_text(f"{number} of {total}")
    expect(page.locator("#rater-trial")).to_have_attribute("aria-busy", "false")


def answer(page: Page, value: int) -> None:
    page.locator(f".rater-value[data-value='{value}']").click()


def values(served: Served, study: str) -> list[int]:
    return [chained.vote.value for chained in served.store.votes(study)]


@pytest.mark.parametrize(("study", "screen"), [("whole-desktop", DESKTOP), ("whole-phone", PHONE)])
def test_a_whole_visit_with_a_reload_fits_the_window_and_gives_the_mos_computed_by_hand(
    served, new_context, tmp_path, study, screen
):
    context = new_context(**screen)
    page = begin(context, served, study)
    for number, value in enumerate([5, 4, 3], start=1):
        expect_trial(page, number)
        fits_the_window(page)
        answer(page, value)
    expect_trial(page, 4)
    page.screenshot(path=tmp_path / "trial.png")
    page.reload()
    expect_trial(page, 4)
    expect(page.locator("#rater-note")).to_have_text("Welcome back. You are at picture 4 of 6.")
    for number, value in enumerate([2, 1, 0], start=4):
        expect_trial(page, number)
        answer(page, value)
    expect(page.locator("#rater-done")).to_be_visible()
    page.reload()
    expect(page.locator("#rater-done")).to_be_visible()
    assert values(served, study) == [5, 4, 3, 2, 1, 0]
    votes = served.store.votes(study)
    table = mos_table(served.store.study(study), votes).set_index("method")
    for method in METHODS:
        given = [chained.vote.value for chained in votes if chained.vote.method == method]
        assert len(given) == 3
        assert table.loc[method, "mos"] == pytest.approx(sum(given) / 3)


def fits_the_window(page: Page) -> None:
    """Pictures, question, all answers and the note lie inside the window, and nothing scrolls sideways."""
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    parts = page.locator(".rater-frame img:visible, #rater-question, .rater-value, #rater-note").all()
    for box in (part.bounding_box() for part in parts):
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    assert page.evaluate("document.querySelector('.rater').scrollWidth") == width
    for button in page.locator(".rater-value").all():
        assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 44


def test_a_double_click_is_one_vote_and_does_not_reach_the_next_pictures(served, new_context):
    page = begin(new_context(**DESKTOP), served, "clicks")
    page.locator(".rater-value[data-value='4']").dblclick()
    expect_trial(page, 2)
    page.evaluate("for (let i = 0; i < 5; i++) document.querySelector('.rater-value').click()")
    expect_trial(page, 3)
    assert values(served, "clicks") == [4, 0]


def test_number_keys_answer_and_g_shows_the_ground_truth_in_place(served, new_context):
    page = begin(new_context(**DESKTOP), served, "keys")
    over = page.locator(".rater-over")
    expect(over).to_be_hidden()
    page.keyboard.down("g")
    expect(over).to_be_visible()
    page.keyboard.up("g")
    expect(over).to_be_hidden()
    page.keyboard.press("9")
    page.keyboard.press("2")
    expect_trial(page, 2)
    assert values(served, "keys") == [2]


def test_the_hint_names_keys_that_answer_and_no_others(served, new_context):
    """Eleven values and ten number keys."""
    page = begin(new_context(**DESKTOP), served, "eleven")
    expect(page.locator("#rater-note")).to_contain_text("Keys 0 to 9 answer.")
    answer(page, 10)
    expect_trial(page, 2)
    assert values(served, "eleven") == [10]


def test_portrait_pictures_on_a_phone_are_shown_one_at_a_time_with_a_button_to_flip(served, new_context):
    page = begin(new_context(**PHONE), served, "portrait")
    expect(page.locator("#rater-stage")).to_have_attribute("data-layout", "single")
    fits_the_window(page)
    page.locator("#rater-flip").click()
    expect(page.locator(".rater-over")).to_be_visible()
    expect(page.locator("#rater-flip")).to_have_text("Show picture to rate")


def test_an_answer_given_while_the_connection_is_lost_is_kept_and_sent_once(served, new_context):
    context = new_context(**PHONE)
    page = begin(context, served, "lost")
    context.set_offline(True)
    answer(page, 3)
    expect(page.locator("#rater-warning")).to_contain_text("Your answer 3 is kept")
    answer(page, 1)
    context.set_offline(False)
    expect_trial(page, 2)
    assert values(served, "lost") == [3]


def test_an_answer_whose_acknowledgement_got_lost_survives_a_reload_and_is_not_doubled(served, new_context):
    page = begin(new_context(**DESKTOP), served, "reload-lost")

    def deliver_but_lose_the_reply(route):
        route.fetch()
        route.abort()

    page.route("**/api/vote", deliver_but_lose_the_reply, times=1)
    answer(page, 5)
    expect(page.locator("#rater-warning")).to_contain_text("Your answer 5 is kept")
    page.unroute_all()
    page.reload()
    expect_trial(page, 2)
    assert values(served, "reload-lost") == [5]
    assert page.evaluate("localStorage.length") == 0


def test_a_rater_whose_beginning_was_acknowledged_in_vain_is_enrolled_once(served, new_context):
    context = new_context(**DESKTOP)
    page = start_screen(context, served, "lost-begin")

    def deliver_but_lose_the_reply(route):
        route.fetch()
        context.clear_cookies()  # the cookie was in the reply
        route.abort()

    page.route("**/api/visit", deliver_but_lose_the_reply, times=1)
    page.locator("#rater-begin").click()
    expect_trial(page, 1)
    assert served.store.progress("lost-begin").raters == 1


def test_pictures_may_take_longer_than_the_patience_as_long_as_bytes_keep_coming(served, new_context):
    page = start_screen(new_context(**DESKTOP), served, "slow", script=IMPATIENT + SLOW_PICTURES)
    page.locator("#rater-begin").click()
    expect_trial(page, 1)


def test_a_picture_that_stalls_is_asked_for_again(served, new_context):
    page = start_screen(new_context(**DESKTOP), served, "stalled", script=IMPATIENT)
    page.route("**/stimuli/*", lambda _route: None, times=2)
    page.locator("#rater-begin").click()
    expect(page.locator("#rater-message h1")).to_have_text("Connection lost")
    expect_trial(page, 1)


def test_a_picture_that_arrived_damaged_is_asked_for_again(served, new_context):
    page = start_screen(new_context(**DESKTOP), served, "damaged-once")
    page.route("**/stimuli/*", lambda route: route.fulfill(body=b"no picture", content_type="image/png"), times=2)
    page.locator("#rater-begin").click()
    expect_trial(page, 1)


def test_a_picture_that_stays_damaged_is_said_and_the_visit_can_go_on_later(served, new_context):
    page = start_screen(new_context(**DESKTOP), served, "damaged")
    page.route("**/stimuli/*", lambda route: route.fulfill(body=b"no picture", content_type="image/png"))
    page.locator("#rater-begin").click()
    expect(page.locator("#rater-message h1")).to_have_text("A picture cannot be shown")
    page.unroute_all()
    page.reload()
    expect_trial(page, 1)


def test_two_tabs_do_not_vote_twice_on_one_trial(served, new_context):
    context = new_context(**DESKTOP)
    first = begin(context, served, "tabs")
    second = context.new_page()
    second.goto(f"{served.url}/study/?study=tabs")
    expect_trial(second, 1)
    answer(first, 5)
    expect_trial(first, 2)
    answer(second, 0)
    expect_trial(second, 2)
    assert values(served, "tabs") == [5]


def test_nothing_the_browser_receives_names_a_method_or_a_file_and_nothing_comes_from_elsewhere(served, new_context):
    context = new_context(**DESKTOP)
    received, elsewhere = [], []

    def note_response(response):  # Playwright marks its handlers with an attribute, which list.append has no room for
        received.append(response)

    def note_foreign_request(sent):
        if not sent.url.startswith((served.url, "blob:", "data:")):
            elsewhere.append(sent.url)

    pictures = {}

    def keep_picture(route):  # Chromium keeps no copy of a body that the page reads as a stream
        fetched = route.fetch()
        pictures[route.request.url] = fetched.body()
        route.fulfill(response=fetched)

    context.route("**/stimuli/*", keep_picture)
    context.on("response", note_response)
    context.on("request", note_foreign_request)
    page = begin(context, served, "blind")
    for number in (1, 2):
        expect_trial(page, number)
        answer(page, 4)
    expect_trial(page, 3)
    secrets = [name.encode() for name in (*METHODS, "bench", "harbour", "orchid", "landscape")]
    own = [answer for answer in received if "/assets/" not in answer.url and "/static/" not in answer.url]
    assert len(own) > 8
    assert len(pictures) >= 6
    for response in own:
        told = response.url.encode() + str(response.all_headers()).encode()
        if response.url in pictures:
            told += pictures[response.url]
        elif response.status not in {204, 301, 302, 307}:
            told += response.body()
        assert not [secret for secret in secrets if secret in told], response.url
    assert elsewhere == []


def test_closing_the_study_meanwhile_is_said_and_the_vote_refused(served, new_context):
    page = begin(new_context(**PHONE), served, "closing")
    served.store.close_study("closing")
    answer(page, 2)
    expect(page.locator("#rater-message")).to_contain_text("This study is closed")
    page.goto(f"{served.url}/study/?study=nowhere")
    expect(page.locator("#rater-message")).to_contain_text("This study is not available")
    assert values(served, "closing") == []


def test_a_vote_survives_kill_9_right_after_the_page_acknowledged_it(tmp_path, new_context):
    source = write_study_folder(tmp_path / "source", methods=METHODS)
    store = open_studies(tmp_path, {"killed": source})
    store.close_study("killed")
    port = free_port()
    with running_server(
        port=port, database_url=database_url(tmp_path), data_folder=tmp_path / "var", page=True
    ) as server:
        context = new_context(**DESKTOP)
        none_open = context.new_page()
        none_open.goto(f"http://127.0.0.1:{port}/study")
        expect(none_open.locator("#rater-message")).to_contain_text("No study is open")
        store.open_study("killed")
        page = begin(context, Served(f"http://127.0.0.1:{port}", store), "killed")
        answer(page, 4)
        expect(page.locator("#rater-count")).to_have_text("2 of 6")
        server.kill()
    store.close()
    reopened = StudyStore(database_url(tmp_path), data_folder=tmp_path / "var")
    assert [chained.vote.value for chained in reopened.votes("killed")] == [4]
    reopened.close()
