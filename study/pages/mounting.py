"""Gradio pages as parts of our application."""

from typing import Any

import gradio as gr
from fastapi import FastAPI


def mount_quietly(app: FastAPI, page: gr.Blocks, *, path: str, **settings: Any) -> None:
    """Serve a page at a path, with every Gradio default turned off that keeps, sends or opens something.

    Args:
        settings: What else `gradio.mount_gradio_app` takes.
    """
    gr.mount_gradio_app(
        app,
        page,
        path=path,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        **settings,
    )
