"""One file of many, the same bytes for the same content: no dates, no owners, names in order."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest moment a zip file knows
_REGULAR_FILE = 0o100644 << 16
_UNIX = 3
MAX_UNPACKED_BYTES = 4 << 30


def zip_bytes(files: Mapping[str, bytes]) -> bytes:
    """Pack files by their path inside the archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=_EPOCH)
            entry.external_attr = _REGULAR_FILE
            entry.create_system = _UNIX
            archive.writestr(entry, files[name], compress_type=zipfile.ZIP_DEFLATED, compresslevel=9)
    return buffer.getvalue()


def unzip_files(path: Path) -> dict[str, bytes]:
    """Read all files of an archive into memory; nothing is written, so no path can lead anywhere.

    Raises:
        ValueError: `path` is no readable zip file, names a file twice, or unpacks to more than 4 GiB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len({entry.filename for entry in entries}) != len(entries):
                raise ValueError(f"{path} holds two files of one name")
            if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
                raise ValueError(f"{path} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB")
            return {entry.filename: archive.read(entry) for entry in entries}
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{path} is no readable zip archive: {error}") from error


def sha256(content: bytes) -> str:
    """The hash that names a file's content."""
    return hashlib.sha256(content).hexdigest()
