"""What goes wrong during a visit: no vote is lost, none is doubled, in both kinds of study."""

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from study.store import StudyStore
from tests.browser.conftest import PATIENCE_MS
from tests.browser.visiting import DESKTOP, PHONE, TRIALS, Rater, Served, answer, expect_trial
from tests.ports import free_port
from tests.study.servers import running_server

pytestmark = pytest.mark.browser
GIVEN = {"rating": [5, 0, 3], "pairwise": ["left", "tie", "right"]}
BOTH = pytest.mark.parametrize(("mode", "screen"), [("rating", PHONE), ("pairwise", DESKTOP)])
# One kind of study each time, as the visit full of accidents has these in both.
BOTH_IN_THE_LONG_TESTS = pytest.mark.parametrize(
    ("mode", "screen"), [("rating", PHONE), pytest.param("pairwise", DESKTOP, marks=pytest.mark.long)]
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


def lose_the_reply(page: Page, what: str) -> None:
    """Let the next request of this kind reach the server and its reply get lost, with any cookie that it sets."""

    def deliver_only(route: Route) -> None:
        request = route.request
        delivered = httpx.request(
            request.method, request.url, headers=request.all_headers(), content=request.post_data_buffer
        )
        delivered.raise_for_status()
        route.abort()

    page.route(f"**/api/{what}*", deliver_only, times=1)


@BOTH
def test_a_visit_full_of_accidents_keeps_each_answer_once(served, new_rater, mode, screen):
    """A reload, the back button, a double click, a lost reply and a lost line, all in one visit."""
    study = served.open_study(f"accidents-{mode}", mode)
    rater = new_rater(study, screen)
    page, (first, second, third) = rater.begin(), GIVEN[mode]
    page.reload()
    rater.expect(1)
    page.locator(f".rater-value[data-answer='{first}']").dblclick()
    rater.expect(2)
    page.goto("about:blank")
    page.go_back()
    rater.expect(2)
    expect(page.locator("#rater-note")).to_have_text(f"Welcome back. You are at 2 of {rater.total}.")
    lose_the_reply(page, "vote")
    answer(page, second)
    expect(page.locator("#rater-warning")).to_contain_text("is kept and will be sent again")
    rater.expect(3)
    rater.context.set_offline(True)
    answer(page, third)
    expect(page.locator("#rater-warning")).to_contain_text("is kept and will be sent again")
    rater.context.set_offline(False)
    if mode == "rating":
        rater.expect(4)
    else:
        expect(page.locator("#rater-done")).to_be_visible()
    assert served.answers(study) == [first, second, third]


@BOTH_IN_THE_LONG_TESTS
def test_a_double_click_is_one_vote_and_does_not_reach_the_next_pictures(served, new_rater, mode, screen):
    study = served.open_study(f"clicks-{mode}", mode)
    rater = new_rater(study, screen)
    page, (first, second, _) = rater.begin(), GIVEN[mode]
    page.locator(f".rater-value[data-answer='{first}']").dblclick()
    rater.expect(2)
    button = f"document.querySelector('.rater-value[data-answer=\"{second}\"]')"
    page.evaluate(f"for (let i = 0; i < 5; i++) {button}.click()")
    rater.expect(3)
    assert served.answers(study) == [first, second]


@BOTH
def test_two_tabs_do_not_vote_twice_on_one_trial(served, new_rater, mode, screen):
    study = served.open_study(f"tabs-{mode}", mode)
    rater = new_rater(study, screen)
    first = rater.begin()
    second = rater.context.new_page()
    second.goto(f"{served.url}/study/?study={study}")
    expect_trial(second, 1, rater.total)
    answer(first, GIVEN[mode][0])
    expect_trial(first, 2, rater.total)
    answer(second, GIVEN[mode][1])
    expect_trial(second, 2, rater.total)
    assert served.answers(study) == [GIVEN[mode][0]]


@BOTH_IN_THE_LONG_TESTS
def test_an_answer_waiting_for_the_line_survives_leaving_the_page_by_the_back_button(served, new_rater, mode, screen):
    study = served.open_study(f"left-{mode}", mode)
    rater = new_rater(study, screen)
    rater.page.goto("about:blank")
    page = rater.begin()
    page.route("**/api/vote", lambda route: route.abort())
    answer(page, GIVEN[mode][0])
    expect(page.locator("#rater-warning")).to_contain_text("is kept and will be sent again")
    page.go_back()
    assert served.answers(study) == []
    page.unroute_all()
    page.go_forward()
    rater.expect(2)
    assert served.answers(study) == [GIVEN[mode][0]]
    assert page.evaluate("localStorage.length") == 0


@BOTH_IN_THE_LONG_TESTS
def test_an_answer_whose_acknowledgement_got_lost_survives_a_reload_and_is_not_doubled(served, new_rater, mode, screen):
    study = served.open_study(f"reloaded-{mode}", mode)
    rater = new_rater(study, screen)
    page = rater.begin()
    lose_the_reply(page, "vote")
    answer(page, GIVEN[mode][0])
    expect(page.locator("#rater-warning")).to_contain_text("is kept and will be sent again")
    page.unroute_all()
    page.reload()
    rater.expect(2)
    assert served.answers(study) == [GIVEN[mode][0]]
    assert page.evaluate("localStorage.length") == 0


def test_taking_back_whose_acknowledgement_got_lost_is_done_once(served, new_rater):
    study = served.open_study("undo-lost")
    rater = new_rater(study)
    page = rater.begin()
    for number in (1, 2):
        rater.expect(number)
        answer(page, number)
    rater.expect(3)
    lose_the_reply(page, "undo")
    page.keyboard.press("u")
    rater.expect(2)
    expect(page.locator("#rater-note")).to_have_text("Your last answer is taken back. Answer again.")
    assert served.answers(study) == [1]


def test_a_rater_whose_beginning_was_acknowledged_in_vain_is_enrolled_once_even_after_coming_back(served, new_rater):
    study = served.open_study("lost-begin")
    rater = new_rater(study)
    page = rater.arrive()
    page.route("**/api/visit*", lambda route: route.abort())  # the page's next tries, until it is left
    lose_the_reply(page, "visit")
    page.locator("#rater-begin").click()
    expect(page.locator("#rater-begin")).to_have_text("Connection lost, trying again")
    page.goto("about:blank")
    page.unroute_all()
    assert rater.context.cookies() == []
    rater.arrive()
    rater.agree()
    rater.expect(1)
    assert served.store.progress(study).raters == 1


def test_a_lease_that_ran_out_is_said_and_the_visit_goes_on(served, new_rater):
    """Another process answers in the server's place, as it would an hour later."""
    study = served.open_study("too-late")
    rater = new_rater(study)
    page = rater.begin()
    detail = {"detail": {"code": "lease_expired", "message": "too late"}}
    page.route("**/api/vote", lambda route: route.fulfill(status=410, json=detail), times=1)
    answer(page, 5)
    expect(page.locator("#rater-note")).to_have_text(
        "That answer came too late and was not kept. Here is what comes next."
    )
    rater.expect(1)
    answer(page, 4)
    rater.expect(2)
    assert served.answers(study) == [4]


def test_pictures_may_take_longer_than_the_patience_as_long_as_bytes_keep_coming(served, new_rater):
    rater = new_rater(served.open_study("slow"))
    rater.arrive(script=IMPATIENT + SLOW_PICTURES)
    rater.agree()
    rater.expect(1)


def test_a_picture_that_stalls_is_asked_for_again(served, new_rater):
    rater = new_rater(served.open_study("stalled"))
    page = rater.arrive(script=IMPATIENT)
    page.route("**/stimuli/*", lambda _route: None, times=2)
    rater.agree()
    expect(page.locator("#rater-message h1")).to_have_text("Connection lost")
    rater.expect(1)


def test_a_picture_that_arrived_damaged_is_asked_for_again_and_one_that_stays_so_is_said(served, new_rater):
    rater = new_rater(served.open_study("damaged"))
    page = rater.arrive()
    page.route("**/stimuli/*", lambda route: route.fulfill(body=b"no picture", content_type="image/png"))
    rater.agree()
    expect(page.locator("#rater-message h1")).to_have_text("A picture cannot be shown")
    page.unroute_all()
    page.route("**/stimuli/*", lambda route: route.fulfill(body=b"no picture", content_type="image/png"), times=2)
    page.reload()
    rater.expect(1)


def test_a_vote_survives_kill_9_right_after_the_page_acknowledged_it(tmp_path, browser):
    url, var, port = f"sqlite:///{tmp_path / 'study.db'}", tmp_path / "var", free_port()
    with running_server(port=port, database_url=url, data_folder=var, page=True) as server:
        served = Served(f"http://127.0.0.1:{port}", StudyStore(url, data_folder=var), tmp_path)
        context = patient(browser.new_context(**DESKTOP))
        none_open = context.new_page()
        none_open.goto(f"{served.url}/study")
        expect(none_open.locator("#rater-message")).to_contain_text("No study is open")
        page = Rater(context, served, served.open_study("killed")).begin()
        answer(page, 4)
        expect(page.locator("#rater-count")).to_have_text(f"2 of {TRIALS['rating']}")
        server.kill()
        context.close()
    served.store.close()
    reopened = Served(served.url, StudyStore(url, data_folder=var), tmp_path)
    assert reopened.answers("killed") == [4]
    reopened.store.close()


def patient(context: BrowserContext) -> BrowserContext:
    context.set_default_timeout(PATIENCE_MS)
    return context
