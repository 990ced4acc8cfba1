"""Visits without a browser: limits, rubbish, and what the server lets in."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from speech_emotion.app.limits import Limits
from speech_emotion.app.server import build
from speech_emotion.predict.predictor import Predictor
from tests.app.loudness import voice, write_voice
from tests.predict.recordings import write_through_pyav

SMALL = Limits(file_bytes=200_000, file_s=5, microphone_s=2, visitors=2, pause_s=0.5)
LOCAL = {"host": "127.0.0.1"}


@contextmanager
def client(model: Path, limits: Limits) -> Iterator[TestClient]:
    with TestClient(build(Predictor(model), limits), base_url="http://127.0.0.1") as client:
        yield client


@pytest.fixture(scope="module")
def roomy(model: Path) -> Iterator[TestClient]:
    with client(model, Limits()) as found:
        yield found


@pytest.fixture
def small(model: Path) -> Iterator[TestClient]:
    with client(model, SMALL) as found:
        yield found


def last(visit: WebSocketTestSession) -> dict[str, Any]:
    """The message that ends a visit."""
    while (message := visit.receive_json())["kind"] in ("live", "progress"):
        pass
    return dict(message)


def send(client: TestClient, content: bytes, name: str = "clip.wav") -> dict[str, Any]:
    with client.websocket_connect("/listen") as visit:
        visit.send_json({"kind": "file", "name": name})
        for start in range(0, len(content), 100_000):
            visit.send_bytes(content[start : start + 100_000])
        visit.send_text("end")
        return last(visit)


def wav(samples: np.ndarray, rate: int = 16_000) -> bytes:
    file = BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    return file.getvalue()


@pytest.mark.parametrize("name", ["clip.wav", "clip.flac", "clip.mp3", "clip.ogg"])
def test_a_file_is_answered_as_predict_answers(roomy: TestClient, model: Path, tmp_path: Path, name: str) -> None:
    path = write_voice(tmp_path / name, "angry")
    answer = send(roomy, path.read_bytes(), name)
    expected = Predictor(model)(*soundfile.read(path))
    assert (answer["kind"], answer["emotion"], answer["name"]) == ("answer", "angry", name)
    assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=1e-3)
    assert answer["segments"] == []  # three seconds need no timeline


def test_what_a_phone_or_a_browser_records_is_read(roomy: TestClient, tmp_path: Path) -> None:
    path = write_through_pyav(tmp_path / "tone.m4a", "aac")
    assert send(roomy, path.read_bytes(), "tone.m4a")["emotion"] == "no speech"


def test_a_long_file_has_a_timeline_and_its_progress_is_told(roomy: TestClient) -> None:
    parts = [voice("sad", 20)[0], np.zeros(16_000 * 8), voice("angry", 20)[0]]
    with roomy.websocket_connect("/listen") as visit:
        visit.send_json({"kind": "file", "name": "talk.wav"})
        visit.send_bytes(wav(np.concatenate(parts)))
        visit.send_text("end")
        messages = [visit.receive_json()]
        while messages[-1]["kind"] != "answer":
            messages.append(visit.receive_json())
    shares = [message["share"] for message in messages[:-1]]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    segments = messages[-1]["segments"]
    labels = [one["emotion"] for one in segments]
    assert [label for label in labels if label != "uncertain"] in (
        ["sad", "silence", "angry"],
        ["sad", "no speech", "angry"],
    )
    assert segments[-1]["end_s"] == pytest.approx(48, abs=0.1)
    assert messages[-1]["duration_s"] == pytest.approx(48, abs=0.1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no sound", "x.wav: is no recording that can be decoded; take WAV, FLAC, MP3 or Ogg"),
        (b"", "x.wav: is empty; take an intact copy"),
        (wav(voice("sad")[0])[:20_000], "x.wav: was cut off"),
        (b"\xff\xfb\x90\x00" + b"\x00" * 5000, "x.wav: "),
        (bytes(4) + b"ftypM4A " + bytes(5000), "x.wav: cannot be decoded"),
    ],
)
def test_rubbish_is_one_line_without_a_path(roomy: TestClient, content: bytes, said: str) -> None:
    answer = send(roomy, content, "x.wav")
    assert answer["kind"] == "error"
    assert answer["text"].startswith(said)
    assert "/" not in answer["text"]
    assert "\n" not in answer["text"]


def test_a_track_of_an_unknown_codec_is_one_line(roomy: TestClient, tmp_path: Path) -> None:
    content = write_through_pyav(tmp_path / "tone.m4a", "aac").read_bytes()
    assert content.count(b"stsd") == 1
    answer = send(roomy, content.replace(b"stsd", b"none"), "tone.m4a")
    assert answer["text"].startswith("tone.m4a: cannot be decoded (nobody knows the codec of its sound track); take")


def test_a_name_is_only_shown(roomy: TestClient) -> None:
    answer = send(roomy, b"no sound", "../../etc/<b>\n" + "x" * 500)
    assert answer["text"].endswith("x: is no recording that can be decoded; take WAV, FLAC, MP3 or Ogg")
    assert len(answer["text"]) < 200


@pytest.mark.parametrize(("samples", "said"), [(np.zeros(32_000), "silence"), (np.ones(2000) / 10, "too short")])
def test_what_cannot_be_judged_says_so(roomy: TestClient, samples: np.ndarray, said: str) -> None:
    answer = send(roomy, wav(samples))
    assert (answer["emotion"], answer["confidence"]) == (said, None)


def test_a_microphone_is_told_live_and_answered_at_its_end(roomy: TestClient, model: Path) -> None:
    waveform, rate = voice("sad", 2)
    with roomy.websocket_connect("/listen") as visit:
        visit.send_json({"kind": "microphone", "sample_rate": rate})
        live = []
        for part in np.array_split((waveform * 32767).astype("<i2"), 4):
            visit.send_bytes(part.tobytes())
            live.append(visit.receive_json())
        visit.send_text("end")
        answer = last(visit)
    assert [one["kind"] for one in live] == ["live"] * 4
    assert live[-1]["emotion"] == answer["emotion"] == "sad"
    assert answer["probabilities"] == pytest.approx(Predictor(model)(waveform, rate).probabilities, abs=1e-2)


@pytest.mark.parametrize("rate", [None, "48000", 0, 10**9])
def test_a_rate_that_no_microphone_has_is_refused(roomy: TestClient, rate: object) -> None:
    with roomy.websocket_connect("/listen") as visit:
        visit.send_json({"kind": "microphone", "sample_rate": rate})
        assert last(visit)["text"] == f"microphone: announces {rate} Hz; choose another one"


@pytest.mark.parametrize("first", ["", "[]", "{", b"\x00"])
def test_a_first_message_that_is_none_is_refused(roomy: TestClient, first: str | bytes) -> None:
    with roomy.websocket_connect("/listen") as visit:
        visit.send_bytes(first) if isinstance(first, bytes) else visit.send_text(first)
        assert last(visit)["text"] == "the first message is no JSON object; load the page again"


def test_a_file_of_too_many_bytes_is_refused_before_its_end(small: TestClient) -> None:
    with small.websocket_connect("/listen") as visit:
        visit.send_json({"kind": "file", "name": "big.wav"})
        for _ in range(3):
            visit.send_bytes(bytes(100_000))
        assert last(visit)["text"] == "big.wav: has more than 0.2 MB; cut it, or take MP3 or Ogg"


@pytest.mark.parametrize("name", ["long.mp3", "long.m4a"])
def test_a_file_that_lasts_too_long_is_refused(model: Path, tmp_path: Path, name: str) -> None:
    if name.endswith("m4a"):
        path = write_through_pyav(tmp_path / name, "aac")
    else:
        path = write_voice(tmp_path / name, "sad", 4)
    with client(model, Limits(file_s=1.5)) as short:
        assert send(short, path.read_bytes(), name)["text"] == f"{name}: is longer than 0.025 minutes; cut it"


def test_a_microphone_that_goes_on_is_answered_at_the_limit(small: TestClient) -> None:
    with small.websocket_connect("/listen") as visit:
        visit.send_json({"kind": "microphone", "sample_rate": 16_000})
        for _ in range(5):
            visit.send_bytes((voice("sad", 0.5)[0] * 32767).astype("<i2").tobytes())
        answer = last(visit)
    assert answer["emotion"] == "sad"
    assert SMALL.microphone_s <= answer["duration_s"] <= SMALL.microphone_s + 0.5


def test_one_visitor_too_many_is_told_so_and_a_place_becomes_free(small: TestClient) -> None:
    with (
        small.websocket_connect("/listen"),
        small.websocket_connect("/listen"),
        small.websocket_connect("/listen") as third,
    ):
        assert last(third)["text"] == "2 visitors are being listened to, which is the most; try again soon"
    time.sleep(0.1)
    assert send(small, wav(voice("sad")[0]))["emotion"] == "sad"


def test_a_visitor_who_says_nothing_loses_the_place(small: TestClient) -> None:
    with small.websocket_connect("/listen") as visit:
        assert last(visit)["text"] == "nothing came for 0.5 s; start again"


def test_what_nobody_foresaw_is_a_line_for_the_visitor_and_a_traceback_for_the_log(
    roomy: TestClient, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def stumble(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("speech_emotion.app.listening.answer", stumble)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = send(roomy, wav(voice("sad")[0]))["text"]
    assert text == "RuntimeError was not foreseen; whoever runs this page finds more in its log"
    assert "RuntimeError (secret) was not foreseen" in capfd.readouterr().err


def test_pages_of_other_sites_may_not_ask(roomy: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        roomy.websocket_connect("/listen", headers=LOCAL | {"origin": "https://a.example"}),
    ):
        pass
    with roomy.websocket_connect("/listen", headers=LOCAL | {"origin": "http://127.0.0.1"}) as visit:
        visit.send_text("")
        assert last(visit)["kind"] == "error"


@pytest.mark.parametrize("path", ["/", "/page.js", "/recorder.js", "/settings", "/absent"])
def test_every_response_forbids_other_hosts(roomy: TestClient, path: str) -> None:
    policy = roomy.get(path).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy
    assert "*" not in policy


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/page.js/../../limits.py"])
def test_nothing_but_the_page_is_served(roomy: TestClient, path: str) -> None:
    assert roomy.get(path).status_code == 404
