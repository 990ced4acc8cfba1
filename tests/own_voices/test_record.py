"""A corpus made at a microphone that is none: what it records, asks and writes."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from speech_emotion import cli
from speech_emotion.own_voices.check import check
from speech_emotion.own_voices.record import SENTENCES
from speech_emotion.own_voices.table import read_table
from tests.small_corpora import contents

RATE_HZ = 22050


class PortAudioError(Exception):
    pass


class Devices(SimpleNamespace):
    """The part of sounddevice that is used, with a tone instead of a voice."""

    def __init__(self) -> None:
        super().__init__(PortAudioError=PortAudioError, played=[], volume=0.3, pitch_hz=200.0)

    def query_devices(self, kind: str) -> dict[str, float]:
        assert kind == "input"
        return {"default_samplerate": float(RATE_HZ)}

    def rec(self, frames: int, samplerate: int, **_: Any) -> Any:
        self.pitch_hz += 10
        return self.volume * np.sin(2 * np.pi * self.pitch_hz * np.arange(frames) / samplerate)[:, None]

    def play(self, waveform: Any, samplerate: int, **_: Any) -> None:
        self.played.append(len(waveform) / samplerate)


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> Devices:
    devices = Devices()
    monkeypatch.setitem(sys.modules, "sounddevice", devices)  # type: ignore[arg-type]
    return devices


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Iterator[str]:
    """Type `answers`, one a question; what is left of them was not asked for."""
    left = iter(answers)
    monkeypatch.setattr("builtins.input", lambda _: next(left))
    return left


def test_a_session_becomes_a_corpus_and_goes_on_where_it_stopped(
    devices: Devices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["record", str(tmp_path / "mine"), "--speaker", "eva", "--sex", "female", "--seconds", "0.5"]
    command += ["--emotion", "happy", "--emotion", "sad"]
    left = typed(monkeypatch, "", "", "", "r", "", "", "q")  # keep; record again, keep; stop
    assert cli.main(command) == 0
    assert [*left] == []
    assert devices.played == [0.5] * 3
    left = typed(monkeypatch, "", "", "", "")
    assert cli.main(command) == 0
    assert [*left] == []
    assert cli.main(command) == 0, "nothing is missing, nothing is asked"

    found = read_table(tmp_path / "mine/clips.csv")
    assert [(row.path, row.emotion, row.speaker, row.sex, row.text) for row in found.rows] == [
        ("eva/happy_1.wav", "happy", "eva", "female", SENTENCES[0]),
        ("eva/sad_1.wav", "sad", "eva", "female", SENTENCES[0]),
        ("eva/happy_2.wav", "happy", "eva", "female", SENTENCES[1]),
        ("eva/sad_2.wav", "sad", "eva", "female", SENTENCES[1]),
    ]
    assert not check(found, {}).fails
    information = soundfile.info(found.rows[0].file)
    assert (information.samplerate, information.duration, information.subtype) == (RATE_HZ, 0.5, "PCM_16")


def test_silence_is_not_kept(
    devices: Devices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    devices.volume = 0.0
    typed(monkeypatch, "", "q")
    assert cli.main(["record", str(tmp_path / "mine"), "--speaker", "eva"]) == 0
    assert "nothing was heard (-100 dB): is the microphone on?" in capsys.readouterr().out
    assert contents(tmp_path) == {}


def no_device(*_: Any, **__: Any) -> Any:
    raise PortAudioError("Error querying device -1")


class NoPortAudio:
    """Importing sounddevice without PortAudio."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")


def test_no_microphone_and_no_portaudio_are_one_line(
    devices: Devices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["record", str(tmp_path / "mine"), "--speaker", "eva"]
    devices.query_devices = no_device
    assert cli.main(command) == 2
    assert capsys.readouterr().err.startswith("error: no microphone: Error querying device -1; connect a microphone")
    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [NoPortAudio(), *sys.meta_path])
    assert cli.main(command) == 2
    assert "no sound: PortAudio library not found; install PortAudio (Debian, Ubuntu:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--speaker", "../eva"], "speaker '../eva': becomes a folder's name"),
        (["--speaker", "eva", "--emotion", "angst"], "emotion 'angst': is unknown; take some of neutral"),
    ],
)
def test_wrong_arguments_are_one_line(
    devices: Devices, tmp_path: Path, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["record", str(tmp_path), *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_table_of_somebody_else_is_left_alone(
    devices: Devices, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "clips.csv").write_text("path,emotion\na.wav,sad\n")
    assert cli.main(["record", str(tmp_path), "--speaker", "eva"]) == 2
    assert "clips.csv: has other columns than path, emotion, speaker" in capsys.readouterr().err
    assert contents(tmp_path) == {"clips.csv": b"path,emotion\na.wav,sad\n"}
