"""One file that holds a study's votes, its tables and all it takes to make them again.

The manifest names the study by its hash, the analysis with its seed and screening rule, the versions it was made with,
and the sha256 of every other file. It bears no date: the same votes give the same archive.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from study.export.contents import (
    FIGURE_KINDS,
    METRICS,
    VOTES,
    StudyExport,
    Tables,
    build_tables,
    data_files,
    figure_files,
    table_files,
)
from study.export.metrics_file import read_metrics
from study.export.readme import readme
from study.export.votes import read_votes_csv
from study.export.zipping import sha256, unzip_files, zip_bytes
from study.figure_style import FigureKind
from study.tables import Analysis, StudyFacts

FORMAT = "bggan study archive, version 1"
MANIFEST, README = "manifest.json", "README.md"
_PACKAGES = ("bggan", "numpy", "scipy", "pandas", "matplotlib")


@dataclass(frozen=True)
class Archive:
    """An archive as it was read: every file but the manifest, the manifest, and the study that the two describe."""

    files: Mapping[str, bytes]
    manifest: Mapping[str, Any]
    export: StudyExport


def export_files(export: StudyExport, *, figure_kinds: Sequence[FigureKind] = FIGURE_KINDS) -> dict[str, bytes]:
    """Every file of an export by its path, the manifest included."""
    tables = build_tables(export)
    files = {**data_files(export), **table_files(tables), **figure_files(tables, kinds=figure_kinds)}
    files[README] = readme(export, tables).encode()
    files[MANIFEST] = _json(_manifest(export, tables, files))
    return files


def archive_bytes(export: StudyExport, *, figure_kinds: Sequence[FigureKind] = FIGURE_KINDS) -> bytes:
    """The archive as one zip file."""
    return zip_bytes(export_files(export, figure_kinds=figure_kinds))


def write_export(export: StudyExport, to: Path, *, figure_kinds: Sequence[FigureKind] = FIGURE_KINDS) -> list[Path]:
    """Write an export: one archive where `to` ends in .zip, else a folder of its files with the archive beside them.

    Returns:
        The paths written.
    """
    files = export_files(export, figure_kinds=figure_kinds)
    if to.suffix.lower() == ".zip":
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(zip_bytes(files))
        return [to]
    written = {to / name: content for name, content in files.items()}
    written[to / f"{export.facts.name}.zip"] = zip_bytes(files)
    for path, content in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(written)


def versions() -> dict[str, str]:
    """What computed the tables."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed as a package"
    return found


def _manifest(export: StudyExport, tables: Tables, files: Mapping[str, bytes]) -> dict[str, object]:
    main = tables["mos" if export.facts.mode == "rating" else "scale"][0]
    raters = set(export.frame["rater"])
    return {
        "format": FORMAT,
        "study": {
            **asdict(export.facts),
            "question": export.question,
            "seed": export.seed,
            "scenes": export.scenes,
            "methods": export.methods,
            "origin": export.origin,
        },
        "votes": {
            "votes": len(export.frame),
            "raters": len(raters),
            "simulated_raters": len(raters & export.simulated),
        },
        "analysis": asdict(export.analysis),
        "screening_rule": next(iter(main["screening"]), "none"),
        "versions": versions(),
        "files": {name: {"sha256": sha256(files[name]), "bytes": len(files[name])} for name in sorted(files)},
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def read_archive(path: Path) -> Archive:
    """Read an archive into memory.

    Raises:
        ValueError: `path` is no archive of this format; what is wrong is named.
    """
    files = unzip_files(path)
    try:
        manifest = json.loads(files.pop(MANIFEST))
        if manifest.get("format") != FORMAT:
            raise ValueError(f"{path} has the format {manifest.get('format')!r}; this program reads {FORMAT!r}")
        return Archive(files, manifest, _export_of(files, manifest))
    except KeyError as error:
        raise ValueError(f"{path} is no study archive: {error.args[0]} is missing") from error
    except (AttributeError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} is no study archive: its manifest cannot be read ({error})") from error


def _export_of(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> StudyExport:
    """The study with its votes, taken from the votes' file and the manifest alone."""
    study = dict(manifest["study"])
    parts = {name: study.pop(name) for name in ("question", "seed", "scenes", "methods", "origin")}
    facts = StudyFacts(**study)
    metrics = files.get(METRICS)
    return StudyExport(
        facts=facts,
        question=parts["question"],
        seed=parts["seed"],
        scenes=tuple(parts["scenes"]),
        methods=tuple(parts["methods"]),
        frame=read_votes_csv(files[VOTES], mode=facts.mode),
        analysis=Analysis(**manifest["analysis"]),
        metrics=None if metrics is None else read_metrics(metrics),
        origin=parts["origin"],
    )
