"""What a store and the key of its cookies need before anything is kept: an address that is one, a key made once."""

import os
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from study.store import StudyStore
from study.visits import load_secret_key


def test_a_sqlite_file_is_in_wal_mode(store, tmp_path):
    with closing(sqlite3.connect(tmp_path / "var" / "study.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_database_in_memory_is_refused(tmp_path):
    with pytest.raises(ValueError, match="forgets the votes"):
        StudyStore("sqlite://", data_folder=tmp_path)


def test_a_start_killed_while_it_makes_the_secret_key_leaves_none(tmp_path, monkeypatch):
    def fail(_descriptor):
        raise OSError("killed")

    with monkeypatch.context() as killed:
        killed.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="killed"):
            load_secret_key(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(load_secret_key(tmp_path)) >= 32


def test_processes_that_start_at_once_share_one_secret_key(tmp_path):
    with ThreadPoolExecutor(max_workers=8) as pool:
        keys = set(pool.map(lambda _: load_secret_key(tmp_path), range(8)))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_the_secret_key_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    key = load_secret_key(tmp_path / "var")
    assert load_secret_key(tmp_path / "var") == key
    assert (tmp_path / "var" / "secret.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("url", ["nosuchdatabase://rater:secret@host/study", "no address: secret"])
def test_an_address_that_is_none_is_refused_without_repeating_it(tmp_path, url):
    with pytest.raises(ValueError, match="sqlite:///") as refusal:
        StudyStore(url, data_folder=tmp_path)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("at", ["rater:secret@127.0.0.1:{port}/study", "127.0.0.1:{port}/study?password=secret"])
def test_a_server_that_does_not_answer_is_named_without_the_password(tmp_path, at):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ValueError, match=rf"127\.0\.0\.1:{port}/study cannot be opened .*refused.*\. Start") as refusal:
        StudyStore(f"postgresql://{at.format(port=port)}", data_folder=tmp_path)
    assert "secret" not in str(refusal.value)


def test_what_is_no_sqlite_file_is_named(tmp_path):
    (tmp_path / "text.db").write_text("no database at all" * 100)
    for name, reason in ((tmp_path, "unable to open database file"), (tmp_path / "text.db", "file is not a database")):
        with pytest.raises(ValueError, match=rf"sqlite:///{name} cannot be opened \({reason}\)"):
            StudyStore(f"sqlite:///{name}", data_folder=tmp_path / "var")
