"""Forged answers are refused with a 4xx and leave nothing behind: no vote, no entry in the chain, no journal line."""

import json
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.api import build_router
from study.store import StudyStore
from study.visits import Visits
from tests.study.simulated import SCREEN, make_study

KEY = "a key for tests only"
VIEW = {"viewport_width": 1280, "viewport_height": 800, "device_pixel_ratio": 1.5, "zoomed": 0}


@dataclass(frozen=True)
class Served:
    """One application with an open rating study, an open pairwise study, and its database file."""

    store: StudyStore
    app: FastAPI
    database: Path

    def browser(self) -> TestClient:
        return TestClient(self.app, raise_server_exceptions=False)  # a crash must show as a 500, as for a forger

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All that answers can write, row by row."""
        columns = {"raters": "id, outstanding, withdrawn_at"}  # a refused answer may renew the rater's lease
        tables = ("votes", "ledger", "practice_answers", "raters", "cells", "invitations")
        with closing(sqlite3.connect(self.database)) as connection:
            content = {
                table: connection.execute(f"SELECT {columns.get(table, '*')} FROM {table}").fetchall()
                for table in tables
            }
        return {**content, "journal": [(path.read_bytes(),) for path in self.database.parent.glob("votes_*.jsonl")]}


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """One server for all: every forger is a new rater, and what must not be written is compared with what was there."""
    folder = tmp_path_factory.mktemp("served")
    data = folder / "var"
    store = StudyStore(f"sqlite:///{data / 'study.db'}", data_folder=data)
    app = FastAPI()
    app.include_router(build_router(Visits(store, secret_key=KEY)))
    for mode in ("rating", "pairwise"):
        make_study(store, folder / mode, mode=mode, name=mode, ties=None if mode == "rating" else False)
    yield Served(store, app, data / "study.db")
    store.close()


class Forger:
    """A browser that has begun a study honestly, up to its first trial."""

    def __init__(self, served: Served, study: str = "rating") -> None:
        self.browser, self.study = served.browser(), study
        opened = self.browser.get("/study/api/visit", params={"study": study}).json()["study"]
        body = {"study": study, "language": opened["language"], "consent_sha256": opened["consent"]["sha256"]}
        self.browser.post("/study/api/visit", json=body)
        self.state = self.browser.post("/study/api/screen", params={"study": study}, json=SCREEN).json()
        assert self.state["stage"] == "trials"

    @property
    def token(self) -> str:
        return self.state["trial"]["token"]

    def vote(self, token: object = None, **changes: object) -> httpx.Response:
        answer = {"choice": "left"} if self.study == "pairwise" else {"value": 3}
        body = {"trial": token or self.token, "response_ms": 900, **VIEW, **answer, **changes}
        return self.browser.post(
            "/study/api/vote",
            content=json.dumps({key: value for key, value in body.items() if value is not LEFT_OUT}),
            headers={"content-type": "application/json"},
        )


class _LeftOut:
    """A field that is not sent; its text, which names tests, is the same in every process."""

    def __repr__(self) -> str:
        return "left out"


LEFT_OUT = _LeftOut()


@contextmanager
def nothing_written(served: Served) -> Iterator[None]:
    """Whatever happens inside must leave every row and the journal as they are."""
    before = served.rows()
    yield
    assert served.rows() == before


def refused(answer: httpx.Response, code: str | None = None, status: int | None = None) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    assert status in {None, answer.status_code}, answer.text
    if code is not None:
        assert answer.json()["detail"]["code"] == code


def test_an_honest_answer_is_a_row(served):
    """Else nothing below would mean anything."""
    for study in ("rating", "pairwise"):
        before = served.rows()
        assert Forger(served, study).vote().status_code == 200
        after = served.rows()
        assert all(after[table] != before[table] for table in ("votes", "ledger", "journal"))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"value": 6}, "off_scale"),
        ({"value": -1}, "off_scale"),
        ({"value": 2**31}, None),
        ({"value": 2**63}, None),
        ({"value": 10**400}, None),
        ({"value": 2.5}, None),
        ({"value": "3"}, None),
        ({"value": True}, None),
        ({"value": None}, None),
        ({"value": [3]}, None),
        ({"value": {"$gt": 0}}, None),
        ({"value": float("nan")}, None),
        ({"value": float("inf")}, None),
        ({"value": LEFT_OUT}, None),
        ({"choice": "left"}, None),
        ({"value": LEFT_OUT, "choice": "left"}, None),
        ({"response_ms": -1}, None),
        ({"response_ms": 24 * 3600 * 1000 + 1}, None),
        ({"response_ms": 1e308}, None),
        ({"response_ms": "soon"}, None),
        ({"response_ms": LEFT_OUT}, None),
        ({"viewport_width": 0}, None),
        ({"viewport_height": -1}, None),
        ({"viewport_width": 2**64}, None),
        ({"device_pixel_ratio": 0}, None),
        ({"device_pixel_ratio": float("nan")}, None),
        ({"device_pixel_ratio": float("inf")}, None),
        ({"device_pixel_ratio": -2}, None),
        ({"zoomed": -1}, None),
        ({"zoomed": 2**63}, None),
        ({"zoomed": "often"}, None),
        ({"method": "glassnet"}, None),
        ({"rater": "somebody"}, None),
        ({"voted_at": "1999-01-01T00:00:00Z"}, None),
        ({"trial": None}, None),
        ({"trial": 1}, None),
        ({"trial": ["a"]}, None),
        ({"trial": ""}, None),
        ({"trial": "A" * 22}, "unknown_trial"),
        ({"trial": "' OR '1'='1"}, "unknown_trial"),
        ({"trial": "'; DROP TABLE votes; --"}, "unknown_trial"),
        ({"trial": "%"}, "unknown_trial"),
        ({"trial": "\x00"}, None),
        ({"trial": "\ud800"}, None),
        ({"trial": "../../secret.key"}, "unknown_trial"),
        ({"trial": "A" * 10_000_000}, None),
    ],
    ids=lambda given: str(given)[:40],
)
def test_an_answer_that_is_none_is_refused(served, changes, code):
    forger = Forger(served)
    with nothing_written(served):
        refused(forger.vote(**changes), code)
    assert forger.vote().status_code == 200


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"choice": "tie"}, "off_scale"),
        ({"choice": "both"}, None),
        ({"choice": "LEFT"}, None),
        ({"choice": ""}, None),
        ({"choice": 1}, None),
        ({"choice": LEFT_OUT, "value": 3}, None),
        ({"value": 3}, None),
        ({"choice": LEFT_OUT}, None),
        ({"choice": "left' --"}, None),
    ],
    ids=lambda given: str(given)[:40],
)
def test_a_choice_that_was_not_offered_is_refused(served, changes, code):
    forger = Forger(served, "pairwise")
    with nothing_written(served):
        refused(forger.vote(**changes), code)
    assert forger.vote().status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"vote"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"trial": ' + b'{"a":' * 50_000,
        b"value=3&trial=1",
        b'{"trial": "x"}' * 2,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_vote_is_refused(served, body):
    forger = Forger(served)
    headers = {"content-type": "application/json"}
    with nothing_written(served):
        refused(forger.browser.post("/study/api/vote", content=body, headers=headers))


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_vote_that_another_site_could_post_without_asking_is_refused(served, content_type):
    """Forms of other sites send these content types without a preflight; JSON they cannot."""
    forger = Forger(served)
    body = json.dumps({"trial": forger.token, "value": 3, "response_ms": 900, **VIEW})
    with nothing_written(served):
        refused(forger.browser.post("/study/api/vote", content=body, headers={"content-type": content_type}))


def test_anothers_trial_is_unknown(served):
    mine, theirs = Forger(served), Forger(served)
    with nothing_written(served):
        refused(mine.vote(theirs.token), "unknown_trial")


def test_a_trial_of_another_study_is_refused(served):
    rating, pairwise = Forger(served), Forger(served, "pairwise")
    with nothing_written(served):
        refused(rating.vote(pairwise.token, value=LEFT_OUT, choice="left"))
        refused(pairwise.vote(rating.token, value=3, choice=LEFT_OUT))


def test_no_cookie_a_foreign_cookie_and_a_mended_one_are_refused(served):
    owner, stranger = Forger(served), Forger(served, "pairwise")
    [(name, cookie)] = owner.browser.cookies.items()
    [(_, foreign)] = stranger.browser.cookies.items()
    claim, rest = cookie.split(".", 1)
    forged = {
        "none": {},
        "of another study": {name: foreign},
        "signature changed": {name: cookie[:-3] + ("abc" if cookie[-3:] != "abc" else "xyz")},
        "signature left out": {name: claim},
        "claim changed": {name: claim[:-2] + "AA." + rest},
        "empty": {name: ""},
        "dots": {name: "..."},
        "long": {name: "A" * 60_000},
        "another rater's study name": {"rater_pairwise": cookie},
    }
    for how, cookies in forged.items():
        browser = served.browser()
        browser.cookies.update(cookies)
        body = {"trial": owner.token, "value": 3, "response_ms": 900, **VIEW}
        with nothing_written(served):
            answer = browser.post("/study/api/vote", json=body)
            assert answer.status_code in {400, 401, 404, 413, 431}, (how, answer.text)


def test_a_cookie_signed_by_another_key_is_none(served):
    owner = Forger(served)
    elsewhere = FastAPI()
    elsewhere.include_router(build_router(Visits(served.store, secret_key="another key altogether")))
    forger = Forger(Served(served.store, elsewhere, served.database))
    browser = served.browser()
    browser.cookies.update(forger.browser.cookies)
    with nothing_written(served):
        for token in (owner.token, forger.token):
            body = {"trial": token, "value": 3, "response_ms": 900, **VIEW}
            refused(browser.post("/study/api/vote", json=body), "not_a_rater")


def test_a_replay_with_another_value_keeps_the_first_answer(served):
    forger = Forger(served)
    assert forger.vote(value=1).status_code == 200
    with nothing_written(served):
        assert forger.vote(value=5).status_code == 200
        assert forger.vote(value=0, response_ms=1).status_code == 200
    assert [chained.vote.value for chained in served.store.votes("rating")][-1] == 1


def test_a_replay_does_not_undo_an_undo(served):
    forger = Forger(served)
    old, before = forger.token, len(served.store.votes("rating"))
    answered = forger.vote(value=1).json()
    assert forger.browser.post("/study/api/undo", json={"trial": answered["undo"]}).status_code == 200
    with nothing_written(served):
        refused(forger.vote(old, value=5))
    assert len(served.store.votes("rating")) == before


def test_nobody_undoes_anothers_answer_or_their_own_twice(served):
    mine, theirs = Forger(served), Forger(served)
    undo = theirs.vote().json()["undo"]
    with nothing_written(served):
        refused(mine.browser.post("/study/api/undo", json={"trial": undo}))
        refused(served.browser().post("/study/api/undo", json={"trial": undo}))
        refused(theirs.browser.post("/study/api/undo", json={"trial": theirs.token[::-1]}))
    assert theirs.browser.post("/study/api/undo", json={"trial": undo}).status_code == 200
    with nothing_written(served):
        refused(theirs.browser.post("/study/api/undo", json={"trial": undo}))


def test_a_trial_not_yet_shown_is_unknown_even_by_its_true_token(served):
    forger = Forger(served)
    with closing(sqlite3.connect(served.database)) as connection:
        own = "SELECT rater_id FROM trials WHERE token = ?"
        waiting = connection.execute(
            f"SELECT token FROM trials WHERE presented_at IS NULL AND rater_id = ({own})", (forger.token,)
        ).fetchall()
    assert waiting
    with nothing_written(served):
        for (token,) in waiting:
            refused(forger.vote(token), "unknown_trial")


def test_a_picture_token_is_no_trial_token(served):
    forger = Forger(served)
    trial = forger.state["trial"]
    with nothing_written(served):
        for path in (trial["ground_truth"], *trial["pictures"]):
            refused(forger.vote(path.removeprefix("/stimuli/")), "unknown_trial")


def test_an_answer_after_the_lease_has_run_out_and_the_trial_went_to_another_is_refused(served, tmp_path):
    """One cell alone, one vote wanted: whoever comes after the lapse takes it over."""
    make_study(
        served.store,
        tmp_path / "scarce",
        mode="rating",
        name="scarce",
        scenes=["bench"],
        methods=["glassnet"],
        votes_wanted=1,
        lease_minutes=1,
    )
    late = Forger(served, "scarce")
    expire_leases(served)
    heir = Forger(served, "scarce")
    assert heir.token != late.token
    with nothing_written(served):
        refused(late.vote(), "lease_expired", 410)
    assert heir.vote().status_code == 200
    with nothing_written(served):
        refused(late.vote(), "lease_expired", 410)


def expire_leases(served: Served) -> None:
    """As if an hour had passed in which nobody did anything."""
    past = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None).isoformat(sep=" ")
    with closing(sqlite3.connect(served.database, timeout=10)) as connection, connection:
        connection.execute("UPDATE raters SET lease_until = ?", (past,))


def test_nothing_is_taken_after_withdrawal(served):
    forger = Forger(served)
    before = len(served.store.votes("rating"))
    answered = forger.vote().json()
    code, next_token = answered["withdrawal_code"], answered["trial"]["token"]
    assert served.browser().post("/study/api/withdraw", json={"code": code}).status_code == 200
    assert len(served.store.votes("rating")) == before
    with nothing_written(served):
        refused(forger.vote(next_token))
        refused(forger.vote())
        refused(forger.browser.post("/study/api/undo", json={"trial": answered["undo"]}))
        link = {"link": answered["resume_path"].split("resume=")[1]}
        resumed = served.browser().post("/study/api/resume", json=link).json()["visit"]
    assert (resumed["stage"], resumed["trial"]) == ("withdrawn", None)


@pytest.mark.parametrize("code", ["", "ABCD-EFGH-JKLM-NPQR", "' OR 1=1 --", "A" * 100_000, 7, None, ["ABCD"]])
def test_a_guessed_withdrawal_code_deletes_nothing(served, code):
    Forger(served).vote()
    with nothing_written(served):
        refused(served.browser().post("/study/api/withdraw", json={"code": code}))


def test_nothing_is_taken_after_the_study_closed(served):
    forger = Forger(served)
    state = forger.vote().json()
    served.store.close_study("rating")
    with nothing_written(served):
        refused(forger.vote(state["trial"]["token"]), "study_closed", 410)
        refused(forger.browser.post("/study/api/undo", json={"trial": state["undo"]}))
    served.store.open_study("rating")


def test_an_answer_before_the_screen_check_is_refused(served):
    forger = Forger(served)
    early = served.browser()
    opened = early.get("/study/api/visit", params={"study": "rating"}).json()["study"]
    body = {"study": "rating", "language": "en", "consent_sha256": opened["consent"]["sha256"]}
    state = early.post("/study/api/visit", json=body).json()["visit"]
    assert (state["stage"], state["trial"]) == ("screen", None)
    with nothing_written(served):
        vote = {"trial": forger.token, "value": 3, "response_ms": 900, **VIEW}
        refused(early.post("/study/api/vote", json=vote))


@pytest.mark.parametrize(
    "changes",
    [
        {"consent_sha256": LEFT_OUT},
        {"consent_sha256": "0" * 64},
        {"consent_sha256": None},
        {"language": "A" * 100_000},
        {"attempt": "guessable"},
        {"invitation": "guessed"},
        {"invitation": "A" * 100_000},
        {"study": "no-such-study"},
        {"study": "'; DROP TABLE raters; --"},
        {"rater": "me"},
        {"simulated": False},
    ],
    ids=str,
)
def test_a_forged_beginning_enrols_nobody(served, changes):
    browser = served.browser()
    opened = browser.get("/study/api/visit", params={"study": "rating"}).json()["study"]
    body = {"study": "rating", "language": "en", "consent_sha256": opened["consent"]["sha256"], **changes}
    with nothing_written(served):
        body = {key: value for key, value in body.items() if value is not LEFT_OUT}
        refused(browser.post("/study/api/visit", json=body))


def test_a_used_up_invitation_and_one_of_another_study_let_nobody_in(served, tmp_path):
    make_study(served.store, tmp_path / "invited", mode="rating", name="invited", entry="invited")
    visits = Visits(served.store, secret_key=KEY)
    own, foreign = (visits.invite(study, max_uses=1) for study in ("invited", "rating"))
    consent = served.browser().get("/study/api/visit", params={"study": "invited"}).json()["study"]["consent"]

    def begin(**changes: Any) -> httpx.Response:
        body = {"study": "invited", "language": "en", "consent_sha256": consent["sha256"], **changes}
        return served.browser().post("/study/api/visit", json=body)

    # Not the last character, of which some bits say nothing: one signature in 1,024 would stay what it was.
    forged = own[:-2] + ("A" if own[-2] != "A" else "B") + own[-1]
    with nothing_written(served):
        refused(begin(), "invitation_needed")
        refused(begin(invitation=foreign))
        refused(begin(invitation=forged))
    assert begin(invitation=own).status_code == 200
    with nothing_written(served):
        refused(begin(invitation=own), "invitation_used")


@pytest.mark.parametrize("link", ["", "guessed", "A" * 100_000, 3, None])
def test_a_guessed_resume_link_opens_no_visit(served, link):
    Forger(served)
    browser = served.browser()
    with nothing_written(served):
        refused(browser.post("/study/api/resume", json={"link": link}))
    assert not browser.cookies


def test_the_same_answer_from_many_tabs_at_once_is_one_vote(served):
    forger, before = Forger(served), len(served.store.votes("rating"))
    with ThreadPoolExecutor(max_workers=6) as tabs:
        answers = list(tabs.map(lambda value: forger.vote(value=value % 6), range(12)))
    assert all(answer.status_code == 200 for answer in answers)
    assert len(served.store.votes("rating")) == before + 1


def test_a_huge_body_is_refused_before_it_is_understood(served):
    forger = Forger(served)
    began = time.monotonic()
    with nothing_written(served):
        refused(forger.vote(comment="A" * 20_000_000))
    assert time.monotonic() - began < 10
