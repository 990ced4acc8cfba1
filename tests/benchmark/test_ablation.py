"""The ablation: what its rows change, what its table says."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.ablation.page import read_row, to_markdown
from benchmark.answers import ADAPTED, LAST, Answers, answer_rows, write_answers
from benchmark.recipe import BACKBONE, SPECTROGRAMS, TRAININGS, merged, read_changes, read_trainings, starting_weights
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_section, to_settings
from speech_emotion.encoders import protocol
from speech_emotion.model.weights import load_tensors
from tests.trainings import PARAMS
from tests.workspace import ROOT

ROWS = {
    (encoder, row): ROOT / f"benchmark/ablation/{encoder}.yaml"
    for encoder in TRAININGS
    for row in read_section(ROOT / f"benchmark/ablation/{encoder}.yaml", f"{encoder}.rows")
}
IMAGE = ROOT / "benchmark/ablation/image.yaml"


@pytest.mark.parametrize(("encoder", "row"), ROWS)
def test_every_row_but_the_first_changes_something_that_is_there(encoder: str, row: str) -> None:
    def settings(name: str) -> list[object]:
        changes = read_changes(ROWS[encoder, row], encoder, name)
        sections = {
            BACKBONE: protocol.pretrained(encoder).BackboneSettings,
            SPECTROGRAMS: protocol.settings(encoder).FrontendSettings,
        }
        changed = [
            to_settings(merged(read_section(PARAMS, f"{encoder}.{one}"), changes.get(one, {})), kind, one)
            for one, kind in sections.items()
        ]
        return [read_trainings(PARAMS, encoder, changes, seed=0), *changed]

    assert (settings(row) == settings("base")) == (row == "base")


def test_rows_that_say_so_are_as_long_as_the_recipe() -> None:
    recipe = read_trainings(PARAMS, "image", {}, seed=3)
    assert read_trainings(PARAMS, "image", read_changes(IMAGE, "image", "then_high"), seed=3) == recipe
    rows = [
        read_trainings(PARAMS, "image", read_changes(IMAGE, "image", row), seed=3) for row in ("base", "thrice_as_long")
    ]
    assert rows[1] == {"low": recipe["low"]}
    assert 3 * rows[0]["low"].epochs == recipe["low"].epochs
    assert recipe["low"].seed == 3


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ("{low: {mixupp: 0.2}}", "mixupp"),
        ("{training: {augment: {flip: 1}}}", "flip"),
        ("{low: {batch_size: 1}}", "batch_size is 1"),
        ("{middle: {epochs: 1}}", "row 'mine' changes 'middle'; it can change backbone, high, low"),
    ],
)
def test_a_change_that_cannot_be_is_refused(tmp_path: Path, changes: str, complaint: str) -> None:
    rows = tmp_path / "rows.yaml"
    rows.write_text(f"image: {{base: {{}}, rows: {{mine: {changes}}}}}\n")
    with pytest.raises(PipelineError, match=complaint):
        read_trainings(PARAMS, "image", read_changes(rows, "image", "mine"), seed=0)


def test_an_unknown_row_is_refused() -> None:
    with pytest.raises(PipelineError, match=r"has no section 'image\.rows\.mix'"):
        read_changes(IMAGE, "image", "mix")


def test_a_row_of_another_backbone_starts_from_its_own_weights(tmp_path: Path) -> None:
    usual = tmp_path / "pretrained.safetensors"
    assert starting_weights(PARAMS, "image", {}, usual, tmp_path) == usual
    changes = {"backbone": {"name": "test_efficientnet", "weights": "none"}}
    (tmp_path / "own").mkdir()
    _, described = load_tensors(starting_weights(PARAMS, "image", changes, usual, tmp_path / "own"))
    assert '"name": "test_efficientnet"' in described


def answers(skill: float, seed: int, clips: int = 80) -> Answers:
    """Answers for clips of five actors of the seed: noise, and a skill on the actual emotion."""
    emotions = [EMOTIONS[place % 8] for place in range(clips)]
    speakers = [f"ravdess/{5 * seed + place // 16:02d}" for place in range(clips)]
    right = np.eye(8)[[EMOTIONS.index(emotion) for emotion in emotions]]
    logits = np.random.default_rng(seed).normal(size=right.shape) + skill * right
    table = pd.DataFrame({"emotion": emotions, "speaker": speakers}).assign(corpus="ravdess", part="test")
    table["clip"] = [f"{seed}-{place}" for place in range(clips)]
    rows = [answer_rows(table, track, logits) for track in (LAST, ADAPTED)]
    return Answers(pd.concat(rows), pd.DataFrame(columns=["clip", "enrolled", "draw", "predicted"]))


def line(page: str, name: str) -> list[str]:
    [found] = [line for line in page.splitlines() if line.startswith(f"| {name} |")]
    return [cell.strip() for cell in found.split("|")[1:-1]]


def test_the_table_tells_a_better_lever_from_one_that_does_nothing(tmp_path: Path) -> None:
    rows = {}
    for name, skill, seeds in (("first", 1, (0, 1)), ("better", 3, (0, 1)), ("same", 1, (0, 1)), ("half", 1, (1,))):
        for seed in seeds:
            write_answers(tmp_path / name / str(seed), answers(skill, seed), {})
        rows[name] = read_row(tmp_path / name)
    page = to_markdown("image", "All are short.", rows)
    assert "the 10 actors" in page
    assert "All are short." in page
    assert line(page, "first")[4:6] == ["", ""]
    gain, low, high = (float(figure) for figure in re.findall(r"-?[\d.]+", line(page, "better")[4]))
    assert 20 < low < gain < high
    uars = [float(line(page, name)[3].split()[0]) for name in ("better", "first")]
    assert gain == pytest.approx(uars[0] - uars[1], abs=0.11)
    assert [figure[0] for figure in line(page, "better")[5].split(", ")] == ["+", "+"]
    assert line(page, "same")[4:6] == ["0.0 (0.0 to 0.0)", "+0.0, +0.0"]
    assert [line(page, "half")[place] for place in (1, 4, 5)] == ["1", "0.0 (0.0 to 0.0)", "+0.0"]
    with pytest.raises(PipelineError, match="none: holds no answers"):
        read_row(tmp_path / "none")
