import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from speech_emotion import cli
from speech_emotion.emotions import EMOTIONS
from speech_emotion.errors import PipelineError
from speech_emotion.files import write_csv, write_text
from speech_emotion.scores import metrics, to_json
from speech_emotion.team.compare import compare
from speech_emotion.team.revisions import Results
from tests.evaluations import make_clips, make_evaluation


def git(folder, *arguments):
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def write_results(folder, evaluation):
    write_text(folder / "metrics/metrics.json", to_json(metrics(evaluation)))
    write_csv(folder / "metrics/predictions.csv", evaluation.predictions())


def results(name, clips, *, seed=0, skill=2.0):
    evaluation = make_evaluation(clips, seed=seed, skill=skill)
    return Results(name, metrics(evaluation), evaluation.predictions())


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Branch main with a middling model, branch better with a good one, as committed results."""
    clips = make_clips(actors=8)
    git(tmp_path, "init", "-b", "main")
    for branch, skill in (("main", 1.5), ("better", 3.0)):
        if branch != "main":
            git(tmp_path, "switch", "-c", branch)
        write_results(tmp_path, make_evaluation(clips, skill=skill))
        git(tmp_path, "add", "metrics")
        git(tmp_path, "commit", "-m", f"Results of {branch}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(capsys, *arguments):
    assert cli.main(["compare", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


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
    command = ["git", "show", f"{branch}:metrics/metrics.json"]
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
    assert ("worse: UAR fell by" in capsys.readouterr().err) == bool(code)


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
    (repository / "metrics/predictions.csv").write_text("clip\nravdess/03-01-01-01-01-01-24\n")


def mix_runs(repository):
    write_csv(repository / "metrics/predictions.csv", make_evaluation(make_clips(actors=8), skill=0.1).predictions())


def repeat_a_clip(repository):
    path = repository / "metrics/predictions.csv"
    path.write_text(path.read_text() + path.read_text().splitlines()[-1] + "\n")


def leave_repository(repository):
    (repository / ".git").rename(repository / "elsewhere")


@pytest.mark.parametrize(
    ("spoil", "arguments", "message"),
    [
        (None, ["nowhere"], "nowhere: is no revision here"),
        (None, ["--", "--output=x"], "--output=x: is no revision here"),
        (lambda root: (root / "metrics/metrics.json").unlink(), [], "metrics/metrics.json: cannot be read"),
        (damage_predictions, [], "working tree: metrics/metrics.json or metrics/predictions.csv is damaged"),
        (mix_runs, [], "they are of two runs"),
        (repeat_a_clip, [], "metrics/predictions.csv has ravdess/"),
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
    assert (
        "empty: has no metrics/metrics.json; compare with a revision that has run evaluate" in capsys.readouterr().err
    )


def test_markdown_is_a_table_that_starts_with_the_verdict(repository, capsys):
    assert cli.main(["compare", "--md"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("**UAR ")
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


def test_corpora_are_compared_apart_where_there_are_several():
    clips = make_clips(actors=8, tess_words=10)
    found = compare(results("main", clips, skill=1.0), results("now", clips, skill=3.0))
    assert [(group.name, group.clips, group.over) for group in found.groups] == [
        ("all", 550, {"ravdess": "8 speakers", "tess": "clips"}),
        ("ravdess", 480, {"ravdess": "8 speakers"}),
        ("tess", 70, {"tess": "clips"}),
    ]
    assert found.uar.verdict == "better"
    assert len(found.groups[0].differences) == 3 + 8
    assert len(found.groups[2].differences) == 3


def test_only_common_clips_are_compared_and_it_says_so():
    everything, half = make_clips(actors=4), make_clips(actors=2)
    found = compare(results("main", everything), results("now", half))
    assert (found.groups[0].clips, found.groups[0].over) == (120, {"ravdess": "clips"})
    assert found.notes == ("the test parts differ: 240 clips in main, 120 in now; compared on the 120 common ones",)


def test_no_common_clip_is_an_error():
    actors = make_clips(actors=4)
    first, second = (actors[actors["speaker"] == f"ravdess/{actor}"].reset_index(drop=True) for actor in (23, 24))
    with pytest.raises(PipelineError, match="tested no clip in common"):
        compare(results("main", first), results("now", second))


def test_both_models_are_scored_against_the_corrected_labels():
    clips = make_clips(actors=4)
    before, after = results("main", clips), results("now", clips)
    sad = before.predictions["actual"] == "sad"
    before.predictions.loc[sad, "actual"] = "calm"
    found = compare(before, after)
    assert found.uar.points == 0
    assert "32 clips have another actual emotion now; both models are scored against the new one" in found.notes


def flip(predictions, count):
    """Make `count` right answers wrong."""
    changed = predictions.copy()
    right = changed.index[changed["actual"] == changed["predicted"]][:count]
    changed.loc[right, "predicted"] = np.where(changed.loc[right, "actual"] == "sad", "calm", "sad")
    return changed


def test_pairing_shows_a_small_steady_difference_that_two_intervals_would_hide():
    clips = make_clips(actors=7)
    before = results("main", clips)
    after = Results("now", {}, flip(before.predictions, 12))
    accuracy = compare(before, after).groups[0].differences[1]
    assert accuracy.points == pytest.approx(-100 * 12 / 420)
    assert accuracy.verdict == "worse"
    # Twelve flips in one direction of 420: the paired binomial interval, narrower than that of either accuracy.
    half = 196 * np.sqrt(12 / 420 * (1 - 12 / 420) / 420)
    assert (accuracy.low, accuracy.high) == pytest.approx((accuracy.points - half, accuracy.points + half), abs=0.3)
    interval = before.metrics["accuracy_ci"]
    assert accuracy.high - accuracy.low < 100 * (interval["high"] - interval["low"]) / 2


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Two equally good models differ beyond the interval in about 1 comparison of 20."""
    clips = make_clips(actors=2)
    answers = [Results("", {}, make_evaluation(clips, seed=seed).predictions()) for seed in range(80)]
    verdicts = [compare(*pair).uar.verdict for pair in zip(answers[::2], answers[1::2], strict=True)]
    assert verdicts.count("no difference shown") >= 34


def test_comparisons_repeat_themselves():
    clips = make_clips(actors=8)
    first, second = (compare(results("main", clips), results("now", clips, skill=2.2)) for _ in range(2))
    assert first == second


def test_help_is_instant():
    """No heavy import before a subcommand runs."""
    script = "import sys, speech_emotion.cli as cli; cli._parser(); print(*sys.modules)"
    command = [sys.executable, "-c", script]
    loaded = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]).stdout
    assert not {"numpy", "pandas", "rich", "torch", "dvc"} & set(loaded.split())


def test_the_installed_command_compares(repository):
    command = [sys.executable, "-m", "speech_emotion.cli", "compare"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=repository, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert "better" in done.stdout
