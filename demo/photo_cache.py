"""Where uploads and results live while they are in work: one folder a process, gone with the process.

Each folder is locked by the process it belongs to (flock on the folder itself). The kernel lets go of the lock when the
process ends in any way, so a folder without a lock is a leftover, and a locked one belongs to a server that runs.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class PhotoCache:
    """This process's folder, held until it is closed.

    Attributes:
        folder: Absolute path; Gradio is to keep its files here and nowhere else.
    """

    def __init__(self, parent: Path) -> None:
        """Make and lock a folder below `parent`, and delete what servers that no longer run left there.

        Gradio would never delete it, as it tracks only its own process's files.

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

    def close(self) -> None:
        """Delete the folder with all photos in it."""
        shutil.rmtree(self.folder, ignore_errors=True)  # a file still being written is the next start's leftover
        os.close(self._lock)


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
