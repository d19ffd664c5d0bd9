"""Whole visits in a real browser, at desktop and phone width, with the database looked at afterwards."""

import re

import pytest
from playwright.sync_api import Page, expect

from study.export import stored_study
from study.tables import mos_by_method
from tests.browser.visiting import DESKTOP, METHODS, PHONE, PRACTICE, TRIALS, Rater, answer, expect_trial

pytestmark = pytest.mark.browser
GIVEN = {"rating": [5, 4, 3, 2, 1, 0], "pairwise": ["left", "tie", "right"]}
BOTH_SCREENS = pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
BOTH_MODES = pytest.mark.parametrize("mode", ["rating", "pairwise"])
CODE = re.compile(r"([A-Z0-9]{4}-){3}[A-Z0-9]{4}")


@BOTH_SCREENS
@BOTH_MODES
def test_a_whole_visit_keeps_every_answer_with_its_screen_and_fits_the_window(served, new_rater, mode, screen):
    width, height = screen["viewport"].values()
    study = served.open_study(f"whole-{mode}-{width}", mode, practice=PRACTICE[mode])
    rater = new_rater(study, screen)
    rater.arrive()
    rater.agree()
    practise(rater)
    for number, given in enumerate(GIVEN[mode], start=1):
        rater.expect(number)
        fits_the_window(rater.page)
        turns = rater.page.locator("#rater-faces [data-face='reference']").count()
        answer(rater.page, given)
    expect(rater.page.locator("#rater-done")).to_be_visible()
    assert CODE.fullmatch(rater.page.locator("#rater-withdrawal-code").input_value())
    assert served.answers(study) == GIVEN[mode]
    for chained in served.store.votes(study):
        vote = chained.vote
        assert (vote.viewport_width, vote.viewport_height) == (width, height)
        assert vote.device_pixel_ratio == screen.get("device_scale_factor", 1)
        assert 0 < vote.response_ms < 600_000
        assert vote.zoomed == turns  # where pictures take turns, each answer looked at the ground truth once
    assert served.store.progress(study).finished_raters == 1


def practise(rater: Rater) -> None:
    """Answer the one practice item wrongly, read why, go on."""
    page = rater.page
    page.locator("#rater-onward").click()
    expect_trial_of_practice(page)
    wrong = {"rating": 0, "pairwise": "right"}[rater.served.store.study(rater.study).mode]
    answer(page, wrong)
    expect(page.locator("#rater-verdict")).to_contain_text("Most people answer differently here.")
    page.locator("#rater-proceed").click()
    expect(page.locator("#rater-interlude")).to_contain_text("Now it counts")
    page.locator("#rater-onward").click()


def expect_trial_of_practice(page: Page) -> None:
    expect(page.locator("#rater-count")).to_have_text("Practice 1 of 1")
    expect(page.locator("#rater-trial")).to_have_attribute("aria-busy", "false")


def fits_the_window(page: Page) -> None:
    """Pictures, question, all answers and the note lie inside the window, nothing scrolls, thumbs can hit."""
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    parts = page.locator(".rater-frame:visible, #rater-question, .rater-value, .rater-tool:visible, #rater-note").all()
    assert len(parts) >= 8
    for part in parts:
        box = part.bounding_box()
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height
    sizes = "(([e]) => [e.scrollWidth, e.scrollHeight])([document.querySelector('.rater')])"
    assert page.evaluate(sizes) == [width, height]
    for button in page.locator(".rater-value, .rater-tool:visible").all():
        assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 44


def test_the_votes_of_a_visit_give_the_mos_computed_by_hand(served, new_rater):
    study = served.open_study("mos")
    rater = new_rater(study)
    rater.begin()
    for number, given in enumerate(GIVEN["rating"], start=1):
        rater.expect(number)
        answer(rater.page, given)
    expect(rater.page.locator("#rater-done")).to_be_visible()
    table = mos_by_method(stored_study(served.store, study).votes()).set_index("method")
    for method in METHODS:
        given = [chained.vote.value for chained in served.store.votes(study) if chained.vote.method == method]
        assert len(given) == 3
        assert table.loc[method, "mos"] == pytest.approx(sum(given) / 3)


@BOTH_MODES
def test_the_last_answer_is_taken_back_and_given_anew_and_both_stay_in_the_chain(served, new_rater, mode):
    study = served.open_study(f"undo-{mode}", mode)
    rater = new_rater(study, PHONE)
    rater.begin()
    first, *rest = GIVEN[mode]
    answer(rater.page, rest[0])
    rater.expect(2)
    rater.page.locator("#rater-undo").click()
    rater.expect(1)
    expect(rater.page.locator("#rater-note")).to_have_text("Your last answer is taken back. Answer again.")
    expect(rater.page.locator("#rater-undo")).to_be_hidden()
    answer(rater.page, first)
    rater.expect(2)
    assert served.answers(study) == [first]
    assert served.store.verify(study).entries == 3  # the answer, its undoing, the other answer


def test_the_very_last_answer_can_be_taken_back_from_the_thank_you_page(served, new_rater):
    study = served.open_study("undo-last", "pairwise")
    rater = new_rater(study)
    rater.begin()
    for number, given in enumerate(GIVEN["pairwise"], start=1):
        rater.expect(number)
        answer(rater.page, given)
    rater.page.locator("#rater-undo-last").click()
    rater.expect(3)
    answer(rater.page, "left")
    expect(rater.page.locator("#rater-done")).to_be_visible()
    assert served.answers(study) == ["left", "tie", "left"]


def test_a_paused_visit_goes_on_at_the_same_place_on_another_device_through_the_personal_link(served, new_rater):
    study = served.open_study("resumed")
    desk, phone = new_rater(study), new_rater(study, PHONE)
    desk.begin()
    answer(desk.page, 5)
    desk.expect(2)
    desk.page.locator("#rater-pause").click()
    link = desk.page.locator("#rater-link").input_value()
    assert link.startswith(f"{served.url}/study/?study={study}#resume=")
    phone.page.goto(link)
    for button in ("understood", "checked"):  # another screen: looked at as well
        phone.page.locator(f"#rater-{button}").click()
    phone.expect(2)
    assert "#" not in phone.page.url
    answer(phone.page, 4)
    phone.expect(3)
    desk.page.locator("#rater-pause-screen [data-goes='back']").click()
    desk.expect(3)
    assert served.answers(study) == [5, 4]
    assert {chained.vote.rater for chained in served.store.votes(study)} == {served.store.raters(study)[0].rater}
    assert served.store.progress(study).raters == 1


def test_a_pause_does_not_count_as_response_time(served, new_rater):
    study = served.open_study("pause-time")
    rater = new_rater(study)
    rater.begin()
    rater.page.keyboard.press("p")
    expect(rater.page.locator("#rater-link")).to_be_visible()
    rater.page.evaluate("window.pausedAt = performance.now()")
    rater.page.wait_for_timeout(1500)
    paused_ms = rater.page.evaluate("performance.now() - window.pausedAt")
    rater.page.locator("#rater-pause-screen [data-goes='back']").click()
    answer(rater.page, 3)
    rater.expect(2)
    [vote] = [chained.vote for chained in served.store.votes(study)]
    whole_ms = (vote.voted_at - vote.presented_at).total_seconds() * 1000
    assert vote.response_ms <= whole_ms - paused_ms + 100  # the two clocks are read at different ends of the line


def test_answers_are_deleted_with_the_withdrawal_code_in_a_browser_that_never_voted(served, new_rater):
    study = served.open_study("withdrawn", "pairwise")
    rater, elsewhere = new_rater(study), new_rater(study, PHONE)
    rater.begin()
    for number, given in enumerate(GIVEN["pairwise"], start=1):
        rater.expect(number)
        answer(rater.page, given)
    expect(rater.page.locator("#rater-done")).to_be_visible()
    code = rater.page.locator("#rater-withdrawal-code").input_value()
    page = elsewhere.arrive()
    page.locator("#rater-consent a[href$='#withdraw']").click()
    page.locator("#rater-code").fill("ABCD-EFGH-JKLM-NPQR")
    page.locator("#rater-sure").check()
    page.locator("#rater-withdraw [type='submit']").click()
    expect(page.locator("#rater-withdraw-alert")).to_contain_text("No answers belong to this code.")
    page.locator("#rater-code").fill(code.lower())
    page.locator("#rater-withdraw [type='submit']").click()
    expect(page.locator("#rater-message")).to_contain_text("Deleted answers: 3.")
    assert served.answers(study) == []
    rater.page.reload()
    expect(rater.page.locator("#rater-message")).to_contain_text("You have withdrawn from this study.")


def test_the_studys_language_is_chosen_by_the_browser_or_by_hand_and_changes_the_interface(served, new_rater):
    title = {"en": "How close?", "de": "Wie nah?"}
    study = served.open_study("languages", languages=["en", "de"], title=title)
    german = new_rater(study, {**DESKTOP, "locale": "de-AT"})
    page = german.arrive()
    expect(page.locator("#rater-consent h1")).to_have_text("Wie nah?")
    expect(page.locator("#rater-begin")).to_have_text("Ich bin einverstanden, weiter")
    page.get_by_text("English", exact=True).click()
    expect(page.locator("#rater-consent h1")).to_have_text("How close?")
    expect(page.locator("#rater-begin")).to_have_text("I agree, continue")
    page.get_by_text("Deutsch", exact=True).click()
    expect(page.locator("#rater-begin")).to_have_text("Ich bin einverstanden, weiter")
    german.agree()
    expect(page.locator("#rater-count")).to_have_text("1 von 6")
    expect(page.locator("#rater-question")).to_have_text("Wie ähnlich ist dieses Bild dem Original?")
    assert page.evaluate("document.documentElement.lang") == "de"
    assert served.store.raters(study)[0].language == "de"


def test_the_screen_check_names_what_is_wrong_keeps_what_it_saw_and_stops_nobody(served, new_rater):
    study = served.open_study("check")
    rater = new_rater(study, {"viewport": {"width": 700, "height": 500}})
    page = rater.arrive()
    for button in ("begin", "understood"):
        page.locator(f"#rater-{button}").click()
    window = page.locator("[data-check='window']")
    expect(window).to_contain_text(re.compile(r"700 . 500 is small. Make the window as large as you can."))
    expect(page.locator("#rater-checked")).to_have_text("Go on as it is")
    page.set_viewport_size({"width": 1200, "height": 800})
    expect(window).to_contain_text(re.compile(r"1200 . 800, large enough."))
    page.get_by_text("Yes", exact=True).click()
    with page.expect_request("**/api/screen*") as sent:
        page.locator("#rater-checked").click()
    seen = sent.value.post_data_json
    assert (seen["viewport_width"], seen["viewport_height"], seen["dark_room"]) == (1200, 800, True)
    rater.expect(1)


def test_an_invitation_opens_a_study_once(served, new_rater):
    study = served.open_study("invited", entry="invited")
    uninvited, invited, late = new_rater(study), new_rater(study), new_rater(study)
    uninvited.arrive()
    uninvited.page.locator("#rater-begin").click()
    expect(uninvited.page.locator("#rater-message")).to_contain_text("An invitation is needed")
    invitation = served.invite(study)
    invited.arrive(query=f"#invite={invitation}")
    invited.agree()
    invited.expect(1)
    late.arrive(query=f"#invite={invitation}")
    late.page.locator("#rater-begin").click()
    expect(late.page.locator("#rater-message")).to_contain_text("This invitation was used")


@pytest.mark.parametrize("mode", ["rating", "pairwise"])
def test_a_whole_visit_is_possible_with_the_keyboard_alone(served, new_rater, mode):
    study = served.open_study(f"keyboard-{mode}", mode)
    rater = new_rater(study)
    rater.begin()
    keys = {"rating": ["9", "2", "ArrowRight", "ArrowRight", "Enter"], "pairwise": ["8", "ArrowDown", "3"]}[mode]
    seen = 1
    for key in keys:
        rater.page.keyboard.press(key)
        if key in {"9", "8", "ArrowRight"}:  # no answer, or the walk to one
            continue
        seen += 1
        rater.expect(seen)
    assert served.answers(study) == {"rating": [2, 1], "pairwise": ["tie", "right"]}[mode]


def test_the_hint_names_keys_that_answer_and_no_others(served, new_rater):
    """Eleven values and ten number keys; on a phone no keys at all."""
    labels = ["nothing alike", *[""] * 9, "the same"]
    study = served.open_study("eleven", scale={"labels": labels})
    desk, phone = new_rater(study), new_rater(study, PHONE)
    desk.begin()
    expect(desk.page.locator("#rater-note")).to_contain_text("Keys 0 to 9 answer.")
    answer(desk.page, 10)
    expect_trial(desk.page, 2, TRIALS["rating"])
    assert served.answers(study) == [10]
    phone.begin()
    expect(phone.page.locator("#rater-note")).not_to_contain_text("Keys")
    fits_the_window(phone.page)


def test_closing_the_study_meanwhile_is_said_and_the_vote_refused(served, new_rater):
    study = served.open_study("closing")
    rater = new_rater(study, PHONE)
    rater.begin()
    served.store.close_study(study)
    answer(rater.page, 2)
    expect(rater.page.locator("#rater-message")).to_contain_text("This study is closed")
    rater.page.goto(f"{served.url}/study/?study=nowhere")
    expect(rater.page.locator("#rater-message")).to_contain_text("This study is not available")
    assert served.answers(study) == []
