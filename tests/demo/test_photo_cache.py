"""Photos outlive neither an hour, nor their server, nor a crash, and no start touches those of a server that runs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from demo.photo_cache import LIFETIME_S, SWEEP_EVERY_S, PhotoCache
from tests.demo.serving import ROOT

HOLD = """
import sys
from pathlib import Path
from demo.photo_cache import PhotoCache
cache = PhotoCache(Path(sys.argv[1]))
(cache.folder / "photo.jpg").write_bytes(b"a photo")
print(cache.folder, flush=True)
sys.stdin.read()
"""


def test_second_start_leaves_a_running_servers_photos_alone(tmp_path: Path) -> None:
    """Two servers may share a data folder; each has a folder of its own."""
    with _holder(tmp_path) as holder:
        photo = Path(holder.stdout.readline().strip()) / "photo.jpg"
        second = PhotoCache(tmp_path)
        assert photo.read_bytes() == b"a photo"
        assert second.folder != photo.parent
        second.close()
        holder.communicate()


def test_start_after_a_kill_deletes_the_photos(tmp_path: Path) -> None:
    """The lock ends with its process, however that ends."""
    with _holder(tmp_path) as holder:
        photo = Path(holder.stdout.readline().strip()) / "photo.jpg"
        os.kill(holder.pid, signal.SIGKILL)
        holder.communicate()
    assert photo.exists()
    PhotoCache(tmp_path).close()
    assert not photo.exists()


def test_start_deletes_stray_files_and_follows_no_link(tmp_path: Path) -> None:
    """What lies beside the folders goes too; what a link points to stays."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").touch()
    parent = tmp_path / "photos"
    parent.mkdir()
    (parent / "stray.jpg").touch()
    (parent / "link").symlink_to(elsewhere)
    cache = PhotoCache(parent)
    assert list(parent.iterdir()) == [cache.folder]
    assert (elsewhere / "kept.txt").exists()
    cache.close()


def test_closing_deletes_the_photos(tmp_path: Path) -> None:
    """A server that is stopped leaves no photo for its next start to delete."""
    cache = PhotoCache(tmp_path / "var" / "photos")
    (cache.folder / "photo.jpg").touch()
    cache.close()
    assert list((tmp_path / "var" / "photos").iterdir()) == []


def test_a_photo_goes_when_it_is_older_than_its_lifetime_and_not_before(tmp_path: Path) -> None:
    """It counts from when the file came here: what a file says of its own date is its maker's."""
    now = [0.0]
    cache = PhotoCache(tmp_path, clock=lambda: now[0])
    photo = _photo(cache, "upload/photo.jpg")
    os.utime(photo, (0, 0))
    arrived = photo.stat().st_ctime
    now[0] = arrived + LIFETIME_S - 1
    cache.sweep()
    assert photo.exists()
    now[0] = arrived + LIFETIME_S + 1
    cache.sweep()
    assert not photo.exists()
    cache.close()


def test_sweeps_come_often_enough_for_the_promised_hour() -> None:
    """A photo that was just too young for one sweep goes with the next, with half a minute for the sweep itself."""
    assert LIFETIME_S + SWEEP_EVERY_S + 30 <= 3600


def test_photos_are_swept_without_being_asked_and_closing_ends_it(tmp_path: Path) -> None:
    """The folder and its sweeps begin and end together."""
    asked = []

    def in_an_hour() -> float:
        asked.append(None)
        return time.time() + 3600

    cache = PhotoCache(tmp_path, clock=in_an_hour, sweep_every_s=0.01)
    _wait_until_gone(_photo(cache, "photo.jpg"))
    _wait_until_gone(_photo(cache, "later.jpg"))
    cache.close()
    sweeps = len(asked)
    time.sleep(0.1)
    assert len(asked) == sweeps


def test_a_sweep_that_fails_is_logged_and_the_next_one_comes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, photos must not stay for the rest of the process's life."""
    failures = [RuntimeError("Set changed size during iteration"), OSError("disk trouble")]

    def in_an_hour() -> float:
        if failures:
            raise failures.pop(0)
        return time.time() + 3600

    cache = PhotoCache(tmp_path, clock=in_an_hour, sweep_every_s=0.01)
    _wait_until_gone(_photo(cache, "photo.jpg"))
    cache.close()
    assert "Set changed size during iteration" in caplog.text
    assert "disk trouble" in caplog.text


def test_a_photo_that_cannot_be_deleted_keeps_no_other_and_its_name_out_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of visitors' files are written down nowhere."""
    cache = PhotoCache(tmp_path, clock=lambda: time.time() + 3600)
    photos = [_photo(cache, f"{folder}/my-wedding.jpg") for folder in "abc"]
    unlink = Path.unlink

    def refuse_one(path: Path) -> None:
        if path == photos[1]:
            raise PermissionError(1, "Operation not permitted", str(path))
        unlink(path)

    with monkeypatch.context() as refusing:
        refusing.setattr(Path, "unlink", refuse_one)
        cache.sweep()
    assert [photo.exists() for photo in photos] == [False, True, False]
    assert "Operation not permitted" in caplog.text
    assert "wedding" not in caplog.text
    cache.close()


def _photo(cache: PhotoCache, name: str) -> Path:
    path = cache.folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a photo")
    return path


def _wait_until_gone(path: Path, *, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while path.exists():
        assert time.monotonic() < deadline, f"{path} is still there"
        time.sleep(0.01)


def _holder(parent: Path) -> subprocess.Popen[str]:
    """Hold a cache with one photo, until standard input ends."""
    command = [sys.executable, "-c", HOLD, str(parent)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
