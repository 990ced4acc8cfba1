"""A third corpus, with names and label words of its own, goes from its table to scores, comparison, card, pictures."""

import json
from pathlib import Path

import pandas as pd
import pytest

from speech_emotion import cli
from speech_emotion.clips import read_labels, read_split
from speech_emotion.core import params
from speech_emotion.shards import read_shard
from stages import evaluate, fetch, finetune, labels, spectrograms, split
from tests.own_corpus import CLIPS, CORPUS, LABELS, SPEAKERS, WORDS, write_own_corpus
from tests.pipeline import read_stages
from tests.workspace import Workspace
from tools.report import write

MAINS = {module.__name__.partition(".")[2]: module.main for module in (
    evaluate, fetch, finetune, labels, spectrograms, split
)}  # fmt: skip
TRAINING = ("finetune@image_low", "finetune@image_high", "evaluate@image")


@pytest.fixture
def third_corpus(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace to which a corpus was added and is committed, as the working directory."""
    write_own_corpus(workspace.corpora)
    monkeypatch.chdir(workspace.root)
    monkeypatch.delenv("SPEECH_CORPORA", raising=False)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    monkeypatch.setattr(params, "_READ", {})
    assert cli.main(["add-corpus", CORPUS, f"../corpora/{CORPUS}/clips.csv", *LABELS]) == 0
    return workspace


def test_a_third_corpus_goes_from_fetch_to_scores_comparison_card_and_pictures(
    third_corpus: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    # The commands that `dvc repro evaluate@image` runs, in this process: importing fastai five times takes a minute.
    stages = read_stages(Path("dvc.yaml"))
    for name in (f"fetch@{CORPUS}", "labels", "split", f"spectrograms@image-{CORPUS}", *TRAINING):
        MAINS[name.partition("@")[0]](stages[name].cmd.split()[3:])

    table = read_labels(Path("data/labels.csv"))
    own = table[table["corpus"] == CORPUS]
    assert own["emotion"].value_counts().to_dict() == dict.fromkeys(WORDS.values(), 2 * len(SPEAKERS))
    assert own.iloc[0].to_dict() == {
        "clip": "szene/men/Jörg/Wut.1",
        "corpus": CORPUS,
        "path": "men/Jörg/Wut.1.wav",
        "speaker": "szene/Jörg",
        "sex": "male",
        "emotion": "angry",
        "source_emotion": "Wut",
        "intensity": "",
        "text": "Satz 1",
        "duration_s": 0.5,
        "duplicate_of": "",
    }
    clips = read_split(Path("data/split.csv"))
    parts = clips[clips["corpus"] == CORPUS].groupby("speaker")["part"].unique()
    assert {speaker: list(its) for speaker, its in parts.items()} == {
        "szene/Anna B": ["test"], "szene/Jörg": ["valid"], "szene/mira": ["train"], "szene/tom": ["train"]
    }  # fmt: skip
    shards = {path.stem: read_shard(path) for path in Path(f"data/spectrograms/image/{CORPUS}").iterdir()}
    assert shards.keys() == SPEAKERS.keys()
    assert sum(len(shard.mels) for shard in shards.values()) == CLIPS

    scores = json.loads(Path("metrics/image/metrics.json").read_text(encoding="utf-8"))
    assert scores[CORPUS]["clips"] == CLIPS / len(SPEAKERS)
    predictions = pd.read_csv("metrics/image/predictions.csv")
    assert set(predictions.loc[predictions["corpus"] == CORPUS, "speaker"]) == {"szene/Anna B"}
    assert {path.name for path in Path("data/pictures/image").iterdir()} == {"mean_spectrograms.png", "mistakes.png"}

    third_corpus.commit()
    capsys.readouterr()
    assert cli.main(["compare", "HEAD", "--encoder", "image", "--md"]) == 0
    assert f"{CORPUS}: {CLIPS // len(SPEAKERS)} clips" in capsys.readouterr().out
    card = write.pages()[write.MODEL_CARD]
    assert "ravdess's speakers 04 and szene's speakers Anna B and tess's speakers YAF" in card
    assert f"| image, {CORPUS} | " in card
    assert f"| {CORPUS} | {CLIPS} | {len(SPEAKERS)} voices | see its own licence before you share" in card
    assert cli.main(["export-images", "pictures", "--corpus", CORPUS]) == 0
    assert len(list(Path("pictures").glob("*/szene_*.png"))) == CLIPS
    assert "szene: see its own licence" in Path("pictures/README.txt").read_text(encoding="utf-8")


def test_what_was_added_can_be_taken_out(third_corpus: Workspace) -> None:
    assert third_corpus.git("status", "--porcelain").split() == [
        "M", "dvc.yaml", "M", "params.yaml", "??", f"data/manifests/{CORPUS}.csv"
    ]  # fmt: skip
    new = {f"fetch@{CORPUS}", f"spectrograms@image-{CORPUS}", f"spectrograms@speech-{CORPUS}"}
    assert new < set(third_corpus.dvc("stage", "list", "--name-only").split())
    assert cli.main(["remove-corpus", CORPUS]) == 0
    assert third_corpus.git("status", "--porcelain") == ""
