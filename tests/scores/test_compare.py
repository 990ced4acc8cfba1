"""The command `compare`: what it compares, prints and refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from speech_emotion import cli
from speech_emotion.clips import EMOTIONS
from speech_emotion.core.files import write_csv, write_text
from speech_emotion.scores.metrics import metrics, to_json
from tests.evaluations import make_clips, make_evaluation

ROOT = Path(__file__).resolve().parents[2]


def git(folder, *arguments):
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def write_results(folder, evaluation, encoder="image"):
    write_text(folder / "metrics" / encoder / "metrics.json", to_json(metrics(evaluation)))
    write_csv(folder / "metrics" / encoder / "predictions.csv", evaluation.predictions())


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """Branch main with a middling model, branch better with a good one, as committed results. Change copies only."""
    clips, folder = make_clips(actors=8), tmp_path_factory.mktemp("committed")
    git(folder, "init", "-b", "main")
    for branch, skill in (("main", 1.5), ("better", 3.0)):
        if branch != "main":
            git(folder, "switch", "-c", branch)
        write_results(folder, make_evaluation(clips, skill=skill))
        git(folder, "add", "metrics")
        git(folder, "commit", "-m", f"Results of {branch}")
    return folder


@pytest.fixture
def repository(committed, tmp_path, monkeypatch):
    shutil.copytree(committed, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(capsys, *arguments):
    assert cli.main(["compare", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)["image"]


def test_a_branch_is_compared_with_main(repository, capsys):
    found = compared(capsys)
    assert (found["before"], found["after"], found["verdict"]) == ("main", "working tree", "better")
    (group,) = found["groups"]
    assert (group["name"], group["clips"], group["over"]) == ("all", 480, {"ravdess": "8 speakers"})
    assert [row["score"] for row in group["differences"]] == [
        "UAR", "accuracy", "macro F1", *(f"recall of {emotion}" for emotion in EMOTIONS),
    ]  # fmt: skip
    before, after = (json.loads(show(branch)) for branch in ("main", "better"))
    uar = group["differences"][0]
    assert uar["before"] == pytest.approx(100 * before["uar"], abs=0.01)
    assert uar["after"] == pytest.approx(100 * after["uar"], abs=0.01)
    assert uar["points"] == pytest.approx(uar["after"] - uar["before"], abs=0.011)
    assert 0 < uar["low"] < uar["points"] < uar["high"]


def show(branch):
    command = ["git", "show", f"{branch}:metrics/image/metrics.json"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_main_is_compared_with_its_last_commit(repository, capsys):
    git(repository, "switch", "main")
    found = compared(capsys)
    assert (found["before"], found["verdict"]) == ("HEAD", "no difference shown")
    assert all(row["points"] == row["low"] == row["high"] == 0 for row in found["groups"][0]["differences"])


def test_a_clone_without_a_main_of_its_own_uses_the_remote_one(repository, tmp_path_factory, monkeypatch, capsys):
    clone = tmp_path_factory.mktemp("clone") / "clone"
    git(repository, "clone", "--branch", "better", str(repository), str(clone))
    monkeypatch.chdir(clone)
    assert compared(capsys)["before"] == "origin/main"


def test_any_revision_can_be_named(repository, capsys):
    git(repository, "tag", "v1", "main")
    assert compared(capsys, "v1")["verdict"] == "better"
    git(repository, "switch", "main")
    assert compared(capsys, "better")["verdict"] == "worse"


def test_a_project_below_the_root_of_its_repository(repository, monkeypatch, capsys):
    inner = repository / "team/emotions"
    write_results(inner, make_evaluation(make_clips(actors=8), skill=2.0))
    git(repository, "add", "team")
    git(repository, "commit", "-m", "A project in a folder")
    monkeypatch.chdir(inner)
    assert compared(capsys, "HEAD")["verdict"] == "no difference shown"


@pytest.mark.parametrize(("limit", "code"), [("0", 1), ("1.0", 1), ("80", 0)])
def test_a_fall_beyond_the_limit_fails(repository, capsys, limit, code):
    git(repository, "switch", "main")
    assert cli.main(["compare", "better", "--fail-if-worse", limit]) == code
    assert ("worse: image's UAR fell by" in capsys.readouterr().err) == bool(code)


def test_a_rise_and_a_fall_of_the_limit_itself_pass(repository, capsys):
    assert cli.main(["compare", "main", "--fail-if-worse", "0"]) == 0
    assert cli.main(["compare", "better", "--fail-if-worse", "0"]) == 0
    git(repository, "switch", "main")
    capsys.readouterr()
    fall = -compared(capsys, "better")["groups"][0]["differences"][0]["points"]
    assert cli.main(["compare", "better", "--fail-if-worse", f"{fall + 0.01}"]) == 0
    assert cli.main(["compare", "better", "--fail-if-worse", f"{fall - 0.01}"]) == 1


@pytest.mark.parametrize("limit", ["-1", "nan", "much"])
def test_a_limit_that_is_none_is_a_usage_error(repository, capsys, limit):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["compare", f"--fail-if-worse={limit}"])
    assert stopped.value.code == 2
    assert "--fail-if-worse" in capsys.readouterr().err


def damage_predictions(repository):
    (repository / "metrics/image/predictions.csv").write_text("clip\nravdess/03-01-01-01-01-01-24\n")


def damage_metrics(repository):
    (repository / "metrics/image/metrics.json").write_text("{")


def mix_runs(repository):
    write_csv(
        repository / "metrics/image/predictions.csv", make_evaluation(make_clips(actors=8), skill=0.1).predictions()
    )


def repeat_a_clip(repository):
    path = repository / "metrics/image/predictions.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")


def leave_repository(repository):
    (repository / ".git").rename(repository / "elsewhere")


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (None, ["nowhere"], "nowhere: is no revision here"),
        (None, ["--", "--output=x"], "--output=x: is no revision here"),
        (lambda root: (root / "metrics/image/metrics.json").unlink(), [], "metrics/image/metrics.json: cannot be read"),
        (damage_predictions, [], "working tree: metrics/image/predictions.csv: has no column corpus, speaker, sex"),
        (damage_metrics, [], "working tree: metrics/image: metrics.json or predictions.csv is damaged"),
        (None, ["--encoder", "absent"], "main: has no metrics/absent/metrics.json"),
        (mix_runs, [], "they are of two runs"),
        (repeat_a_clip, [], "metrics/image/predictions.csv: has ravdess/"),
        (leave_repository, [], "not a git repository"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line_and_exit_code_2(repository, capsys, spoil, arguments, message):
    if spoil:
        spoil(repository)
    assert cli.main(["compare", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


def test_a_revision_without_results_says_so(repository, capsys):
    git(repository, "switch", "--orphan", "empty")
    git(repository, "commit", "--allow-empty", "-m", "Nothing yet")
    git(repository, "checkout", "better", "--", "metrics")
    assert cli.main(["compare", "empty"]) == 2
    assert "empty: has no metrics/ENCODER/predictions.csv of image; compare with" in capsys.readouterr().err


def test_results_of_an_older_layout_are_one_clear_line(repository, capsys):
    git(repository, "switch", "main")
    path = repository / "metrics/image/predictions.csv"
    table = pd.read_csv(path)
    write_csv(path, table[["clip", "actual", "predicted", "confidence"]])
    git(repository, "commit", "-am", "As it was")
    git(repository, "switch", "better")
    assert cli.main(["compare"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "error: main: metrics/image/predictions.csv: has no column corpus, speaker, sex, intensity; "
    )
    assert error.count("\n") == 1


def test_every_encoder_that_both_sides_have_is_compared_or_the_one_that_is_named(repository, capsys):
    clips = make_clips(actors=8)
    git(repository, "switch", "main")
    write_results(repository, make_evaluation(clips, skill=3.0), "other")
    git(repository, "add", "metrics")
    git(repository, "commit", "-m", "A second encoder")
    git(repository, "switch", "better")
    git(repository, "merge", "main", "-m", "Merged")
    write_results(repository, make_evaluation(clips, skill=1.0), "other")
    write_results(repository, make_evaluation(clips), "here_alone")
    assert cli.main(["compare", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {encoder: one["verdict"] for encoder, one in found.items()} == {"image": "better", "other": "worse"}
    assert cli.main(["compare", "--encoder", "other", "--md"]) == 0
    assert capsys.readouterr().out.startswith("**other: UAR ")
    assert cli.main(["compare", "--fail-if-worse", "1"]) == 1
    assert "worse: other's UAR fell by" in capsys.readouterr().err


def test_corpora_with_names_of_their_own_are_compared_by_their_columns(repository, capsys):
    answers = pd.DataFrame({"actual": ["sad", "calm"] * 20, "predicted": ["sad", "happy"] * 20, "confidence": 0.5})
    named = answers.assign(
        clip=[f"mine/{number}" for number in range(40)], corpus="mine", speaker="mine/anna", sex="", intensity=""
    )
    write_csv(repository / "metrics/image/predictions.csv", named)
    write_text(repository / "metrics/image/metrics.json", json.dumps({"accuracy": 0.5}))
    git(repository, "commit", "-am", "A corpus of ours")
    assert compared(capsys, "HEAD")["groups"][0]["over"] == {"mine": "clips"}


def test_markdown_is_a_table_that_starts_with_the_verdict(repository, capsys):
    assert cli.main(["compare", "--md"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("**image: UAR ")
    assert ": better (+" in text.splitlines()[0]
    lines = text.splitlines()
    header = lines.index("| score | main % | now % | points | 95 % interval | verdict |")
    assert lines[header - 1] == ""  # GitHub needs it before a table
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 2 + 3 + 8
    assert {row.count("|") for row in rows} == {7}


def test_the_table_fits_a_terminal(repository, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.main(["compare"]) == 0
    text = capsys.readouterr().out
    assert "paired bootstrap over 8 speakers" in text
    assert "recall of surprised" in text
    assert max(len(line.rstrip()) for line in text.splitlines()[:15]) <= 80
    assert "expected calibration error" in text


def test_help_is_instant():
    """No heavy import before a subcommand runs."""
    script = "import sys, speech_emotion.cli as cli; cli._parser(); print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert not {"numpy", "pandas", "rich", "torch", "dvc"} & set(loaded.split())


def test_the_installed_command_compares(repository):
    command = [sys.executable, "-m", "speech_emotion.cli", "compare"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "better" in done.stdout
