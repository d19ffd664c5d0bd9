"""The stage in a real browser: what is shown where, enlarged how, and what a rater's fingers do to it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.browser.visiting import DESKTOP, METHODS, PHONE, PRACTICE_SCENE, SCENES, Rater, answer

pytestmark = pytest.mark.browser
SURROUND = "rgb(108, 108, 108)"  # 15 % of the luminance of white: ((108 / 255 + .055) / 1.055) ** 2.4 = .15
LANDSCAPE_PHONE = {**PHONE, "viewport": {"width": 844, "height": 390}}
TRANSFORMS = """
  [...document.querySelectorAll('.rater-frame > .rater-sheet')].map((sheet) => sheet.style.transform)
"""


def transforms(page: Page) -> set[str]:
    """How the panes' pictures are enlarged and moved; one entry where all move together."""
    return set(page.evaluate(TRANSFORMS))


def scale(page: Page) -> float:
    return page.evaluate("new DOMMatrix(document.querySelector('.rater-frame > .rater-sheet').style.transform).a")


def centre(page: Page, pane: str) -> tuple[float, float]:
    box = page.locator(f"[data-pane='{pane}'] .rater-frame").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def touch(glass: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """Put fingers on the glass, move or lift them."""
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    glass.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def double_tap(page: Page, x: float, y: float) -> None:
    for _ in range(2):
        page.touchscreen.tap(x, y)


def repeat(gesture: Callable[[], None], *, until: Callable[[], bool]) -> None:
    """Make a gesture until it was quick enough: a busy machine turns taps into holds."""
    for _ in range(20):
        gesture()
        if until():
            return
    pytest.fail("the gesture was never understood")


@pytest.mark.parametrize("mode", ["rating", "pairwise"])
def test_wheel_drag_keys_and_double_click_move_all_pictures_together(served, new_rater, mode):
    rater = new_rater(served.open_study(f"zoom-{mode}", mode, size=(720, 480)))
    page = rater.begin()
    pane = {"rating": "picture", "pairwise": "right"}[mode]
    x, y = centre(page, pane)
    assert scale(page) == 1
    page.mouse.move(x, y)
    page.mouse.wheel(0, -500)
    page.wait_for_function("document.querySelector('.rater-zoomed')")
    assert scale(page) > 2
    before = transforms(page)
    page.mouse.down()
    page.mouse.move(x - 60, y - 30, steps=4)
    page.mouse.up()
    moved = transforms(page)
    assert moved != before
    page.keyboard.press("Shift+ArrowRight")
    assert transforms(page) != moved
    assert len(before) == len(moved) == len(transforms(page)) == 1
    page.keyboard.press("f")
    assert scale(page) == 1
    repeat(lambda: page.mouse.dblclick(x, y), until=lambda: scale(page) > 1.3)
    for _ in range(3):
        page.keyboard.press("-")
    assert scale(page) == 1
    answer(page, {"rating": 3, "pairwise": "tie"}[mode])
    rater.expect(2)
    [chained] = served.store.votes(rater.study)
    assert chained.vote.zoomed >= 2  # a slow machine takes a drag for a hold as well


def test_fingers_pinch_drag_and_double_tap_without_moving_the_page(served, new_rater):
    rater = new_rater(served.open_study("pinch", size=(720, 480)), PHONE)
    page = rater.begin()
    x, y = centre(page, "picture")
    glass = rater.context.new_cdp_session(page)
    touch(glass, "touchStart", (x - 20, y), (x + 20, y))
    touch(glass, "touchMove", (x - 60, y), (x + 60, y))
    touch(glass, "touchEnd")
    page.wait_for_function("document.querySelector('.rater-zoomed')")
    assert scale(page) == pytest.approx(3, rel=0.05)
    before = transforms(page)
    touch(glass, "touchStart", (x, y))
    touch(glass, "touchMove", (x + 40, y + 20))
    touch(glass, "touchEnd")
    assert transforms(page) != before
    assert len(transforms(page)) == 1
    repeat(lambda: double_tap(page, x, y), until=lambda: scale(page) == 1)
    assert page.evaluate("[visualViewport.scale, scrollX, scrollY]") == [1, 0, 0]


@pytest.mark.parametrize(("mode", "pane"), [("rating", "picture"), ("pairwise", "left")])
def test_holding_a_picture_or_a_key_shows_the_ground_truth_in_its_place(served, new_rater, mode, pane):
    rater = new_rater(served.open_study(f"flip-{mode}", mode))
    page = rater.begin()
    over = page.locator(f"[data-pane='{pane}'] .rater-frame > .rater-sheet .rater-over")
    expect(over).to_be_hidden()
    page.mouse.move(*centre(page, pane))
    page.mouse.down()
    expect(over).to_be_visible()
    shown = page.locator(".rater-frame > .rater-sheet .rater-over:visible")
    expect(shown).to_have_count(1)
    assert over.get_attribute("src") == page.locator("[data-pane='reference'] img").first.get_attribute("src")
    page.mouse.up()
    expect(over).to_be_hidden()
    page.keyboard.down("g")
    expect(shown).to_have_count({"rating": 1, "pairwise": 2}[mode])
    page.keyboard.up("g")
    expect(over).to_be_hidden()


def test_the_loupe_shows_the_same_place_of_all_pictures_pixel_by_pixel(served, new_rater):
    rater = new_rater(served.open_study("loupe", "pairwise", size=(1200, 800)))
    page = rater.begin()
    x, y = centre(page, "left")
    page.keyboard.press("l")
    page.mouse.move(x + 10, y + 10)
    lenses = page.locator(".rater-loupe:visible")
    expect(lenses).to_have_count(3)
    places = page.evaluate("""[...document.querySelectorAll('.rater-loupe')]
      .map((lens) => lens.style.left + lens.style.top + lens.firstElementChild.style.transform)""")
    assert len(set(places)) == 1
    enlarged = page.evaluate("""(() => {
      const sheet = document.querySelector('.rater-loupe > .rater-sheet');
      return new DOMMatrix(sheet.style.transform).a * sheet.offsetWidth;
    })()""")
    assert enlarged == pytest.approx(1200, rel=0.01)  # one pixel of the screen per pixel of the picture
    page.keyboard.press("l")
    expect(lenses).to_have_count(0)


def test_pictures_are_as_large_as_the_window_allows_and_upright_ones_take_turns_on_a_phone(served, new_rater):
    upright, wide = served.open_study("upright", size=(160, 240)), served.open_study("wide", "pairwise")
    phone = new_rater(upright, PHONE)
    page = phone.begin()
    stage = page.locator("#rater-stage")
    expect(stage).to_have_attribute("data-shows", "one")
    expect(page.locator(".rater-frame:visible")).to_have_count(1)
    assert page.locator(".rater-frame:visible").bounding_box()["width"] > 300
    page.locator("#rater-faces [data-face='reference']").click()
    expect(page.locator("[data-pane='reference'] .rater-frame")).to_be_visible()
    expect(page.locator("[data-pane='picture'] .rater-frame")).to_be_hidden()
    page.set_viewport_size(LANDSCAPE_PHONE["viewport"])
    expect(stage).to_have_attribute("data-shows", "all")
    pair = new_rater(wide, PHONE)
    page = pair.begin()
    expect(page.locator("#rater-stage")).to_have_attribute("data-shows", "candidates")
    expect(page.locator(".rater-frame:visible")).to_have_count(2)
    page.locator("#rater-faces [data-face='reference']").click()
    expect(page.locator(".rater-frame > .rater-sheet .rater-over:visible")).to_have_count(2)


def test_no_answer_is_taken_before_all_pictures_that_take_turns_were_looked_at(served, new_rater):
    rater = new_rater(served.open_study("turns", "pairwise", size=(160, 240)), PHONE)
    page = rater.begin()
    warning, faces = page.locator("#rater-warning"), page.locator("#rater-faces [data-unseen='true']")
    button = page.locator(".rater-value[data-answer='left']")
    expect(faces).to_have_count(2)
    button.click()
    expect(warning).to_have_text("First look at: Ground truth, Picture B")
    page.locator("#rater-faces [data-face='right']").click()
    expect(warning).to_have_text("First look at: Ground truth")
    glass = rater.context.new_cdp_session(page)
    touch(glass, "touchStart", centre(page, "right"))
    expect(warning).to_be_empty()  # held: the ground truth lies in its place
    touch(glass, "touchEnd")
    expect(faces).to_have_count(0)
    button.click()
    rater.expect(2)
    expect(faces).to_have_count(2)
    assert served.answers(rater.study) == ["left"]


def test_a_phones_instructions_and_help_give_every_value_its_word_and_name_no_keys(served, new_rater):
    labels = ["bad", "poor", "fair", "good", "excellent"]
    scale = {"lowest": 1, "labels": labels}
    phone, desk = new_rater(served.open_study("words", scale=scale), PHONE), new_rater(served.open_study("keys"))
    page = phone.arrive()
    page.locator("#rater-begin").click()
    worded = [f"{value}{label}" for value, label in enumerate(labels, start=1)]
    expect(page.locator("#rater-instructions li:has(b):visible")).to_have_text(worded)
    page.locator("#rater-understood").click()
    page.locator("#rater-checked").click()
    phone.expect(1)
    page.locator("#rater-help").click()
    expect(page.locator("#rater-help-screen li:has(b):visible")).to_have_text(worded)
    expect(page.locator("#rater-help-screen h2")).to_have_text("Gestures")
    assert not set(page.locator(".rater-keys dd").all_inner_texts()) & {"U", "P", "L, then point or drag"}
    page = desk.begin()
    page.keyboard.press("?")
    expect(page.locator("#rater-help-screen h2")).to_have_text("Gestures and keys")
    expect(page.locator(".rater-keys")).to_contain_text("Hold a picture, or hold G")


def test_a_phone_held_sideways_has_answers_beside_the_pictures_and_all_inside_the_window(served, new_rater):
    rater = new_rater(served.open_study("sideways"), LANDSCAPE_PHONE)
    page = rater.begin()
    answer(page, 3)
    rater.expect(2)
    for part in page.locator(".rater-frame:visible, .rater-value, .rater-tool:visible").all():
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 844
        assert box["y"] + box["height"] <= 390
    picture = page.locator(".rater-frame:visible").first.bounding_box()
    assert picture["height"] > 300
    assert page.locator(".rater-value").first.bounding_box()["x"] > picture["x"] + picture["width"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_surround_is_the_same_grey_without_hue_in_both_themes(served, new_rater, theme):
    rater = new_rater(served.open_study(f"surround-{theme}"), {**DESKTOP, "color_scheme": theme})
    page = rater.begin()
    colours = page.evaluate("""[...document.querySelectorAll('#rater-trial, #rater-trial *')]
      .filter((element) => element.checkVisibility() && element.tagName !== 'IMG')
      .map((element) => getComputedStyle(element))
      .flatMap((style) => [style.color, style.backgroundColor, style.borderTopColor, style.stroke])
      .map((colour) => colour.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0])""")
    assert page.evaluate("getComputedStyle(document.querySelector('#rater-trial')).backgroundColor") == SURROUND
    assert len(colours) > 100
    assert [colour for colour in colours if len(set(colour[:3])) > 1] == []


def test_every_button_and_field_of_every_screen_has_a_name_and_texts_have_the_contrast_of_wcag_aa(served, new_rater):
    for theme in ("light", "dark"):
        rater = new_rater(served.open_study(f"names-{theme}"), {**DESKTOP, "color_scheme": theme})
        page = rater.begin()
        nameless = page.evaluate("""[...document.querySelectorAll('.rater button, .rater input, .rater img[alt]')]
          .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length || 'alt' in e))
          .map((e) => e.outerHTML)""")
        assert nameless == []
        for screen in ("consent", "instructions", "check", "trial", "pause", "help", "done", "withdraw"):
            page.evaluate(f"document.querySelector('.rater').dataset.screen = '{screen}'")
            assert faint_texts(page) == []


def faint_texts(page: Page) -> list[object]:
    """Visible texts whose contrast with what lies behind them is below 4.5 : 1."""
    return page.evaluate("""(() => {
      const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
      const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
      const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
      const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const colour = parts(getComputedStyle(at).backgroundColor);
          if (colour.length < 4 || colour[3] === 1) return colour;
        }
        return [255, 255, 255];
      };
      const faint = [];
      for (const element of document.querySelectorAll('.rater *')) {
        const text = [...element.childNodes].filter((n) => n.nodeType === 3 && n.textContent.trim());
        if (!text.length || !element.checkVisibility() || element.closest('[aria-hidden=true] svg')) continue;
        const [a, b] = [luminance(parts(getComputedStyle(element).color)), luminance(behind(element))];
        const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (contrast < 4.5) faint.push([element.className, element.textContent, contrast]);
      }
      return faint;
    })()""")


def test_nothing_the_browser_receives_names_a_method_or_a_file_and_nothing_comes_from_elsewhere(served, new_rater):
    rater = new_rater(served.open_study("blind", gold=[{"scene": "bench", "method": "ground_truth", "accepted": [5]}]))
    received, elsewhere, pictures = [], [], {}

    def note_response(response):  # Playwright marks its handlers with an attribute, which list.append has no room for
        received.append(response)

    def note_foreign_request(sent):
        if not sent.url.startswith((served.url, "blob:", "data:")):
            elsewhere.append(sent.url)

    def keep_picture(route):  # Chromium keeps no copy of a body that the page reads as a stream
        fetched = route.fetch()
        pictures[route.request.url] = fetched.body()
        route.fulfill(response=fetched)

    rater.context.route("**/stimuli/*", keep_picture)
    rater.context.on("response", note_response)
    rater.context.on("request", note_foreign_request)
    look_around(rater)
    secrets = [name.encode() for name in (*METHODS, *SCENES, PRACTICE_SCENE, "240x160", "gold")]
    own = [reply for reply in received if "/assets/" not in reply.url and "/static/" not in reply.url]
    assert len(own) > 20
    assert len(pictures) >= 6
    for response in own:
        told = response.url.encode() + str(response.all_headers()).encode()
        if response.url in pictures:
            told += pictures[response.url]
        elif response.status not in {204, 301, 302, 307}:
            told += response.body()
        assert not [secret for secret in secrets if secret in told], response.url
    assert elsewhere == []


def look_around(rater: Rater) -> None:
    """Answer two trials and take one answer back."""
    page = rater.arrive()
    rater.agree()
    for number in (1, 2):
        expect(page.locator("#rater-count")).to_contain_text(f"{number} of")
        expect(page.locator("#rater-trial")).to_have_attribute("aria-busy", "false")
        answer(page, 4)
    expect(page.locator("#rater-count")).to_contain_text("3 of")
    expect(page.locator("#rater-trial")).to_have_attribute("aria-busy", "false")
    page.keyboard.press("u")
    expect(page.locator("#rater-count")).to_contain_text("2 of")
