"""The demo page: a photo goes in, the same photo with a lens-like background comes out.

The page receives functions and knows no model. Layout lives here, words and looks in `static/`, what happens on an
event in `handlers`.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from demo.examples import Example, gallery_html
from demo.handlers import Handlers, Render
from demo.uploads import MAX_MEGAPIXELS

_STATIC = Path(__file__).parent / "static"
# All renderings share one queue slot: two at once would take twice the memory and finish no sooner.
_RENDERING = {"concurrency_id": "rendering", "concurrency_limit": 1, "trigger_mode": "once", "preprocess": False}
# What takes no time does not wait behind renderings.
_AT_ONCE = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
_WAITING_VISITORS = 20
_STAGE_HEIGHT_PIXELS = 540


@dataclass(frozen=True)
class Page:
    """The components that events read or write."""

    photo: gr.Image
    upload_stage: gr.Column
    result_stage: gr.Column
    comparison: gr.ImageSlider
    status: gr.HTML
    download: gr.DownloadButton
    another: gr.Button
    gallery: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What a rendering changes, in the order its handlers return it."""
        return [self.upload_stage, self.result_stage, self.comparison, self.status, self.download]


def demo_theme() -> gr.themes.Base:
    """Neutral greys and fonts that every machine has: nothing is fetched, nothing competes with the photo."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.neutral,
        neutral_hue=gr.themes.colors.neutral,
        font=["system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif"],
        font_mono=["ui-monospace", "Menlo", "Consolas", "monospace"],
    )


def demo_head() -> str:
    """Give what belongs into the page's head: description, looks, and pasting and dropping anywhere.

    The style sheet is written out here because Gradio's `css` rewrites selectors and loses rules inside @media.
    """
    return f"{_static('head.html')}<style>\n{_static('demo.css')}</style><script>\n{_static('anywhere.js')}</script>"


def build_demo(render: Render, *, examples: Sequence[Example], study_path: str | None = None) -> gr.Blocks:
    """Lay out the page and its `/render` endpoint around one rendering function.

    Args:
        render: Photo to photo of the same size, sRGB, uint8 [H, W, 3].
        examples: Photos to offer; may be empty.
        study_path: Where the rating study is served; None leaves its link out.
    """
    # Without Gradio's `delete_cache`: photo_cache deletes what is old.
    with gr.Blocks(title="BGGAN: bokeh from one photo", analytics_enabled=False) as demo:
        page = _lay_out(examples, study_path)
        handlers = Handlers(render, examples, Path(page.photo.GRADIO_CACHE))
        _connect(page, handlers)
        _offer_endpoint(page, handlers)
    demo.queue(max_size=_WAITING_VISITORS, api_open=False)
    return demo


def _lay_out(examples: Sequence[Example], study_path: str | None) -> Page:
    gr.HTML(
        _fragment("masthead.html", study_link=_study_link(study_path, "Rate renderings")),
        elem_id="masthead",
        apply_default_css=False,
    )
    with gr.Column(elem_id="upload-stage") as upload_stage:
        photo = _photo_input()
        gr.HTML(_fragment("privacy.html"), elem_id="privacy", apply_default_css=False)
    with gr.Column(elem_id="result-stage", visible=False) as result_stage:
        comparison = _comparison()
        with gr.Row(elem_id="toolbar"):
            status = gr.HTML(
                elem_id="status", apply_default_css=False, html_template='<div role="status">${value}</div>'
            )
            another = gr.Button("New photo", elem_id="another", min_width=0, scale=0)
            download = gr.DownloadButton(
                "Download", elem_id="download", variant="primary", interactive=False, min_width=0, scale=0
            )
    gallery = gr.HTML(
        _fragment("examples.html", gallery=gallery_html(examples)),
        elem_id="examples",
        apply_default_css=False,
        visible=bool(examples),
        js_on_load=_static("gallery.js"),
    )
    gr.HTML(
        _fragment("colophon.html", study_link=_study_link(study_path, "Take part in the study")),
        elem_id="colophon",
        apply_default_css=False,
    )
    return Page(photo, upload_stage, result_stage, comparison, status, download, another, gallery)


def _photo_input() -> gr.Image:
    photo = gr.Image(
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        height=_STAGE_HEIGHT_PIXELS,
        buttons=[],
        label="Photo",
        show_label=False,
        elem_id="photo",
        placeholder="# Drop a photo here\n\n"
        f"or click to choose one · JPEG, PNG, WebP or TIFF, up to {MAX_MEGAPIXELS} megapixels",
    )
    # Gradio downloads an address that stands in an upload's place, even for events without preprocessing. Set on the
    # instance: Gradio writes a .pyi file beside the source of every subclass.
    photo.async_move_resource_to_block_cache = partial(_keep_upload, photo.async_move_resource_to_block_cache)
    return photo


async def _keep_upload(keep: Callable[[Any], Awaitable[str | None]], resource: Any) -> str | None:
    """Let Gradio keep an uploaded file, and refuse what would make this server fetch something."""
    if "://" in str(resource):
        raise gr.Error("Addresses are not fetched. Please upload the photo itself.", print_exception=False)
    return await keep(resource)


def _comparison() -> gr.ImageSlider:
    return gr.ImageSlider(
        type="filepath",
        height=_STAGE_HEIGHT_PIXELS,
        max_height=_STAGE_HEIGHT_PIXELS,
        interactive=False,
        buttons=["fullscreen"],
        label="Before and after",
        show_label=False,
        elem_id="comparison",
    )


def _connect(page: Page, handlers: Handlers) -> None:
    shown: dict[str, Any] = {
        "outputs": page.outputs,
        "show_progress": "minimal",
        "show_progress_on": [page.photo, page.comparison],
        "api_visibility": "private",
        **_RENDERING,
    }
    # Not `validator=`: its refusal is shown over a broken picture and starts no `failure` event.
    # In the queue, since a refusal outside it is never shown, but in a lane of its own.
    checked = page.photo.upload(
        handlers.check_upload,
        page.photo,
        None,
        preprocess=False,
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    uploaded = checked.success(handlers.render_upload, page.photo, **shown)
    chosen = page.gallery.click(handlers.render_example, None, **shown)
    everything = [page.photo, *page.outputs]
    for event in (checked, uploaded, chosen):
        event.failure(handlers.clear, None, everything, **_AT_ONCE)
    page.another.click(handlers.clear, None, everything, **_AT_ONCE)


def _offer_endpoint(page: Page, handlers: Handlers) -> None:
    """Publish `/render` for programs: picture file in, full-resolution JPEG out."""
    gr.Button(visible=False).click(
        handlers.render_file,
        page.photo,
        page.download,
        api_name="render",
        api_description="Render one photo. Takes a picture file, returns a JPEG of the same pixel size.",
        show_progress="hidden",
        **_RENDERING,
    )


def _fragment(name: str, **parts: str) -> str:
    """Fill a piece of HTML from `static/`; parts are HTML already."""
    return _static(name).format(**parts)


def _static(name: str) -> str:
    return (_STATIC / name).read_text(encoding="utf-8")


def _study_link(study_path: str | None, words: str) -> str:
    return "" if study_path is None else f'<a href="{escape(study_path)}">{words}</a>'
