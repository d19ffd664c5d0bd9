"""The routes behind the rater's page: a whole visit, what is refused, what never leaves the server."""

import io
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from study.api import build_router
from study.visits import Visits
from tests.study.conftest import BOTH_DATABASES
from tests.study.visiting import SCREEN_CHECK, begin

SCREEN = {"response_ms": 850, "viewport_width": 1280, "viewport_height": 800, "device_pixel_ratio": 1.5}


def vote(browser, token, value=4, **changes):
    return browser.post("/study/api/vote", json={"trial": token, "value": value, **SCREEN, **changes})


def n_votes(store):
    return len(store.votes("bokeh"))


def pictures(shown):
    """The URLs of all pictures of a trial."""
    return [shown["ground_truth"], *shown["pictures"]]


def test_a_whole_visit(new_browser, open_store):
    browser = new_browser()
    opened = browser.get("/study/api/visit").json()
    assert opened["visit"] is None
    assert opened["study"]["trials"] == 6
    state = begin(browser)
    for answered in range(6):
        assert (state["answered"], state["total"]) == (answered, 6)
        state = vote(browser, state["trial"]["token"], value=answered).json()
    assert (state["stage"], state["answered"], state["total"]) == ("finished", 6, 6)
    assert state["trial"] is state["upcoming"] is None
    assert open_store.progress("bokeh").finished_raters == 1


def test_beginning_again_resumes_the_same_visit(new_browser, open_store):
    browser = new_browser()
    state = vote(browser, begin(browser)["trial"]["token"]).json()
    assert browser.post("/study/api/visit", json={}).json()["visit"] == state
    assert browser.get("/study/api/trial").json() == state
    assert open_store.progress("bokeh").raters == 1


def test_beginning_sent_again_after_a_lost_reply_enrols_nobody_twice(new_browser, open_store):
    """The lost reply held the cookie: both requests come without one."""
    first, again = (begin(new_browser(), attempt="0f" * 16) for _ in range(2))
    assert first == again
    assert open_store.progress("bokeh").raters == 1
    begin(new_browser())
    begin(new_browser(), attempt="f0" * 16)
    assert open_store.progress("bokeh").raters == 3


def test_an_attempt_names_its_rater_by_the_servers_key_alone(new_browser, open_store):
    """Else whoever made the attempt could tell the rater's id in a published table."""
    begin(new_browser(), attempt="0f" * 16)
    other = FastAPI()
    other.include_router(build_router(Visits(open_store, secret_key="another key altogether")))
    with TestClient(other) as elsewhere:
        begin(elsewhere, attempt="0f" * 16)
    assert open_store.progress("bokeh").raters == 2


@pytest.mark.parametrize("attempt", ["", "0f", "0F" * 16, "0f" * 17, 7])
def test_an_attempt_that_may_be_guessed_is_refused(new_browser, open_store, attempt):
    assert new_browser().post("/study/api/visit", json={"attempt": attempt}).status_code == 422
    assert open_store.progress("bokeh").raters == 0


def cookie_over(scheme, new_browser):
    browser = new_browser()
    browser.base_url = f"{scheme}://testserver"
    consent = browser.get("/study/api/visit").json()["study"]["consent"]["sha256"]
    return browser.post("/study/api/visit", json={"consent_sha256": consent}).headers["set-cookie"].split("; ")


def test_the_cookie_is_out_of_scripts_reach_and_works_on_plain_localhost(new_browser):
    attributes = cookie_over("http", new_browser)
    assert {"HttpOnly", "SameSite=lax"} <= set(attributes)
    assert not {"Secure", "Partitioned"} & set(attributes)


def test_over_https_the_cookie_works_inside_another_sites_frame(new_browser):
    assert {"HttpOnly", "SameSite=none", "Secure", "Partitioned"} <= set(cookie_over("https", new_browser))


def test_an_answer_sent_twice_is_one_vote_and_both_times_acknowledged(new_browser, open_store):
    browser = new_browser()
    token = begin(browser)["trial"]["token"]
    first, second = vote(browser, token, value=2), vote(browser, token, value=5)
    assert first.json() == second.json()
    assert [chained.vote.value for chained in open_store.votes("bokeh")] == [2]


def test_forged_answers_are_refused_and_leave_no_row(new_browser, open_store):
    mine, theirs, stranger = new_browser(), new_browser(), new_browser()
    my_token, their_token = begin(mine)["trial"]["token"], begin(theirs)["trial"]["token"]
    name, cookie = next(iter(mine.cookies.items()))
    forger = new_browser()
    forger.cookies.set(name, cookie[:-3] + ("abc" if cookie[-3:] != "abc" else "xyz"))
    statuses = {
        "another's trial": vote(mine, their_token).status_code,
        "unknown token": vote(mine, "A" * 22).status_code,
        "no cookie": vote(stranger, my_token).status_code,
        "cookie tampered with": vote(forger, my_token).status_code,
        "off the scale": vote(mine, my_token, value=6).status_code,
        "no whole number": vote(mine, my_token, value=2.5).status_code,
        "number as text": vote(mine, my_token, value="2").status_code,
        "truth value": vote(mine, my_token, value=True).status_code,
        "negative time": vote(mine, my_token, response_ms=-1).status_code,
        "infinite pixel ratio": vote(mine, my_token, device_pixel_ratio=1e9).status_code,
        "unknown field": vote(mine, my_token, method="glassnet").status_code,
    }
    assert all(400 <= status < 500 for status in statuses.values()), statuses
    assert n_votes(open_store) == 0


@pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)
def test_a_nul_in_a_name_or_a_token_is_malformed(new_browser):
    """PostgreSQL's texts hold none: a query with one would end in a 500."""
    browser = new_browser()
    begin(browser)
    statuses = {
        "study asked for": browser.get("/study/api/visit", params={"study": "\0"}).status_code,
        "study begun": browser.post("/study/api/visit", json={"study": "bokeh\0"}).status_code,
        "study of the trial": browser.get("/study/api/trial", params={"study": "\0bokeh"}).status_code,
        "study of the screen": browser.post("/study/api/screen", params={"study": "\0"}, json=SCREEN_CHECK).status_code,
        "trial answered": vote(browser, "\0").status_code,
        "trial taken back": browser.post("/study/api/undo", json={"trial": "A\0"}).status_code,
        "picture": browser.get("/stimuli/%00").status_code,
    }
    assert statuses == dict.fromkeys(statuses, 422)


def test_a_cookie_signed_with_another_key_is_no_cookie(new_browser, open_store):
    other = FastAPI()
    other.include_router(build_router(Visits(open_store, secret_key="another key altogether")))
    with TestClient(other) as elsewhere:
        begin(elsewhere)
        browser = new_browser()
        browser.cookies.update(elsewhere.cookies)
        assert browser.get("/study/api/trial").status_code == 401


def test_a_closed_study_takes_no_votes_and_shows_no_pictures(new_browser, open_store):
    browser = new_browser()
    trial = begin(browser)["trial"]
    open_store.close_study("bokeh")
    refused = vote(browser, trial["token"])
    assert refused.status_code == 410
    assert refused.json()["detail"]["code"] == "study_closed"
    assert browser.get(trial["pictures"][0]).status_code == 410
    assert browser.get("/study/api/visit").json()["detail"]["code"] == "no_study_open"
    assert browser.get("/study/api/visit?study=bokeh").json()["detail"]["code"] == "study_closed"
    assert n_votes(open_store) == 0


def test_an_answer_acknowledged_before_the_study_closed_is_acknowledged_again(new_browser, open_store):
    browser = new_browser()
    token = begin(browser)["trial"]["token"]
    vote(browser, token)
    open_store.close_study("bokeh")
    assert vote(browser, token).status_code == 200
    assert n_votes(open_store) == 1


def test_pictures_are_for_their_rater_alone(new_browser):
    mine, theirs = new_browser(), new_browser()
    trial = begin(mine)["trial"]
    begin(theirs)
    assert mine.get(trial["pictures"][0]).status_code == 200
    assert theirs.get(trial["pictures"][0]).status_code == 404
    assert new_browser().get(trial["pictures"][0]).status_code == 404
    assert mine.get("/stimuli/../../secret.key").status_code == 404


def test_both_pictures_of_a_trial_are_equal_in_all_but_pixels(new_browser):
    browser = new_browser()
    trial = begin(browser)["trial"]
    answers = [browser.get(url) for url in pictures(trial)]
    assert answers[0].headers == answers[1].headers
    assert answers[0].headers["cache-control"] == "private, no-store"
    assert len(answers[0].content) == len(answers[1].content)
    decoded = [Image.open(io.BytesIO(answer.content)) for answer in answers]
    assert [(picture.format, picture.size, picture.info) for picture in decoded] == [("PNG", (48, 32), {})] * 2


def test_nothing_a_browser_receives_names_a_method_or_a_file(new_browser, open_store):
    browser = new_browser()
    received = []
    state = begin(browser)
    while state["trial"]:
        for part in (state["trial"], state["upcoming"]):
            received += [browser.get(url) for url in pictures(part)] if part else []
        answer = vote(browser, state["trial"]["token"])
        received.append(answer)
        state = answer.json()
    received += [browser.get("/study/api/visit"), browser.get("/study/api/trial"), vote(browser, "x")]
    study = open_store.study("bokeh")
    secrets = [*study.methods, *study.scenes, ".png", study.sha256, "sqlite"]
    for answer in received:
        told = answer.content + str(answer.headers).encode() + str(answer.request.url).encode()
        assert not [secret for secret in secrets if secret.encode() in told]


def test_tokens_are_random_and_never_shared_between_raters_or_trials(new_browser):
    tokens = []
    for browser in (new_browser(), new_browser()):
        state = begin(browser)
        while state["trial"]:
            trial = state["trial"]
            tokens += [trial["token"], *pictures(trial)]
            state = vote(browser, trial["token"]).json()
    assert len(set(tokens)) == len(tokens) == 2 * 6 * 3
    assert all(re.fullmatch(r"(/stimuli/)?[\w-]{22}", token) for token in tokens)


def test_the_token_of_the_next_trial_is_not_told_ahead(new_browser):
    assert set(begin(new_browser())["upcoming"]) == {"ground_truth", "pictures", "width", "height"}


def test_no_study_open_is_said_in_words(store):
    app = FastAPI()
    app.include_router(build_router(Visits(store, secret_key="a key for tests only")))
    with TestClient(app) as browser:
        answer = browser.get("/study/api/visit")
    assert answer.status_code == 404
    assert answer.json() == {"detail": {"code": "no_study_open", "message": "No study is open right now."}}


def test_a_short_secret_key_is_refused(store):
    with pytest.raises(ValueError, match="secret_key"):
        Visits(store, secret_key="short")
