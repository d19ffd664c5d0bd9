"""The model card says which losses a network has seen."""

import pytest

from bggan_core.modelcard import write_model_card

NETWORK = {"stage1_channels": 1, "stage2_channels": 1, "residual_blocks": 1, "output": "residual"}
RUN = {"config": "tiny", "stage": "a", "steps": 1, "samples": 1, "hours": 0.1}
TEACHER = {"network": "vgg16-hed", "layer": "relu5_3"}
REFINED = {**RUN, "stage": "b", "critics": [3, 5], "perceptual": TEACHER}


@pytest.mark.parametrize(
    ("training", "said"),
    [
        ([RUN], "stage A (L1 and SSIM) only; no critics and no perceptual loss"),
        (
            [RUN, {**RUN, "perceptual": None}],
            "stage A (L1 and SSIM, guided by the detail the lens kept) only; no critics and no perceptual loss",
        ),
        (
            [{**RUN, "perceptual": TEACHER}, {**RUN, "perceptual": TEACHER}, REFINED],
            "stage A (L1 and SSIM, guided by the detail the lens kept and by features of vgg16-hed), then stage B "
            "(critics of 3 and 5 layers, perceptual loss in vgg16-hed relu5_3)",
        ),
        (
            [
                {**RUN, "perceptual": TEACHER},
                {**REFINED, "guidance": {"focus": 0.1, "features": 0.0, "defocus": 0.1}, "perceptual": None},
                REFINED,
            ],
            "stage A (L1 and SSIM, guided by the detail the lens kept and by features of vgg16-hed), then stage B "
            "(critics of 3 and 5 layers, no perceptual loss, guided by the detail the lens kept and by the optics' "
            "defocus), then stage B (critics of 3 and 5 layers, perceptual loss in vgg16-hed relu5_3)",
        ),
        (
            [RUN, REFINED, REFINED],
            "stage A (L1 and SSIM), then stage B (critics of 3 and 5 layers, perceptual loss in vgg16-hed relu5_3)",
        ),
        (
            [RUN, REFINED, RUN, RUN],
            "stage A (L1 and SSIM), then stage B (critics of 3 and 5 layers, perceptual loss in vgg16-hed relu5_3), "
            "then stage A again",
        ),
        (
            [{**RUN, "perceptual": None, "guidance": {"focus": 0.0, "features": 0.0, "defocus": 0.1}}],
            "stage A (L1 and SSIM, guided by the optics' defocus) only; no critics and no perceptual loss",
        ),
        (
            [
                {**RUN, "perceptual": TEACHER},
                {**RUN, "perceptual": TEACHER, "guidance": {"focus": 0.1, "features": 0.1, "defocus": 0.1}},
            ],
            "stage A (L1 and SSIM, guided by the detail the lens kept and by features of vgg16-hed and by the optics' "
            "defocus) only; no critics and no perceptual loss",
        ),
    ],
)
def test_the_card_names_every_loss_the_weights_have_seen(training, said):
    assert f"| Trained | {said} |" in write_model_card(_manifest(training=training), []).splitlines()


def test_the_card_names_the_run_whose_weights_were_averaged_with_those_it_started_from():
    card = write_model_card(_manifest(training=[RUN, {**RUN, "config": "longer", "mean_with": "ab" * 32}]), [])
    rows = [line for line in card.splitlines() if line.startswith("| Run ")]
    assert ["then averaged" in row for row in rows] == [False, True]
    assert f"(SHA-256 `{'ab' * 6}`)" in rows[1]


def test_the_card_says_of_which_kind_the_scored_pairs_are_and_how_to_print_the_table_again():
    """Whatever the network was trained on: a corpus network may be scored on photographs, and the reverse."""
    command = "python scripts/evaluate.py --pairs FOLDER"
    photographed = write_model_card(_manifest(evaluation_pairs="photographed", evaluation_command=command), [])
    synthetic = write_model_card(_manifest(evaluation_pairs="synthetic", evaluation_command=None), [])
    assert "These are photographed pairs" in photographed
    assert f"Reprint: `{command}`." in photographed
    assert "not photographs of a real lens" in synthetic
    assert "Reprint" not in synthetic
    assert "No named configuration draws them" in synthetic


def _manifest(**fields):
    return {
        "config": {"name": "tiny", "network": NETWORK},
        "training": [RUN],
        "file": "glassnet.tflite",
        "bytes": 1,
        "sha256": "0",
        "parameters": 1,
        "parity_with_keras": {"max_abs_difference": 0.0},
        "working_pixels": 1,
        "evaluation": "",
        "evaluation_pairs": "synthetic",
        "evaluation_command": None,
        "data_notes": "",
        **fields,
    }
