"""A picture of the page that listens, while a clip is played to its microphone.

`python -m tools.page CLIP PNG [--model MODEL.onnx] [--dark]` starts the page and a Chromium without a window, lets it
listen to CLIP, and writes what a visitor sees. The tests of the page use the same server and the same browser.
"""

import argparse
import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import soundfile
from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

from speech_emotion.core.command import run
from speech_emotion.core.errors import PipelineError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
STOP_S = 10
WIDTH, HEIGHT = 1280, 900
SETTLED_MS = 800  # the bars' and colours' transitions
BAR_COLOURS = "(bars) => bars.flatMap((bar) => getComputedStyle(bar).backgroundColor.match(/\\d+/g).map(Number))"


def chromium_path() -> str | None:
    """Return where a Chromium or Chrome is installed, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, clip: Path) -> Browser:
    """Start Chromium without a window, whose microphone hears the WAV file `clip` again and again.

    Raises:
        PipelineError: there is no Chromium.
    """
    path = chromium_path()
    if path is None:
        raise PipelineError("chromium: is not installed; apt-get install chromium")
    microphone = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={clip.resolve()}",
    ]
    # No name leads anywhere, as on a computer without internet.
    return playwright.chromium.launch(
        executable_path=path, args=[*microphone, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    )


@contextmanager
def serving(model: Path | None, **environment: str) -> Iterator[str]:
    """Run the page's server on a free port, and give its address.

    Raises:
        PipelineError: it does not start.
    """
    chosen = ["--model", str(model)] if model else []
    command = [sys.executable, "-m", "speech_emotion.app", "--port", "0", *chosen]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment or None) as server:
        assert server.stdout
        try:
            line = server.stdout.readline()
            if not line:
                raise PipelineError("speech-emotion app: does not start; its own line says why")
            yield line.split()[0]
        finally:
            server.terminate()
            server.wait(STOP_S)


def photograph(clip: Path, picture: Path, model: Path | None, *, dark: bool) -> None:
    """Let the page listen to `clip` once and write what it shows then.

    Raises:
        PipelineError: there is no model, no Chromium, or no such clip.
    """
    try:
        samples, rate = soundfile.read(clip)
    except soundfile.LibsndfileError as error:
        way_out = "name a WAV, FLAC, MP3 or Ogg file"
        raise PipelineError(f"{clip}: is no clip that can be played ({error}); {way_out}") from error
    with TemporaryDirectory() as folder, serving(model) as address, sync_playwright() as playwright:
        soundfile.write(wav := Path(folder, "clip.wav"), samples, rate)  # Chromium plays silence for anything else
        browser = launch(playwright, wav)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="dark" if dark else "light")
        page.goto(address)
        page.click("#microphone")
        page.wait_for_selector("[data-state=listening]")
        page.wait_for_timeout(1000 * len(samples) / rate)
        page.click("#microphone")
        page.wait_for_selector("[data-state=answered]")
        page.mouse.move(0, 0)
        page.wait_for_timeout(SETTLED_MS)
        taken = Image.open(io.BytesIO(page.screenshot(full_page=True)))
        kept = page.locator(".fill").evaluate_all(BAR_COLOURS)
        browser.close()
    _in_few_colours(taken.convert("RGB"), kept).save(picture, optimize=True)


def _in_few_colours(picture: Image.Image, kept: list[int]) -> Image.Image:
    """Return `picture` in 256 colours, less than half of the bytes; `kept` ones, three levels each, are among them."""
    colours = 256 - len(kept) // 3
    palette = Image.new("P", (1, 1))
    palette.putpalette([*(picture.quantize(colours).getpalette() or [])[: 3 * colours], *kept])
    return picture.quantize(palette=palette)


def main() -> None:
    """Read argv and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, help="a WAV, FLAC, MP3 or Ogg file")
    parser.add_argument("picture", type=Path, help="a PNG file")
    parser.add_argument("--model", type=Path, help="another model than the released one")
    parser.add_argument("--dark", action="store_true", help="as at night")
    args = parser.parse_args()
    photograph(args.clip, args.picture, args.model, dark=args.dark)


if __name__ == "__main__":
    run(main)
