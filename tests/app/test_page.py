"""The page in a real Chromium without a window, its microphone fed from a clip."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from speech_emotion.predict.predictor import Predictor
from tests.app.loudness import voice, write_voice
from tests.predict.answers import EMOTIONS
from tests.workspace import ROOT
from tools.page import chromium_path, launch

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed: apt-get install chromium")
PHONE = {"width": 390, "height": 844}
THUMB = 44  # pixels that a finger needs
SPOKEN_MS = 2000
LOOKS = 60  # fifth parts of a second, in which both halves of a clip are heard; not by a clock, for a busy computer
RATE = 16_000
# What the likeliest emotion was at each change of the bars.
WATCH_BARS = """() => {
  window.seen = [];
  const meters = [...document.querySelectorAll('[role=meter]')];
  const note = () => window.seen.push(meters.map((one) => Number(one.ariaValueNow)));
  meters.forEach((one) => new MutationObserver(note).observe(one, { attributes: true }));
}"""
PAINTED = """() => {
  const canvas = document.getElementById('spectrogram');
  const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  return new Set(pixels).size;
}"""

expect.set_options(timeout=15_000)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as found:
        yield found


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What microphones hear, and files to upload."""
    folder = tmp_path_factory.mktemp("clips")
    for emotion in ("angry", "sad"):
        write_voice(folder / f"{emotion}.wav", emotion)
    soundfile.write(folder / "moody.wav", np.concatenate([voice("sad", 4)[0], voice("angry", 4)[0]]), RATE)
    soundfile.write(folder / "silence.wav", np.zeros(RATE * 3), RATE)
    parts = [voice("sad", 12)[0], np.zeros(RATE * 8), voice("angry", 12)[0]]
    soundfile.write(folder / "talk.mp3", np.concatenate(parts), RATE)
    (folder / "notes.mp3").write_text("no sound")
    return folder


@pytest.fixture(scope="module")
def angry(playwright: Playwright, clips: Path) -> Iterator[Browser]:
    browser = launch(playwright, clips / "angry.wav")
    yield browser
    browser.close()


@pytest.fixture
def page(angry: Browser, address: str) -> Iterator[Page]:
    with opened(angry, address) as page:
        yield page


@contextmanager
def opened(browser: Browser, address: str, viewport: dict[str, int] | None = None) -> Iterator[Page]:
    """The page, ready. No request may leave this computer, and nothing may go wrong in its code."""
    page, asked, problems = browser.new_page(viewport=viewport), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(address)
    expect(page.get_by_role("meter")).to_have_count(8)
    yield page
    page.close()
    assert problems == []
    assert asked
    assert {urlsplit(url).netloc for url in asked if not url.startswith("data:")} == {urlsplit(address).netloc}


def share(page: Page, emotion: str) -> int:
    return int(page.get_by_role("meter", name=emotion).get_attribute("aria-valuenow") or 0)


def bars(seen: list[list[int]], emotion: str) -> list[int]:
    return [one[EMOTIONS.index(emotion)] for one in seen]


def state(page: Page, name: str) -> None:
    expect(page.locator("body")).to_have_attribute("data-state", name)


def speak(page: Page, duration_ms: float = SPOKEN_MS) -> None:
    page.get_by_role("button", name="Speak").click()
    state(page, "listening")
    page.wait_for_timeout(duration_ms)
    page.get_by_role("button", name="Stop").click()
    state(page, "answered")


def upload(page: Page, *paths: Path) -> None:
    page.get_by_label("Choose a file").set_input_files(paths)


def test_speaking_shows_the_emotion_that_predict_names(page: Page, model: Path, clips: Path) -> None:
    speak(page)
    expected = Predictor(model)(*soundfile.read(clips / "angry.wav"))
    assert expected.emotion == "angry"
    expect(page.locator("#emotion")).to_have_text("angry")
    confidence = int(re.findall(r"(\d+) % sure", page.locator("#detail").inner_text())[0])
    assert confidence == pytest.approx(100 * expected.confidence, abs=8)
    assert share(page, "angry") == confidence
    assert page.evaluate(PAINTED) > 50
    expect(page.get_by_role("status")).to_contain_text(f"angry. {confidence} % sure. What you said, ")
    expect(page.get_by_role("img")).to_have_accessible_name(re.compile("Spectrogram of What you said, .* seconds"))


def test_the_bars_move_while_one_speaks(playwright: Playwright, address: str, clips: Path) -> None:
    browser = launch(playwright, clips / "moody.wav")
    with opened(browser, address) as page:
        page.evaluate(WATCH_BARS)
        page.get_by_role("button", name="Speak").click()
        state(page, "listening")
        for _ in range(LOOKS):
            page.wait_for_timeout(200)
            seen = page.evaluate("seen")
            if all(max(bars(seen, one), default=0) > 80 for one in ("sad", "angry")):
                break
        assert max(bars(seen, "sad")) > 80
        assert max(bars(seen, "angry")) > 80
        state(page, "listening")
        assert page.evaluate(PAINTED) > 50
        assert page.evaluate("Number(document.body.style.getPropertyValue('--level'))") > 0
    browser.close()
    assert len(set(bars(seen, "sad"))) > 5  # they move on the way, too


def test_two_visitors_are_heard_at_once_and_each_sees_the_own_answer(
    angry: Browser, playwright: Playwright, address: str, clips: Path
) -> None:
    sad = launch(playwright, clips / "sad.wav")
    with opened(angry, address) as one, opened(sad, address) as other:
        for page in (one, other):
            page.get_by_role("button", name="Speak").click()
        for page in (one, other):
            state(page, "listening")
        one.wait_for_timeout(SPOKEN_MS)
        expect(one.locator("#emotion")).to_have_text("angry")
        expect(other.locator("#emotion")).to_have_text("sad")
        for page in (one, other):
            page.get_by_role("button", name="Stop").click()
        for page, emotion in ((one, "angry"), (other, "sad")):
            state(page, "answered")
            expect(page.locator("#emotion")).to_have_text(emotion)
    sad.close()


def test_silence_at_the_microphone_says_so(playwright: Playwright, address: str, clips: Path) -> None:
    browser = launch(playwright, clips / "silence.wav")
    with opened(browser, address) as page:
        page.get_by_role("button", name="Speak").click()
        expect(page.locator("#detail")).to_have_text("Nobody speaks at the moment.")
        page.get_by_role("button", name="Stop").click()
        state(page, "answered")
        expect(page.locator("#emotion")).to_have_text("silence")
        assert share(page, "sad") == 0
    browser.close()


def test_a_long_file_shows_its_timeline(page: Page, clips: Path) -> None:
    upload(page, clips / "talk.mp3")
    state(page, "answered")
    bands = page.get_by_role("list", name="Timeline of emotions").get_by_role("listitem")
    expect(bands.first).to_have_accessible_name(re.compile(r"0:00 to 0:\d+: sad, \d+ % sure"))
    expect(bands.last).to_have_accessible_name(re.compile(r"0:\d+ to 0:32: angry, \d+ % sure"))
    assert "no speech" in " ".join(bands.all_inner_texts()) or "silence" in " ".join(bands.all_inner_texts())
    expect(page.locator("#source")).to_have_text("talk.mp3, 32.0 seconds")
    assert page.locator("#ticks li").last.inner_text() == "0:32"


def test_rubbish_is_a_line_and_the_page_goes_on(page: Page, clips: Path) -> None:
    upload(page, clips / "talk.mp3")
    state(page, "answered")
    upload(page, clips / "notes.mp3")
    state(page, "error")
    line = "notes.mp3: is no recording that can be decoded; take WAV, FLAC, MP3 or Ogg"
    expect(page.locator("#detail")).to_have_text(line)
    expect(page.get_by_role("alert")).to_contain_text(line)
    expect(page.locator("#timeline")).to_be_hidden()  # nothing is left of the recording before
    assert (share(page, "sad"), page.evaluate(PAINTED)) == (0, 1)
    upload(page, clips / "sad.wav")
    state(page, "answered")
    expect(page.locator("#emotion")).to_have_text("sad")


def test_a_file_may_be_dropped_and_a_large_one_is_refused_at_once(page: Page) -> None:
    drop = """(bytes) => {
      const dragged = new DataTransfer();
      dragged.items.add(new File([new Uint8Array(bytes)], 'dropped.wav'));
      document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: dragged, bubbles: true }));
    }"""
    page.evaluate(drop, 1000)
    state(page, "error")
    expect(page.locator("#detail")).to_contain_text("dropped.wav: is no recording")
    page.evaluate(drop, 101_000_000)
    expect(page.locator("#detail")).to_have_text("dropped.wav has more than 100 MB. Cut it, or take MP3 or Ogg.")


def test_a_microphone_that_is_denied_says_what_to_do(page: Page) -> None:
    denied = "async () => { throw new DOMException('', 'NotAllowedError') }"
    page.evaluate(f"() => void (navigator.mediaDevices.getUserMedia = {denied})")
    page.get_by_role("button", name="Speak").click()
    state(page, "error")
    expect(page.locator("#detail")).to_contain_text("Allow it beside the address, or choose a file.")


def test_a_phone_needs_no_sideways_scrolling(angry: Browser, address: str, clips: Path, tmp_path: Path) -> None:
    with opened(angry, address, PHONE) as page:
        for control in (page.get_by_role("button", name="Speak"), page.locator("label.file")):
            box = control.bounding_box()
            assert box
            assert box["height"] >= THUMB
            assert box["y"] + box["height"] < PHONE["height"]  # at first sight
        long_name = tmp_path / f"{'x' * 120}.mp3"
        long_name.write_bytes((clips / "talk.mp3").read_bytes())
        for path, ending in ((long_name, "answered"), (clips / "notes.mp3", "error"), (clips / "talk.mp3", "answered")):
            upload(page, path)
            state(page, ending)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        speak(page, 500)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_is_enough(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Speak")).to_be_focused()
    page.keyboard.press("Enter")
    state(page, "listening")
    page.wait_for_timeout(1000)
    page.keyboard.press("Space")
    state(page, "answered")
    expect(page.get_by_role("status")).to_contain_text("angry")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Choose a file")).to_be_focused()


def test_the_browser_itself_forbids_other_hosts(angry: Browser, address: str) -> None:
    page = angry.new_page()
    page.goto(address)
    blocked = page.evaluate("""() => new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => resolve(event.blockedURI));
      fetch('https://example.org/').catch(() => {});
    })""")
    assert blocked.startswith("https://example.org")
    page.close()


def test_nothing_of_what_was_said_is_kept(page: Page, temporary: Path, clips: Path) -> None:
    page.get_by_role("button", name="Speak").click()
    state(page, "listening")
    page.wait_for_timeout(300)
    assert os.listdir(temporary) == []  # noqa: PTH208
    page.get_by_role("button", name="Stop").click()
    state(page, "answered")
    upload(page, clips / "notes.mp3")
    state(page, "error")
    assert os.listdir(temporary) == []  # noqa: PTH208
    assert page.evaluate("document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage)") == ""


def test_the_picture_of_the_readme_can_be_made_again(clips: Path, model: Path, tmp_path: Path) -> None:
    soundfile.write(clip := tmp_path / "angry.flac", *soundfile.read(clips / "angry.wav"))
    command = [sys.executable, "-m", "tools.page", clip, tmp_path / "page.png", "--model", model]
    subprocess.run(command, cwd=ROOT, check=True)
    assert 90_000 < (tmp_path / "page.png").stat().st_size < 300_000, "78,000 are of a page that heard silence"
