"""What was acknowledged survives kill -9."""

import httpx

from study.store import StudyStore
from tests.ports import free_port
from tests.study.servers import running_server
from tests.study.test_api import SCREEN
from tests.study.visiting import begin


def test_a_vote_survives_kill_9_right_after_its_acknowledgement(open_store, database_url, tmp_path):
    port = free_port()
    with (
        running_server(port=port, database_url=database_url, data_folder=tmp_path / "var") as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as browser,
    ):
        trial = begin(browser)["trial"]
        answer = browser.post("/study/api/vote", json={"trial": trial["token"], "value": 4, **SCREEN})
        server.kill()
        assert answer.json()["answered"] == 1
    reopened = StudyStore(database_url, data_folder=tmp_path / "var")
    [vote] = reopened.votes("bokeh")
    reopened.close()
    assert vote.vote.value == 4
    [journal] = (tmp_path / "var").glob("votes_*.jsonl")
    assert vote.sha256 in journal.read_text()
