"""add-corpus writes three files or none, and remove-corpus brings back every byte."""

import csv
import shutil
from pathlib import Path

import pytest
import yaml

from speech_emotion import cli
from speech_emotion.clips import read_labels
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.files import NotWrittenError
from speech_emotion.own_voices import add, dag, sections
from stages import fetch, labels
from tests.own_corpus import CORPUS, LABELS, SPEAKERS, describe_own_corpus, write_own_corpus
from tests.pipeline import read_stages
from tests.published import ROOT, real_corpora
from tests.small_corpora import contents

TABLE = f"../corpora/{CORPUS}/clips.csv"
NEMO_LABELS = ("anger=angry", "fear=fearful", "happiness=happy", "sadness=sad")
# `split.speakers` in three forms.
FLOW = "{train: [ravdess/01], valid: [], test: []}"
BLOCK = """
    train:
      - ravdess/01
      - tess/OAF   # a voice
    valid:
    - ravdess/02
    test: []
  more: 1"""
LINES = """
    train: [ravdess/01,
      tess/OAF,  # a voice
      tess/YAF]
    valid: [ravdess/02]
    test: [ravdess/03]"""


@pytest.fixture
def nemo() -> Path:
    """Real Polish voices."""
    folder = real_corpora() / "nemo"
    if not (folder / "nemo.csv").exists():
        pytest.skip("needs nEMO below SPEECH_CORPORA: nemo/nemo.csv and its clips")
    return folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with the project's params.yaml and dvc.yaml, as the working directory; the corpus lies beside it."""
    write_own_corpus(tmp_path / "corpora")
    root = tmp_path / "project"
    (root / "data/manifests").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, root / name)
    monkeypatch.chdir(root)
    monkeypatch.delenv("SPEECH_CORPORA", raising=False)
    return root


def test_what_is_added_is_one_of_the_corpora_everywhere(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, params = read_stages(Path("dvc.yaml")), Path("params.yaml").read_text(encoding="utf-8")
    assert cli.main(["add-corpus", CORPUS, TABLE, *LABELS]) == 0
    assert "test: Anna B\n" in capsys.readouterr().out
    after = read_stages(Path("dvc.yaml"))
    new = {f"fetch@{CORPUS}", f"spectrograms@image-{CORPUS}", f"spectrograms@speech-{CORPUS}"}
    assert after.keys() == before.keys() | new
    for name, stage in before.items():
        # Where both are an input, so is the new corpus, in the command and in the dependencies.
        shared = {
            path for path in stage.deps if path.endswith("/tess") and path.replace("tess", "ravdess") in stage.deps
        }
        added = {path.replace("/tess", f"/{CORPUS}") for path in shared}
        assert set(after[name].deps) == {*stage.deps, *added}, name
        assert set(after[name].cmd.split()) == {*stage.cmd.split(), *added}, name

    written = Path("params.yaml").read_text(encoding="utf-8")
    assert [line for line in params.splitlines() if "#" in line and "tess/YAF" not in line] == [
        line for line in written.splitlines() if "#" in line
    ], "comments stay"
    told = yaml.safe_load(written)
    assert told["corpora"][CORPUS] == {"source": {"kind": "folder", "path": f"../corpora/{CORPUS}"}}
    assert told["labels"][CORPUS] == {"Wut": "angry", "freude": "happy", "neutral": "neutral", "ruhig": "calm"}
    listed = [name for part in told["split"]["speakers"].values() for name in part if name.startswith(CORPUS)]
    assert sorted(listed) == sorted(f"{CORPUS}/{speaker}" for speaker in SPEAKERS)
    assert (
        Path(f"data/manifests/{CORPUS}.csv").read_bytes()
        == describe_own_corpus(Path("../corpora"), project / "described").read_bytes()
    )


def test_removing_brings_back_every_byte(project: Path) -> None:
    before = contents(project)
    for name in (CORPUS, "mine"):
        assert cli.main(["add-corpus", name, TABLE, *LABELS]) == 0
    for name in (CORPUS, "mine"):  # in the order in which they came, not the reverse
        assert cli.main(["remove-corpus", name]) == 0
    assert contents(project) == before


@pytest.mark.parametrize("speakers", [FLOW, BLOCK, LINES], ids=["flow", "block", "lines"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n# the end\n"])
def test_sections_of_any_form_are_restored(speakers: str, end: str) -> None:
    text = (
        "# top\ncorpora:\n    tess:\n        source: {kind: folder}   # here\n    # more to come\n\n"
        f"labels:\n  tess:\n    {{ps: surprised}}\n  # none\nsplit:\n  speakers: {speakers}{end}"
    )
    parts = {"train": ["Jörg", "x: y", "1"], "valid": ["#3"], "test": ["no"]}
    added = sections.with_sections(text, "mine", {"kind": "folder", "path": "a b"}, {"no": "sad", "1": "calm"}, parts)
    told, was = yaml.safe_load(added), yaml.safe_load(text)
    assert told["labels"]["mine"] == {"no": "sad", "1": "calm"}
    for part, names in parts.items():
        assert told["split"]["speakers"][part] == was["split"]["speakers"][part] + [f"mine/{name}" for name in names]
    assert sections.without_sections(added, "mine") == text


@pytest.mark.parametrize("name", ["ravdess", "nemo", "accuracy", "Mine", "my-voices", "../mine", "", "1st"])
def test_names_that_would_collide_are_refused(project: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(project)
    assert cli.main(["add-corpus", name, TABLE, *LABELS]) == 2
    assert "take small letters, digits and _, such as my_voices" in capsys.readouterr().err
    assert contents(project) == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add-corpus", "mine", TABLE], "3 label words are none of the eight emotions; map them with --label"),
        (["add-corpus", CORPUS, TABLE, *LABELS], "dvc.yaml: has szene already; take another name"),
        (["remove-corpus", "mine"], "mine: is no corpus of this project (added ones: szene)"),
        (["remove-corpus", "tess"], "tess: comes with the project; edit params.yaml and dvc.yaml to leave it out"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    project: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["add-corpus", CORPUS, TABLE, *LABELS]) == 0
    if arguments[0] == "add-corpus" and arguments[1] == CORPUS:
        params = Path("params.yaml")
        params.write_text(sections.without_sections(params.read_text(encoding="utf-8"), CORPUS), encoding="utf-8")
    before = contents(project)
    assert cli.main(arguments) == 2
    assert says in capsys.readouterr().err
    assert contents(project) == before


def test_an_error_between_the_files_leaves_all_as_they_were(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = contents(project)

    def full(path: Path):  # type: ignore[no-untyped-def]
        if path == add.DVC:
            raise NotWrittenError("dvc.yaml: cannot be written")
        return replacing(path)

    replacing = add.replacing
    monkeypatch.setattr(add, "replacing", full)
    assert cli.main(["add-corpus", CORPUS, TABLE, *LABELS]) == 2
    assert contents(project) == before


def test_a_dag_of_another_form_is_refused() -> None:
    text = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    with pytest.raises(PipelineError, match=r"names tess in a form that mine cannot be added to; see docs/own_voices"):
        dag.with_corpus(text.replace("- data/raw/tess\n", '- "data/raw/tess"\n', 1), "mine")
    with pytest.raises(PipelineError, match="has no stage `fetch` with a list of corpora"):
        dag.with_corpus("stages: {}\n", "mine")
    with pytest.raises(PipelineError, match="tess is its only corpus"):
        dag.without_corpus(dag.without_corpus(text, "ravdess"), "tess")


def test_real_polish_voices_go_from_their_table_to_labels(nemo: Path, project: Path) -> None:
    with (nemo / "nemo.csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["speaker"] in ("EB0", "KS0", "WR0")]
    first = {(row["speaker"], row["emotion"]): row for row in reversed(rows)}
    for row in first.values():
        (target := project.parent / "corpora/polish" / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(nemo / row["path"], target)
    table = project.parent / "corpora/polish/polski.csv"
    with table.open("w", encoding="utf-8-sig", newline="") as lines:  # as a Polish Excel saves it
        writer = csv.writer(lines, delimiter=";")
        writer.writerow(rows[0])
        writer.writerows(row.values() for row in first.values())

    words = [text for pair in NEMO_LABELS for text in ("--label", pair)]
    assert cli.main(["check-corpus", str(table)]) == 1
    assert cli.main(["check-corpus", str(table), *words]) == 0
    assert cli.main(["add-corpus", "polish", str(table), *words]) == 0
    fetch.main(["polish", "data/manifests/polish.csv", "raw/polish"])
    labels.main(["raw/polish", "labels.csv"])
    found = read_labels(Path("labels.csv"))
    assert found["emotion"].value_counts().to_dict() == dict.fromkeys(
        ("neutral", "happy", "sad", "angry", "fearful", "surprised"), 3
    )
    assert found.set_index("clip").loc[found["clip"].iloc[0], "text"] == first["EB0", "anger"]["text"]
    assert set(found["speaker"]) == {"polish/EB0", "polish/KS0", "polish/WR0"}
