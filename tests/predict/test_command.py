"""`speech-emotion predict`: what stands on standard output, on standard error, and the exit code."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import speech_emotion.predict
from speech_emotion import cli
from speech_emotion.predict import command
from speech_emotion.predict.formats import Answers
from tests.predict.answers import EMOTIONS, KnownPredictor
from tests.predict.recordings import write


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with recordings of known answers, the working directory."""
    write(tmp_path / "loud.wav")
    soundfile.write(tmp_path / "soft.flac", soundfile.read(tmp_path / "loud.wav")[0] / 100, 16_000)
    soundfile.write(tmp_path / "silent.ogg", np.zeros(16_000), 16_000)
    (tmp_path / "text.mp3").write_text("no sound")
    monkeypatch.setattr(command, "Predictor", KnownPredictor)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Outcome:
    def __init__(self, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        capsys.readouterr()
        self.code = cli.main(["predict", *arguments])
        self.out, self.err = capsys.readouterr()
        self.lines = self.out.splitlines()


@pytest.fixture
def on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True, raising=False)  # of standard error's, too


def test_recordings_are_answered_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, "soft.flac", "loud.wav", "silent.ogg", "--top", "2")
    assert outcome.lines == [
        "soft.flac\tsad\t0.7200\tsad 0.7200, neutral 0.0280",
        "loud.wav\thappy\t0.7200\thappy 0.7200, sad 0.1120",
        "silent.ogg\tsilence\t\t",
    ]
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.usefixtures("on_a_terminal")
def test_on_a_terminal_it_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, "loud.wav", "silent.ogg", "--top", "1")
    assert outcome.lines == [
        "file        emotion    confidence  candidates",
        "loud.wav    happy            0.72  happy 0.72",
        "silent.ogg  silence",
    ]


@pytest.mark.parametrize("timeline", [[], ["--timeline"]])
def test_json_and_csv_can_be_read_by_others(capsys: pytest.CaptureFixture[str], timeline: list[str]) -> None:
    objects = [json.loads(line) for line in Outcome(capsys, ".", "--json", *timeline).lines]
    rows = list(csv.DictReader(io.StringIO(Outcome(capsys, ".", "--csv", *timeline).out)))
    assert len(objects) == len(rows) == (10 if timeline else 3)
    assert [one["emotion"] for one in objects] == [row["emotion"] for row in rows]
    assert [one["file"] for one in objects] == [row["file"] for row in rows]
    assert set(EMOTIONS) < set(rows[0])


@pytest.mark.parametrize(
    ("bad", "said"),
    [("text.mp3", "is no recording"), ("absent.wav", "cannot be opened"), ("*.xyz", "no file matches")],
)
@pytest.mark.parametrize("style", [[], ["--json"], ["--csv"], ["--timeline"]])
def test_a_bad_input_is_a_line_and_the_others_are_answered(
    capsys: pytest.CaptureFixture[str], bad: str, said: str, style: list[str]
) -> None:
    without = Outcome(capsys, "loud.wav", "soft.flac", *style)
    outcome = Outcome(capsys, "loud.wav", bad, "soft.flac", *style)
    assert (outcome.code, without.code) == (1, 0)
    assert outcome.out == without.out
    [line] = outcome.err.splitlines()
    assert line.startswith(f"error: {bad}: ")
    assert said in line


def test_what_nobody_foresaw_about_one_recording_is_a_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbling(self: KnownPredictor, waveform: np.ndarray, rate: int) -> object:
        if np.abs(waveform).max() < 0.1:
            raise RuntimeError("the model stumbled")
        return honest(self, waveform, rate)

    honest = KnownPredictor.__call__
    monkeypatch.setattr(KnownPredictor, "__call__", stumbling)
    outcome = Outcome(capsys, "soft.flac", "loud.wav")
    assert (outcome.code, len(outcome.lines)) == (1, 1)
    assert outcome.err.startswith("error: soft.flac: RuntimeError (the model stumbled) was not foreseen; ")


def test_a_folder_says_what_it_leaves_out(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "text.mp3").rename(folder / "notes.txt")
    outcome = Outcome(capsys, ".")
    assert [line.split("\t")[0] for line in outcome.lines] == ["./loud.wav", "./silent.ogg", "./soft.flac"]
    assert outcome.err == ".: left out what is no recording by its name: notes.txt\n"
    assert outcome.code == 0


def test_nothing_that_can_be_answered_is_an_error(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    (folder / "empty").mkdir()
    outcome = Outcome(capsys, "empty")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "error: empty: is a folder without recordings; name a file, or another folder\n"


def test_a_timeline_has_segments_subtitles_and_labels(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    loud, rate = soundfile.read(folder / "loud.wav")
    soundfile.write(folder / "talk.wav", np.concatenate([loud, 0 * loud[:rate], loud / 100]), rate)
    assert Outcome(capsys, "--timeline", "talk.wav").lines == [
        "talk.wav\t0.00\t2.00\thappy\t0.7200",
        "talk.wav\t2.00\t3.00\tsilence\t",
        "talk.wav\t3.00\t5.00\tsad\t0.7200",
    ]
    assert Outcome(capsys, "--timeline", "talk.wav", "--srt").lines[4:7] == [
        "2", "00:00:03,000 --> 00:00:05,000", "sad 72%",
    ]  # fmt: skip
    assert Outcome(capsys, "--timeline", "talk.wav", "--audacity").lines[1] == "3.000000\t5.000000\tsad 72%"


def test_of_a_long_recording_the_answer_is_the_mean_over_its_moments(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    loud, rate = soundfile.read(folder / "loud.wav")
    parts = [loud] * 10 + [loud / 100] * 5 + [0 * loud] * 2
    soundfile.write(folder / "talk.wav", np.concatenate(parts), rate)
    [answer] = map(json.loads, Outcome(capsys, "talk.wav", "--json").lines)
    assert (answer["emotion"], answer["duration_s"]) == ("happy", 34.0)
    assert answer["confidence"] == pytest.approx((2 * 0.72 + 0.028) / 3, abs=1e-4)
    soundfile.write(folder / "talk.wav", np.zeros(40 * rate), rate)
    assert Outcome(capsys, "talk.wav").lines == ["talk.wav\tsilence\t\t"]


def test_a_picture_is_written_or_nothing_is(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    outcome = Outcome(capsys, "--timeline", "loud.wav", "--picture", "loud.png")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert (folder / "loud.png").read_bytes().startswith(b"\x89PNG")
    outcome = Outcome(capsys, "--timeline", "text.mp3", "--picture", "text.png")
    assert (outcome.code, (folder / "text.png").exists()) == (1, False)


def test_without_matplotlib_a_picture_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "speech_emotion.predict.picture", raising=False)
    monkeypatch.delattr(speech_emotion.predict, "picture", raising=False)
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = Outcome(capsys, "--timeline", "loud.wav", "--picture", "loud.png")
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("error: this command needs more than the base: matplotlib")
    assert outcome.err.endswith(" is not installed; pip install 'speech-emotion[picture]'\n")
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["loud.wav", "--srt"], "--srt shows a recording over time; add --timeline"),
        (["loud.wav", "soft.flac", "--timeline", "--audacity"], "are for one recording, not 2"),
        (["loud.wav", "--timeline", "--picture", "a.bmp"], "a.bmp: a picture is .png, .svg, .pdf"),
        (["loud.wav", "--enrol", "absent"], "--enrol absent: is no folder"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    outcome = Outcome(capsys, *arguments)
    assert (outcome.code, outcome.out) == (2, "")
    [line] = outcome.err.splitlines()
    assert line.startswith("error: ")
    assert said in line


@pytest.mark.parametrize(
    "arguments", [[], ["loud.wav", "--top", "0"], ["loud.wav", "--top", "x"], ["loud.wav", "--json", "--csv"]]
)
def test_wrong_usage_is_exit_code_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["predict", *arguments])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err.splitlines()[-1]


def test_enrolled_clips_change_the_answers(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    for number in range(command.ENROLLING_PAYS):
        write(folder / "voice" / f"{number}.wav")
    assert Outcome(capsys, "loud.wav", "--enrol", "voice").lines[0].split("\t")[2] == "0.9000"
    (folder / "voice" / "0.wav").write_text("no sound")
    (folder / "voice" / "1.wav").unlink()
    outcome = Outcome(capsys, "loud.wav", "--enrol", "voice")
    assert outcome.code == 1
    first, second = outcome.err.splitlines()
    assert first.startswith(f"error: {Path('voice/0.wav')}: is no recording")
    assert second == "--enrol voice: has 4 clips; adapting to a voice pays from about 5"
    (folder / "none").mkdir()
    (folder / "none" / "a.wav").touch()
    outcome = Outcome(capsys, "loud.wav", "--enrol", "none")
    assert (outcome.code, outcome.out) == (2, "")
    assert "error: enrolment: none of 0 clips has speech in it" in outcome.err


@pytest.mark.usefixtures("on_a_terminal")
def test_many_recordings_show_how_far_the_work_is(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome(capsys, *["loud.wav"] * 6)
    assert "3 of 6" in outcome.err
    assert outcome.err.endswith("\r\x1b[K")
    assert Outcome(capsys, "loud.wav").err == ""


def test_off_a_terminal_no_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert Outcome(capsys, *["loud.wav"] * 6).err == ""


PREDICT = """if True:
    import sys
    from speech_emotion import cli
    from speech_emotion.predict import command
    from tests.predict.answers import KnownPredictor
    command.Predictor = KnownPredictor
    sys.exit(cli.main(["predict", *sys.argv[1:]]))
"""


def shell(line: str) -> "subprocess.CompletedProcess[str]":
    python = f"'{sys.executable}' -c \"$PREDICT\""
    root = str(Path(cli.__file__).parents[1])
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('PREDICT', python)}"],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "PREDICT": PREDICT, "PYTHONPATH": root},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "code", "out", "err"),
    [
        ("PREDICT $(for i in $(seq 3000); do echo loud.wav; done) | head -n 1", 141, "loud.wav\thappy", ""),
        ("PREDICT loud.wav > /dev/full", 2, "", "error: standard output: cannot be written (No space left on device)"),
        ("cat soft.flac | PREDICT - loud.wav", 0, "-\tsad", ""),
        ("PREDICT loud.wav text.mp3 2>&-", 1, "loud.wav\thappy", ""),
        ("PREDICT loud.wav >&-", 2, "", "error: standard output: is closed"),
        ("PREDICT - <&-", 1, "", "error: -: standard input is a terminal, a device or closed"),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 PREDICT 'caf\u00e9.wav'", 0, "caf\\xe9.wav\thappy", ""),
    ],
)
def test_it_goes_well_with_a_shell(folder: Path, line: str, code: int, out: str, err: str) -> None:
    (folder / "caf\u00e9.wav").write_bytes((folder / "loud.wav").read_bytes())
    ended = shell(line)
    assert (ended.returncode, ended.stdout.startswith(out), ended.stderr.startswith(err)) == (code, True, True), ended
    assert len(ended.stderr.splitlines()) == (1 if err else 0)


def test_ctrl_c_is_exit_code_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(answers: Answers) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return iter(())

    monkeypatch.setattr(command.formats, "as_json", interrupted)
    outcome = Outcome(capsys, "loud.wav", "--json")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")


def test_help_names_exit_codes_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["predict", "--help"])
    text = capsys.readouterr().out
    for code in (command.ANSWERED, command.SOME_FAILED, cli.ERROR, cli.INTERRUPTED, command.HEAD_ENDED):
        assert f"\n  {code:<5}" in text
    for line in text.splitlines():  # examples parse
        if line.startswith("  speech-emotion predict"):
            words = line.replace("'", "").split(" > ")[0].split()
            assert cli._parser().parse_args(words[1:]).inputs


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "tcsh"])
def test_a_shell_is_told_the_options(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert cli.main(["completion", name]) == 0
    script = capsys.readouterr().out
    for word in ("predict", "timeline", "enrol", "compare"):
        assert word in script
    if name == "bash":
        assert subprocess.run(["bash", "-n"], input=script, text=True).returncode == 0
