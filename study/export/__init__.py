"""Exports of a study: tables and figures as files, archives that reproduce, imports, and publishing."""

from study.export.archive import Archive, archive_bytes, read_archive, write_export
from study.export.contents import StudyExport, build_tables
from study.export.importing import ScaleEnds, read_votes_file
from study.export.metrics_file import read_metrics
from study.export.publishing import Publication, prepare_publication, publish
from study.export.reproduction import Reproduction, reproduce
from study.export.stored import stored_study

__all__ = [
    "Archive",
    "Publication",
    "Reproduction",
    "ScaleEnds",
    "StudyExport",
    "archive_bytes",
    "build_tables",
    "prepare_publication",
    "publish",
    "read_archive",
    "read_metrics",
    "read_votes_file",
    "reproduce",
    "stored_study",
    "write_export",
]
