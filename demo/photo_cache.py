"""Where uploads and results live while they are in work: one folder a process, each file for less than an hour.

Each folder is locked by the process it belongs to (flock on the folder itself). The kernel lets go of the lock when the
process ends in any way, so a folder without a lock is a leftover, and a locked one belongs to a server that runs.

Old files are deleted here, not by Gradio's `delete_cache`: in Gradio 6.31 its task walks sets of file names while
uploads add to them, and the first "Set changed size during iteration" ends it for the rest of the process, unlogged.
"""

import fcntl
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Together less than the hour that the page promises (static/privacy.html).
LIFETIME_S = 54 * 60
SWEEP_EVERY_S = 5 * 60

_LOG = logging.getLogger(__name__)


class PhotoCache:
    """This process's folder, held and swept until it is closed.

    Attributes:
        folder: Absolute path; Gradio is to keep its files here and nowhere else.
    """

    def __init__(
        self, parent: Path, *, clock: Callable[[], float] = time.time, sweep_every_s: float = SWEEP_EVERY_S
    ) -> None:
        """Make and lock a folder below `parent`, and delete what servers that no longer run left there.

        Args:
            parent: Holds a folder per running server.
            clock: Tells the moment in seconds since 1970.
            sweep_every_s: How long to wait between one sweep of old files and the next.
        Raises:
            OSError: `parent` cannot be made, or a leftover cannot be deleted.
        """
        parent.mkdir(parents=True, exist_ok=True)
        with _locked(parent):  # else another start could take the new folder for a leftover before it is locked
            for entry in parent.iterdir():
                _delete_leftover(entry)
            self.folder = Path(tempfile.mkdtemp(dir=parent.resolve()))
            self._lock = os.open(self.folder, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._clock = clock
        self._closing = threading.Event()
        self._sweeper = threading.Thread(
            target=self._sweep_until_closing, args=(sweep_every_s,), name="photo sweeper", daemon=True
        )
        self._sweeper.start()

    def sweep(self) -> None:
        """Delete all files that came, or were last written to, more than `LIFETIME_S` ago.

        Folders stay until the cache is closed: Gradio may be about to write into an empty one.
        """
        oldest = self._clock() - LIFETIME_S
        for folder, _, names in os.walk(self.folder, onerror=_log_failure):
            for name in names:
                _delete_if_older(Path(folder, name), oldest)

    def close(self) -> None:
        """End the sweeps, and delete the folder with all photos in it."""
        self._closing.set()
        self._sweeper.join()
        shutil.rmtree(self.folder, ignore_errors=True)  # a file still being written is the next start's leftover
        os.close(self._lock)

    def _sweep_until_closing(self, every_s: float) -> None:
        while not self._closing.wait(every_s):
            try:
                self.sweep()
            except Exception:  # whatever it is, the next sweep must come
                _LOG.exception("Old photos could not be deleted; the next try is in %g s.", every_s)


def _delete_if_older(path: Path, oldest: float) -> None:
    """Delete a file whose last change lies before a moment; st_ctime, since no program can set it."""
    try:
        if path.lstat().st_ctime < oldest:
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        _log_failure(error)


def _log_failure(error: OSError) -> None:
    """Say why old photos stay, but not which: a path holds the name that a visitor gave the file."""
    _LOG.error("Photos older than %d minutes could not be deleted: %s", LIFETIME_S // 60, error.strerror)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Wait for the folder's lock and hold it during the block."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _delete_leftover(entry: Path) -> None:
    """Delete a file or folder, unless a running process holds it."""
    if entry.is_symlink() or not entry.is_dir():
        entry.unlink()
        return
    descriptor = os.open(entry, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        shutil.rmtree(entry)
    finally:
        os.close(descriptor)
