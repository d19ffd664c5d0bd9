"""The study's pages: the only part of the study that knows Gradio."""

from study.pages.rater import build_rater_page, mount_study

__all__ = ["build_rater_page", "mount_study"]
