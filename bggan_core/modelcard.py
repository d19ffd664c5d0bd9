"""The model card of a network, written from its manifest so that the two never disagree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from bggan_core.data.corpus import CorpusEntry
from bggan_core.evaluation.estimates import Estimate

CURVES_NAME = "training-curves.png"


def write_model_card(manifest: Mapping[str, Any], photos: Sequence[CorpusEntry]) -> str:
    """Describe a published network in Markdown, with the front matter that model hubs read.

    Args:
        manifest: As `publish_weights` wrote it, with the record of `scripts/export_model.py`.
        photos: The photos trained on.
    """
    return f"""---
license: apache-2.0
library_name: tflite
pipeline_tag: image-to-image
tags: [bokeh, depth-of-field, glass-net, tflite]
---
# Glass-Net ({manifest["config"]["name"]})

Renders the bokeh of a wide aperture from one photo in which everything is sharp. The generator of *BGGAN: Bokeh-Glass
Generative Adversarial Network for Rendering Realistic Bokeh* (Qian et al., ECCVW 2020), trained by this repository.

{_facts_table(manifest)}

## Quality

{manifest["evaluation"]}
{_quality(manifest)}

{_choice(manifest)}## Training

![Losses of the last run, step by step]({CURVES_NAME})

`docs/renderings` of the repository has pictures by the network it ships, its failures among them.

## Data

{len(photos):,} photos, each listed with source, licence and attribution in `training-photos.csv`. By licence:

{_licence_table(photos)}

{manifest["data_notes"]}

{_LIMITS}"""


_LIMITS = """## Limits

- It has no control input: one strength, and it decides alone what the subject is.
- It softens subjects that resemble their background and leaves parts of complex scenes sharp; the paper names both
  (sec. 4).
- Hair, fences and other thin structures may be blurred with what lies behind them.
- How well it serves people of different looks, and subjects the training photos lack, is not measured.
"""

_OUTPUT = {
    "direct": "direct: the second stage's tanh, as in the paper",
    "residual": "residual: rough result plus the second stage's correction (the paper's is direct)",
}


def _facts_table(manifest: Mapping[str, Any]) -> str:
    """Tell what the network is and what it was trained on, run by run."""
    network, training = manifest["config"]["network"], manifest["training"]
    return f"""| | |
|---|---|
| File | `{manifest["file"]}`, {manifest["bytes"] / 1e6:.1f} MB, float16 weights, any size and orientation |
| SHA-256 | `{manifest["sha256"]}` |
| Parameters | {manifest["parameters"]:,} |
| Channels | {network["stage1_channels"]} in stage 1, {network["stage2_channels"]} in stage 2 |
| Residual blocks | {network["residual_blocks"]} a stage |
| Output | {_OUTPUT[network["output"]]} |
| Trained | {_stages(training)} |
{_training_rows(training)}
| Largest difference to Keras | {manifest["parity_with_keras"]["max_abs_difference"]:.4f} on [-1, 1] |
| Size the network sees | about {manifest["working_pixels"]:,} pixels; detail is carried over to full size |"""


def _quality(manifest: Mapping[str, Any]) -> str:
    """Say what the scored pairs are, and how to print the table again where that is known."""
    pairs = {
        "synthetic": "These are pairs made by optics from held-out photos, not photographs of a real lens; they say "
        "how well the network\nlearned its training task.",
        "photographed": "These are photographed pairs that the network never trained on.",
    }[manifest["evaluation_pairs"]]
    if command := manifest["evaluation_command"]:
        return f"{pairs} Reprint: `{command}`."
    return f"{pairs} No named configuration draws them; the recipe in `manifest.json` does, without its variety."


def _choice(manifest: Mapping[str, Any]) -> str:
    """Tell by which rule the size was chosen among which, where there was a choice."""
    if not (choice := manifest.get("choice")):
        return ""
    rows = "\n".join(
        f"| {each['working_pixels']:,}{' (chosen)' if each['working_pixels'] == choice['chosen'] else ''} | "
        f"{Estimate(**each['fitted_gain_db']).format(2)} | {each['time_ratio']:.2f} |"
        for each in choice["candidates"]
    )
    return f"""## Working size

Chosen: {choice["rule"]}. On {choice["pairs"]}.

| Pixels the network sees | PSNR over the photo, both fitted (dB) | Time for a photo, ratio to the smallest size's |
|---|---|---|
{rows}

"""


def _stages(training: Sequence[Mapping[str, Any]]) -> str:
    """Say which losses the weights have seen, in the order of the runs' history; guidance is that of all of stage A."""
    # Runs of stage A that record a feature network, or that there was none, were guided.
    guided = [run for run in training if run.get("stage") == "a" and "perceptual" in run]
    first = f"stage A (L1 and SSIM{_guidance(guided)})"
    seen = [said for said, _ in groupby(_refinement(run) if run.get("stage") == "b" else first for run in training)]
    if seen == [first]:
        return f"{first} only; no critics and no perceptual loss"
    return ", then ".join(
        "stage A again" if said == first and first in seen[:place] else said for place, said in enumerate(seen)
    )


def _refinement(run: Mapping[str, Any]) -> str:
    """Describe a run of stage B."""
    critics, features = run.get("critics"), run.get("perceptual")
    adversarial = f"critics of {' and '.join(map(str, critics))} layers" if critics else "no critics"
    perceptual = f"perceptual loss in {features['network']} {features['layer']}" if features else "no perceptual loss"
    return f"stage B ({adversarial}, {perceptual}{_guidance([run] if 'guidance' in run else [])})"


def _guidance(guided: Sequence[Mapping[str, Any]]) -> str:
    """Say what guided these runs."""
    if not guided:
        return ""
    # What an older run does not record; whether it imitated features, its feature network tells.
    weights = [run.get("guidance", {"focus": 1.0, "features": 1.0, "defocus": 0.0}) for run in guided]
    teachers = dict.fromkeys(
        run["perceptual"]["network"]
        for run, weight in zip(guided, weights, strict=True)
        if run["perceptual"] and weight["features"]
    )
    guides = [
        *(["the detail the lens kept"] if any(weight["focus"] for weight in weights) else []),
        *(f"features of {teacher}" for teacher in teachers),
        *(["the optics' defocus"] if any(weight["defocus"] for weight in weights) else []),
    ]
    return ", guided by " + " and by ".join(guides)


def _training_rows(training: Sequence[Mapping[str, Any]]) -> str:
    """One table row for each run in the network's history, oldest first."""
    return "\n".join(
        f"| Run `{run['config']}` | {run['steps']:,} steps, {run['samples']:,} samples, {run['hours']:.2f} h"
        f"{_averaging(run)} |"
        for run in training
    )


def _averaging(run: Mapping[str, Any]) -> str:
    """Say that a run's weights were averaged with those it started from; nothing otherwise."""
    if sha256 := run.get("mean_with"):
        return f"; then averaged with what it started from (SHA-256 `{sha256[:12]}`)"
    return ""


def _licence_table(photos: Sequence[CorpusEntry]) -> str:
    counts = Counter(photo.licence for photo in photos).most_common()
    return "\n".join(["| Licence | Photos |", "|---|---|", *(f"| {licence} | {n} |" for licence, n in counts)])
