"""Photos outlive neither their server nor a crash, and no start touches those of a server that runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from demo.photo_cache import PhotoCache
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


def _holder(parent: Path) -> subprocess.Popen[str]:
    """Hold a cache with one photo, until standard input ends."""
    command = [sys.executable, "-c", HOLD, str(parent)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
