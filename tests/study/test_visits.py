"""A rater's visit over the routes: consent, practice, undo, pause, leases, withdrawal, invitations."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.api import build_router
from study.definition import read_study_file
from study.records import Answer
from study.store import StudyStore
from study.visits import Visits
from tests.study.conftest import BOTH_DATABASES, SECRET
from tests.study.pictures import write_study_folder
from tests.study.simulated import make_study
from tests.study.visiting import SCREEN_CHECK, begin, enrol

on_both_databases = pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)

SCREEN = {"response_ms": 850, "viewport_width": 1280, "viewport_height": 800, "device_pixel_ratio": 1.5}
RATING = """
name: rated
languages: [en, de]
title: {en: Compare, de: Vergleiche}
consent: {version: "2026-11", text: {en: I agree., de: Ich stimme zu.}}
scale: acr5
anchors: [broken]
extra_scenes: [garden]
hidden_reference: original
trials_per_visit: 6
repeats_per_visit: 1
votes_wanted: 4
lease_minutes: 30
practice:
  - {scene: garden, method: broken, expected: [1, 2], feedback: {en: It is broken., de: Es ist kaputt.}}
gold:
  - {scene: bench, method: broken, accepted: [1, 2]}
"""
PAIRS = """
name: pairs
mode: pairwise
ties: false
methods: [glassnet, unprocessed]
trials_per_visit: 3
"""


class Clock:
    """A clock that tests set."""

    def __init__(self):
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self):
        return self.now

    def wait(self, **span):
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, database_url, clock):
    store = StudyStore(database_url, data_folder=tmp_path / "var", clock=clock)
    yield store
    store.close()


@pytest.fixture
def studies(store, tmp_path):
    """The open studies `rated` and `pairs`."""
    scenes = ("bench", "harbour", "orchid", "garden")
    folder = write_study_folder(tmp_path / "source", scenes=scenes, methods=("glassnet", "unprocessed", "broken"))
    for name, content in (("pairs", PAIRS), ("rated", RATING)):
        (folder / f"{name}.yaml").write_text(content)
        store.create_study(read_study_file(folder / f"{name}.yaml"), seed=1)
        store.open_study(name)
    return store


@pytest.fixture
def visits(studies):
    return Visits(studies, secret_key=SECRET)


@pytest.fixture
def browser_of(visits):
    app = FastAPI()
    app.include_router(build_router(visits))
    clients = []

    def new():
        clients.append(TestClient(app))
        return clients[-1]

    yield new
    for client in clients:
        client.close()


def vote(browser, state, **answer):
    return browser.post("/study/api/vote", json={"trial": state["trial"]["token"], **answer, **SCREEN})


def answer_all(browser, state, **answer):
    while state["trial"]:
        state = vote(browser, state, **answer).json()
    return state


def code_of(answer):
    return answer.status_code, answer.json()["detail"]["code"]


# Consent and languages


def test_nobody_begins_without_agreeing_to_this_very_text(browser_of, studies):
    browser = browser_of()
    assert code_of(browser.post("/study/api/visit", json={})) == (422, "consent_needed")
    assert code_of(browser.post("/study/api/visit", json={"consent_sha256": "0" * 64})) == (409, "consent_changed")
    german = browser.get("/study/api/visit?lang=de").json()["study"]["consent"]
    refused = browser.post("/study/api/visit", json={"consent_sha256": german["sha256"], "language": "en"})
    assert code_of(refused) == (409, "consent_changed")
    assert studies.raters("rated") == []


def test_the_words_are_the_raters_language_all_the_way(browser_of, studies):
    browser = browser_of()
    study = browser.get("/study/api/visit?lang=de").json()["study"]
    assert (study["language"], study["title"], study["consent"]["text"]) == ("de", "Vergleiche", "Ich stimme zu.")
    assert [point["label"] for point in study["scale"]][-1] == "ausgezeichnet"
    body = {"consent_sha256": study["consent"]["sha256"], "language": "de"}
    begun = browser.post("/study/api/visit", json=body).json()
    assert (begun["study"]["language"], begun["visit"]["language"]) == ("de", "de")
    state = browser.post("/study/api/screen", json=SCREEN_CHECK).json()
    assert vote(browser, state, value=5).json()["feedback"] == {"within_expected": False, "text": "Es ist kaputt."}
    assert browser.get("/study/api/visit").json()["study"]["language"] == "de"
    assert [rater.language for rater in studies.raters("rated")] == ["de"]


def test_a_language_the_study_does_not_speak_gives_its_first(browser_of):
    assert browser_of().get("/study/api/visit?lang=fr").json()["study"]["language"] == "en"


# Stages


@on_both_databases
def test_a_visit_goes_from_screen_check_over_practice_to_trials_and_its_end(browser_of, studies):
    browser = browser_of()
    consent = browser.get("/study/api/visit").json()["study"]["consent"]["sha256"]
    state = browser.post("/study/api/visit", json={"consent_sha256": consent}).json()["visit"]
    assert (state["stage"], state["trial"]) == ("screen", None)
    state = browser.post("/study/api/screen", json=SCREEN_CHECK).json()
    assert (state["stage"], state["trial"]["practice"]) == ("practice", True)
    state = vote(browser, state, value=1).json()
    assert state["feedback"] == {"within_expected": True, "text": "It is broken."}
    assert (state["stage"], state["practice"], state["undo"]) == ("trials", {"answered": 1, "total": 1}, None)
    assert (state["answered"], state["total"]) == (0, 6 + 1 + 1)
    state = answer_all(browser, state, value=3)
    assert (state["stage"], state["answered"], state["seconds_left"]) == ("finished", 8, 0)
    votes = [chained.vote for chained in studies.votes("rated")]
    assert sorted(v.purpose for v in votes) == ["gold", *["main"] * 6, "repeat"]
    assert {v.position for v in votes} == set(range(1, 9))  # practice came first, and is no vote


def test_practice_and_trials_look_alike_but_for_what_the_page_must_say(browser_of):
    browser = browser_of()
    state = begin(browser)
    practice = set(state["trial"])
    assert practice == set(vote(browser, state, value=1).json()["trial"])


def test_a_practice_answer_sent_again_keeps_the_first_and_tells_the_same(browser_of, studies):
    browser = browser_of()
    state = begin(browser)
    first, again = vote(browser, state, value=1).json(), vote(browser, state, value=5).json()
    assert first == again
    assert studies.votes("rated") == []


def test_gold_and_repeats_are_told_by_nothing_a_rater_receives(browser_of):
    browser = browser_of()
    state = vote(browser, begin(browser), value=1).json()
    keys = set()
    while state["trial"]:
        keys.add((frozenset(state), frozenset(state["trial"])))
        state = vote(browser, state, value=3).json()
    assert len(keys) == 1


def test_the_hidden_reference_shows_the_ground_truths_pixels(browser_of, studies):
    state = answer_all((browser := browser_of()), begin(browser), value=3)
    assert state["stage"] == "finished"
    assert studies.study("rated").hidden_reference == "original"
    stored = {(scene, method): sha256 for scene, method, sha256 in studies.pictures("rated")}
    for scene in ("bench", "harbour", "orchid"):
        assert stored[scene, "original"] == stored[scene, None]


# Pairs


@on_both_databases
def test_a_pairwise_visit_asks_each_pair_and_takes_no_tie_where_none_is_offered(browser_of, studies):
    browser = browser_of()
    study = browser.get("/study/api/visit?study=pairs").json()["study"]
    assert (study["mode"], study["choices"], study["scale"]) == ("pairwise", ["left", "right"], None)
    state = begin(browser, "pairs")
    assert len(set(state["trial"]["pictures"])) == 2
    assert code_of(vote(browser, state, choice="tie")) == (422, "off_scale")
    assert code_of(vote(browser, state, value=1)) == (422, "off_scale")
    assert vote(browser, state, choice="middle").status_code == 422
    assert studies.votes("pairs") == []
    answer_all(browser, state, choice="left")
    votes = [chained.vote for chained in studies.votes("pairs")]
    assert {frozenset((v.left_method, v.right_method)) for v in votes} == {frozenset(("glassnet", "unprocessed"))}
    assert {v.scene for v in votes} <= {"bench", "harbour", "orchid", "garden"}
    assert all((v.value, v.method, v.choice) == (None, None, "left") for v in votes)


def test_a_rating_study_takes_no_choice(browser_of, studies):
    browser = browser_of()
    state = vote(browser, begin(browser), value=1).json()
    for answer in ({"choice": "left"}, {"value": 3, "choice": "left"}, {}, {"value": 0}):
        assert code_of(vote(browser, state, **answer)) == (422, "off_scale")
    assert studies.votes("rated") == []


# Undo


@on_both_databases
def test_the_last_answer_can_be_taken_back_once_and_the_chain_keeps_both(browser_of, studies):
    browser = browser_of()
    state = vote(browser, begin(browser), value=1).json()
    asked = state["trial"]
    state = vote(browser, state, value=2).json()
    following = state["trial"]["pictures"]
    undone = browser.post("/study/api/undo", json={"trial": state["undo"]}).json()
    assert (undone["answered"], undone["undo"]) == (0, None)
    assert undone["trial"]["token"] != asked["token"]
    assert not set(undone["trial"]["pictures"]) & set(asked["pictures"])
    assert undone["upcoming"]["pictures"] == following
    state = vote(browser, undone, value=4).json()
    assert state["undo"] is not None
    assert [chained.vote.value for chained in studies.votes("rated")] == [4]
    report = studies.verify("rated")
    assert (report.entries, report.votes, report.problems) == (3, 2, ())


def test_a_late_copy_of_the_first_answer_and_a_second_undo_find_nothing(browser_of, studies):
    browser = browser_of()
    first = vote(browser, begin(browser), value=1).json()
    state = vote(browser, first, value=2).json()
    browser.post("/study/api/undo", json={"trial": state["undo"]})
    assert code_of(vote(browser, first, value=2)) == (404, "unknown_trial")
    assert code_of(browser.post("/study/api/undo", json={"trial": state["undo"]})) == (404, "unknown_trial")
    assert studies.votes("rated") == []
    assert studies.verify("rated").problems == ()


def test_neither_an_earlier_answer_nor_another_raters_can_be_taken_back(browser_of, studies):
    mine, theirs = browser_of(), browser_of()
    first = vote(mine, begin(mine), value=1).json()
    second = vote(mine, first, value=2).json()
    vote(mine, second, value=3)
    their_state = vote(theirs, vote(theirs, begin(theirs), value=1).json(), value=5)
    for browser, token in ((mine, first["trial"]["token"]), (mine, their_state.json()["undo"])):
        assert code_of(browser.post("/study/api/undo", json={"trial": token})) == (404, "unknown_trial")
    assert len(studies.votes("rated")) == 3


# Pause and leases


def test_a_personal_link_resumes_on_another_device(browser_of, studies):
    phone, desk = browser_of(), browser_of()
    state = vote(phone, begin(phone), value=1).json()
    state = vote(phone, state, value=2).json()
    link = state["resume_path"].partition("#resume=")[2]
    resumed = desk.post("/study/api/resume", json={"link": link})
    assert resumed.json()["visit"] == state
    assert vote(desk, state, value=3).json()["answered"] == 2
    assert studies.progress("rated").raters == 1
    assert code_of(
        desk.post("/study/api/resume", json={"link": link[:-3] + ("x" if link[-3] != "x" else "y") + link[-2:]})
    ) == (404, "unknown_link")


def test_an_answer_after_the_lease_is_refused_and_the_same_question_comes_again(browser_of, studies, clock):
    browser = browser_of()
    state = vote(browser, begin(browser), value=1).json()
    clock.wait(minutes=31)
    assert code_of(vote(browser, state, value=2)) == (410, "lease_expired")
    assert studies.votes("rated") == []
    again = browser.get("/study/api/trial").json()
    assert again["trial"] == state["trial"]
    assert vote(browser, again, value=2).json()["answered"] == 1


@on_both_databases
def test_a_lapsed_raters_cells_go_to_others_and_the_rater_gets_new_ones(browser_of, studies, clock):
    """9 cells, 6 a visit, 4 votes wanted each: room for 6 visits, one of them given up and taken over."""
    quitter = browser_of()
    state = vote(quitter, begin(quitter), value=1).json()
    state = vote(quitter, state, value=2).json()
    clock.wait(minutes=31)
    assert sum(cell.lapsed for cell in studies.cell_counts("rated")) >= 5
    for _ in range(3):
        begin(browser_of())
    counts = studies.cell_counts("rated")
    filled = [cell.answered + cell.leased + cell.lapsed for cell in counts]
    assert sum(cell.lapsed for cell in counts) == 0
    assert max(filled) - min(filled) <= 1
    assert code_of(vote(quitter, state, value=2)) in {(404, "unknown_trial"), (410, "lease_expired")}
    back = quitter.get("/study/api/trial").json()
    assert back["answered"] == 1
    assert back["total"] >= 6
    answer_all(quitter, back, value=2)
    mine = [c.vote for c in studies.votes("rated") if c.vote.rater == studies.raters("rated")[0].rater]
    main = [(v.scene, v.method) for v in mine if v.purpose == "main"]
    assert len(main) == len(set(main)) == 6
    assert studies.verify("rated").problems == ()


def rate(studies, rater, *, votes):
    """Answer the next trials of a rater."""
    for _ in range(votes):
        token = studies.visit_state(rater).current.token
        studies.record_answer(Answer(**SCREEN, value=3), rater_id=rater, trial_token=token)


def take_back(studies, rater):
    studies.undo_answer(rater_id=rater, trial_token=studies.visit_state(rater).undo_token)


def standing(studies, name, rater):
    """The cells that a rater's votes stand on, in the order of the chain."""
    votes = [chained.vote for chained in studies.votes(name)]
    return [(vote.scene, vote.method) for vote in votes if vote.rater == rater]


@on_both_databases
def test_a_rater_who_takes_an_answer_back_and_leaves_can_come_back(studies, tmp_path, clock):
    """Another rater took over the question of the answer taken back, too; the chain keeps that answer."""
    make_study(studies, tmp_path / "plain", name="plain", mode="rating", lease_minutes=30)
    rater = enrol(studies, "plain")
    rate(studies, rater, votes=1)
    take_back(studies, rater)
    clock.wait(minutes=31)
    enrol(studies, "plain")
    assert {(cell.leased, cell.lapsed) for cell in studies.cell_counts("plain")} == {(1, 0)}
    back = studies.visit_state(rater)
    assert (back.stage, back.answered, back.total, back.undo_token) == ("trials", 0, 9, None)
    rate(studies, rater, votes=9)
    assert studies.visit_state(rater).stage == "finished"
    assert len(set(standing(studies, "plain", rater))) == 9
    assert {(cell.answered, cell.leased) for cell in studies.cell_counts("plain")} == {(1, 1)}
    report = studies.verify("plain")
    assert (report.votes, report.problems) == (10, ())


@on_both_databases
def test_a_rater_who_leaves_twice_gets_every_lost_cell_replaced_once(studies, tmp_path, clock):
    """A question that stays for the answer taken back is not counted again at the next return."""
    make_study(studies, tmp_path / "plain", name="plain", mode="rating", trials_per_visit=6, lease_minutes=30)
    rater = enrol(studies, "plain")
    for votes in (1, 2):
        rate(studies, rater, votes=votes)
        take_back(studies, rater)
        clock.wait(minutes=31)
        while any(cell.lapsed for cell in studies.cell_counts("plain")):
            enrol(studies, "plain")
        assert studies.visit_state(rater).total == 6
    cells = [cell.answered + cell.leased for cell in studies.cell_counts("plain")]
    assert max(cells) - min(cells) <= 1
    rate(studies, rater, votes=5)
    assert studies.visit_state(rater).stage == "finished"
    assert len(set(standing(studies, "plain", rater))) == 6
    assert studies.verify("plain").problems == ()


def finished(studies, name):
    """How many raters have finished, as the command line says and as the dashboard says."""
    return studies.progress(name).finished_raters, studies.columns.rater_counts(studies.study(name)).finished


@on_both_databases
def test_command_line_and_dashboard_count_the_same_raters_as_finished(studies, tmp_path, clock):
    """Not one who left, though nothing is asked of them any more; but one who came back and answered all."""
    make_study(studies, tmp_path / "plain", name="plain", mode="rating", lease_minutes=30)
    left, came_back = enrol(studies, "plain"), enrol(studies, "plain")
    rate(studies, left, votes=1)
    rate(studies, came_back, votes=1)
    take_back(studies, came_back)
    clock.wait(minutes=31)
    for _ in range(2):
        enrol(studies, "plain")
    assert [(rater.answered, rater.assigned) for rater in studies.raters("plain")[:2]] == [(1, 1), (0, 0)]
    assert finished(studies, "plain") == (0, 0)
    rate(studies, came_back, votes=9)
    assert finished(studies, "plain") == (1, 1)


@on_both_databases
def test_a_rater_for_whom_nothing_was_left_has_not_finished(studies, tmp_path, clock):
    """All their cells went to another while they were away, and the study wants no more votes."""
    make_study(studies, tmp_path / "plain", name="plain", mode="rating", votes_wanted=1, lease_minutes=30)
    late = enrol(studies, "plain")
    clock.wait(minutes=31)
    enrol(studies, "plain")
    assert studies.visit_state(late).total == 0
    assert finished(studies, "plain") == (0, 0)


@on_both_databases
def test_a_study_with_all_votes_it_wants_lets_nobody_in(browser_of, studies):
    for _ in range(7):  # 9 cells x 4 votes / 6 a visit = 6 visits
        browser = browser_of()
        consent = browser.get("/study/api/visit").json()["study"]["consent"]["sha256"]
        answer = browser.post("/study/api/visit", json={"consent_sha256": consent})
        if answer.status_code != 200:
            break
    assert code_of(answer) == (409, "study_full")
    counts = studies.cell_counts("rated")
    assert {cell.leased for cell in counts} == {4}
    assert len(studies.raters("rated")) == 6


# Withdrawal


@on_both_databases
def test_withdrawal_deletes_everything_a_rater_gave_and_the_chain_stays_whole(browser_of, studies, tmp_path):
    mine, theirs = browser_of(), browser_of()
    state = vote(mine, begin(mine), value=1).json()
    state = vote(mine, state, value=2).json()
    state = mine.post("/study/api/undo", json={"trial": state["undo"]}).json()
    state = answer_all(mine, state, value=2)
    answer_all(theirs, begin(theirs), value=4)
    withdrawn = browser_of().post("/study/api/withdraw", json={"code": state["withdrawal_code"].lower()})
    assert withdrawn.json() == {"withdrawn_votes": 8}
    assert {chained.vote.value for chained in studies.votes("rated")} == {4}
    report = studies.verify("rated")
    assert (report.withdrawn, report.problems) == (9, ())
    assert sum(cell.answered for cell in studies.cell_counts("rated")) == 6
    assert studies.progress("rated").votes == 8
    lines = [
        json.loads(line) for path in (tmp_path / "var").glob("votes_*.jsonl") for line in path.read_text().splitlines()
    ]
    assert sum(line.get("withdrawn") is True for line in lines) == 9
    assert not [line for line in lines if line.get("value") == 2]
    state = mine.get("/study/api/trial").json()
    assert (state["stage"], state["trial"], state["total"]) == ("withdrawn", None, 0)
    assert mine.post("/study/api/withdraw", json={"code": state["withdrawal_code"]}).json() == {"withdrawn_votes": 0}


def test_a_code_that_is_none_withdraws_nothing(browser_of, studies):
    browser = browser_of()
    vote(browser, vote(browser, begin(browser), value=1).json(), value=2)
    answer = browser.post("/study/api/withdraw", json={"code": "AAAA-BBBB-CCCC-DDDD"})
    assert code_of(answer) == (404, "unknown_code")
    assert len(studies.votes("rated")) == 1


def test_a_withdrawn_raters_trials_can_be_answered_no_more(browser_of, studies):
    browser = browser_of()
    state = vote(browser, begin(browser), value=1).json()
    browser.post("/study/api/withdraw", json={"code": state["withdrawal_code"]})
    assert code_of(vote(browser, state, value=2)) == (404, "unknown_trial")
    assert browser.get(state["trial"]["ground_truth"]).status_code == 404
    assert studies.votes("rated") == []


# Invitations and limits


@on_both_databases
def test_a_single_use_invitation_lets_one_rater_in(browser_of, visits, studies):
    token = visits.invite("rated")
    begin(browser_of(), invitation=token)
    second = browser_of()
    consent = second.get("/study/api/visit").json()["study"]["consent"]["sha256"]
    body = {"consent_sha256": consent, "invitation": token}
    assert code_of(second.post("/study/api/visit", json=body)) == (409, "invitation_used")
    forged = {**body, "invitation": token[:-3] + ("a" if token[-3] != "a" else "b") + token[-2:]}
    assert code_of(second.post("/study/api/visit", json=forged)) == (404, "unknown_invitation")
    elsewhere = {**body, "invitation": visits.invite("pairs")}
    assert code_of(second.post("/study/api/visit", json=elsewhere)) == (404, "unknown_invitation")
    assert len(studies.raters("rated")) == 1


@on_both_databases
def test_beginning_sent_again_uses_an_invitation_once(browser_of, visits, studies):
    token = visits.invite("rated")
    for _ in range(2):
        begin(browser_of(), invitation=token, attempt="0f" * 16)
    assert len(studies.raters("rated")) == 1


def test_an_open_link_lets_many_in_until_it_expires(browser_of, visits, clock):
    token = visits.invite("rated", max_uses=None, days=1)
    for _ in range(3):
        begin(browser_of(), invitation=token)
    clock.wait(days=1)
    late = browser_of()
    consent = late.get("/study/api/visit").json()["study"]["consent"]["sha256"]
    answer = late.post("/study/api/visit", json={"consent_sha256": consent, "invitation": token})
    assert code_of(answer) == (410, "invitation_expired")


def test_a_study_for_invited_raters_needs_an_invitation(studies, tmp_path):
    file = tmp_path / "source" / "closed.yaml"
    file.write_text("name: closed\nentry: invited\n")
    studies.create_study(read_study_file(file), seed=1)
    studies.open_study("closed")
    app = FastAPI()
    visits = Visits(studies, secret_key=SECRET)
    app.include_router(build_router(visits))
    with TestClient(app) as browser:
        study = browser.get("/study/api/visit?study=closed").json()["study"]
        assert study["invitation_required"]
        body = {"study": "closed", "consent_sha256": study["consent"]["sha256"]}
        assert code_of(browser.post("/study/api/visit", json=body)) == (403, "invitation_needed")
        body["invitation"] = visits.invite("closed")
        assert browser.post("/study/api/visit", json=body).status_code == 200


def test_raters_of_a_simulators_invitation_are_marked_and_not_limited(studies):
    visits = Visits(studies, secret_key=SECRET, enrolments_per_hour=1)
    app = FastAPI()
    app.include_router(build_router(visits))
    token = visits.invite("rated", max_uses=None, simulated=True)
    for _ in range(2):
        with TestClient(app) as browser:
            begin(browser, invitation=token)
    with TestClient(app) as person, TestClient(app) as another:
        begin(person)
        consent = another.get("/study/api/visit").json()["study"]["consent"]["sha256"]
        refused = another.post("/study/api/visit", json={"consent_sha256": consent})
    assert code_of(refused) == (429, "too_many_enrolments")
    assert 3500 < int(refused.headers["Retry-After"]) <= 3601
    assert [rater.simulated for rater in studies.raters("rated")] == [True, True, False]
