"""Exponents and a million clips on paper, from figures whose growth is known; and what a command costs."""

import os
import sys
from pathlib import Path

import pytest

from benchmark.growth_page import Step, write_page
from benchmark.made_up_speech import write_corpus
from benchmark.measuring import measure
from speech_emotion.audio import decode
from speech_emotion.core.errors import PipelineError
from speech_emotion.corpora import own
from tests.small_corpora import write_corpus as write_tones

CLIPS = (24, 424, 4240, 42400)


def step(power: float, *, start_s: float = 2.0, factor: float = 1e-2) -> Step:
    times_s = [start_s + factor * clips**power for clips in CLIPS]
    return Step("one", CLIPS, times_s, times_s, [100.0 + clips / 100 for clips in CLIPS])


@pytest.mark.parametrize("power", [0.8, 1.0, 1.3])
def test_the_exponent_is_that_of_the_time_beyond_the_start(power: float) -> None:
    one = step(power)
    found = one.exponent(one.wall_s)
    assert found
    assert found.p == pytest.approx(power, abs=1e-3)
    assert 0.01 < found.error < 0.1, "5 % of noise in each of four times"
    beyond_s = 1e-2 * 42400**power
    assert one.wall_on_paper_s(10**6) == pytest.approx(2 + beyond_s * (10**6 / 42400) ** max(power, 1.0), rel=0.03)


def test_times_that_fall_with_the_clips_do_not_fall_below_the_start() -> None:
    one = Step("one", CLIPS, (0.8, 0.9, 0.7, 0.6), (0.8, 0.9, 0.7, 0.6), (90.0,) * 4)
    assert one.wall_on_paper_s(10**6) == 0.8


def test_noise_of_the_start_does_not_make_a_step_steep() -> None:
    noisy = Step("one", CLIPS, (5.0, 5.9, 23.3, 199.5), (5.0, 5.9, 23.3, 199.5), (90.0,) * 4)
    found = noisy.exponent(noisy.cpu_s)
    assert found
    assert found.p == pytest.approx(1.05, abs=0.01), "the slope beyond the first time is 1.18"
    assert noisy.wall_on_paper_s(10**6) < 199.5 * 10**6 / 42400 * 1.2


def test_a_rise_at_the_last_size_alone_has_no_exponent() -> None:
    times_s = (1.4, 1.3, 1.4, 6.6)
    assert Step("one", CLIPS, times_s, times_s, (90.0,) * 4).exponent(times_s) is None


def test_what_takes_no_more_than_the_start_has_no_exponent() -> None:
    one = step(1.0, factor=1e-6)
    assert one.exponent(one.wall_s) is None


def test_memory_goes_on_in_a_line() -> None:
    one = step(1.0)
    assert one.memory_on_paper_mb(10**6) == pytest.approx(100 + 10**4)
    assert one.clips_in(1100) == pytest.approx(10**5)


def test_the_page_says_what_is_beyond_the_limit(tmp_path: Path) -> None:
    sizes = [
        {
            "clips": clips, "speakers": 8, "shards": 16, "pushed": 20,
            "costs": {
                name: {"wall_s": 1 + 0.01 * clips**power, "cpu_s": 1 + 0.01 * clips**power, "memory_mb": 90 + clips}
                for name, power in {"labels": 1.0, "spectrograms, image": 1.2, "one epoch, image": 0.9}.items()
            },
        }
        for clips in CLIPS
    ]  # fmt: skip
    write_page({"cores": 2, "sizes": sizes}, tmp_path / "growth.md", tmp_path / "growth.png")
    page = (tmp_path / "growth.md").read_text(encoding="utf-8")
    assert "by more than twice the error, in the processor's time: spectrograms, image." in page
    assert (tmp_path / "growth.png").stat().st_size > 10_000


def test_made_up_speech_is_a_corpus_of_the_same_sounds_under_other_names(tmp_path: Path) -> None:
    real = write_tones("tess", tmp_path / "tess")
    write_corpus(tmp_path / "grown", [real], speakers=2, clips=3)
    clips = own.read_clips("grown", tmp_path / "grown")
    assert sorted({clip.speaker for clip in clips.values()}) == ["grown/s00000", "grown/s00001"]
    assert len({decode(path)[0].tobytes() for path in clips}) == 6


def test_a_command_costs_what_all_its_processes_cost(tmp_path: Path) -> None:
    child = "held = bytearray(200 << 20); import time; time.sleep(1); sum(range(10 ** 7))"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    cost = measure([sys.executable, "-c", code], tmp_path, os.environ)
    assert cost.memory_mb > 200
    assert cost.wall_s > 1
    assert cost.cpu_s > 0.05


def test_a_command_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match="ended with 3: no luck"):
        measure([sys.executable, "-c", "import sys; print('no luck'); sys.exit(3)"], tmp_path, os.environ)
