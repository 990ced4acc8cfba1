"""The fetch stage from end to end: every road that a corpus can come by, and what stops it."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soxr
import yaml

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching.manifest import read_manifest
from speech_emotion.fetching.manifest import write_manifest as write_rows
from speech_emotion.fetching.verify import check_clips
from stages.fetch import main
from tests.corpus_server import HANG, CorpusServer, wait_for, without_waits
from tests.fetching.test_fingerprint import babble
from tests.published import ROOT, real_corpora
from tests.small_corpora import (
    Tone,
    contents,
    tone,
    tones,
    write_clip,
    write_corpus,
    write_manifest,
)

DOI = "doi:10.1/TONES"
NOWHERE = {"kind": "archive", "path": "nowhere.zip", "md5": "00"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root with manifests, as the working folder, without SPEECH_CORPORA."""
    for corpus in ("ravdess", "tess"):
        write_manifest(corpus, tmp_path / f"{corpus}.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SPEECH_CORPORA", raising=False)
    without_waits(monkeypatch)
    return tmp_path


@pytest.fixture
def server() -> Iterator[CorpusServer]:
    with CorpusServer() as running:
        yield running


@pytest.fixture
def mirror(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that SPEECH_CORPORA names relative to the project's root."""
    monkeypatch.setenv("SPEECH_CORPORA", "copies")
    (project / "copies").mkdir()
    return project / "copies"


def fetch(corpus: str, source: Mapping[str, object] = NOWHERE) -> Mapping[str, bytes]:
    """Run the stage and return what it laid out."""
    section = {"source": dict(source)}
    Path("params.yaml").write_text(yaml.safe_dump({"corpora": {corpus: section}}))
    main([corpus, f"{corpus}.csv", f"raw/{corpus}"])
    return contents(Path("raw") / corpus)


def failure(corpus: str, source: Mapping[str, object] = NOWHERE) -> str:
    """Run the stage, check that it fails and leaves nothing behind, and return the error."""
    with pytest.raises(PipelineError) as caught:
        fetch(corpus, source)
    assert not contents(Path("raw"))
    return str(caught.value)


def zipped(folder: Path, name: Path) -> Path:
    return Path(shutil.make_archive(str(name.with_suffix("")), "zip", folder))


def zenodo(server: CorpusServer, archive: Path) -> dict[str, object]:
    content = archive.read_bytes()
    server.publish_zenodo("7", "speech.zip", content)
    md5 = hashlib.md5(content).hexdigest()
    size_bytes = len(content)
    return {
        "kind": "zenodo",
        "url": server.url,
        "record": "7",
        "file": "speech.zip",
        "size_bytes": size_bytes,
        "md5": md5,
    }


def dataverse(server: CorpusServer) -> dict[str, object]:
    return {"kind": "dataverse", "url": server.url, "doi": DOI, "file": "tess.zip"}


def github(server: CorpusServer) -> dict[str, object]:
    raw_url = server.url.replace("/api", "/raw")
    place = {"repository": "voices/tones", "commit": "c0ffee", "folder": "samples", "file": "tones-main.zip"}
    return {"kind": "github", "url": server.url, "raw_url": raw_url, **place}


def flat(clips: Mapping[str, bytes]) -> dict[str, bytes]:
    return {name.split("/")[-1]: content for name, content in clips.items()}


def test_ravdess_comes_from_zenodo(project: Path, server: CorpusServer) -> None:
    original = write_corpus("ravdess", project / "original")
    assert fetch("ravdess", zenodo(server, zipped(original, project / "a.zip"))) == contents(original)
    assert not (project / ".downloads" / "ravdess").exists()


def test_tess_comes_from_dataverse_and_gets_its_folders(project: Path, server: CorpusServer) -> None:
    original = contents(write_corpus("tess", project / "original"))
    server.publish_dataverse(DOI, {"README.md": b"# TESS", **flat(original)})
    assert fetch("tess", dataverse(server)) == original


def test_of_a_repository_the_clips_of_the_manifest_come(project: Path, server: CorpusServer) -> None:
    original = contents(write_corpus("tess", project / "original"))
    files = {f"samples/{name}": content for name, content in flat(original).items()}
    more = {"samples/YAF_zoo_sad.wav": b"not asked for", "samples/notes.txt": b"", "demo.wav": b"", "README.md": b""}
    paths = server.publish_github("voices/tones", "c0ffee", files | more)
    assert fetch("tess", github(server)) == original
    assert {name for name, path in paths.items() if server.requests[path]} == set(files)


def test_a_file_of_a_repository_is_compared_with_its_blob(project: Path, server: CorpusServer) -> None:
    original = contents(write_corpus("tess", project / "original"))
    paths = server.publish_github("voices/tones", "c0ffee", {f"samples/{n}": c for n, c in flat(original).items()})
    server.files[paths["samples/OAF_food_fear.wav"]] += b"more"
    assert re.search(
        r"OAF_food_fear\.wav from .* has not the checksum git:[0-9a-f]{40}", failure("tess", github(server))
    )


def test_a_local_archive_of_a_repository_may_have_more_clips(
    project: Path, mirror: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    original = write_corpus("tess", project / "original" / "tones-main")
    write_clip(original / "YAF_sad" / "YAF_zoo_sad.wav", tone(900, 24414))
    zipped(project / "original", mirror / "tones-main.zip")
    laid_out = fetch("tess", github(server))
    assert laid_out == {name: content for name, content in contents(original).items() if "zoo" not in name}
    assert "tess: left out 1 clips that the manifest does not name" in capsys.readouterr().out
    assert not server.requests


def test_an_interrupted_download_goes_on_where_it_stopped(project: Path, server: CorpusServer) -> None:
    original = contents(write_corpus("tess", project / "original"))
    paths = server.publish_dataverse(DOI, flat(original))
    lost = paths["YAF_food_neutral.wav"]
    server.faults[lost] = [404]
    server.waits[lost] = others_are_complete(project, len(paths) - 1)
    assert "YAF_food_neutral.wav from" in failure("tess", dataverse(server))
    server.waits.clear()
    assert fetch("tess", dataverse(server)) == original
    assert {path: server.requests[path] for path in paths.values()} == {
        path: 1 + (path == lost) for path in paths.values()
    }


@pytest.mark.parametrize("own", [None, "notes.txt", "OAF_Fear/.hidden"])
def test_a_corpus_that_is_there_is_not_downloaded(project: Path, server: CorpusServer, own: str | None) -> None:
    original = contents(write_corpus("tess", project / "raw" / "tess"))
    source = dataverse(server)
    if own:
        write_files(project / "raw" / "tess", {own: b"mine"})
    assert fetch("tess", source) == original
    assert not server.requests
    kept = contents(project / "raw" / "tess.kept")
    assert kept == ({**original, own: b"mine"} if own else {})


def test_an_incomplete_corpus_that_is_there_is_kept_and_said_why(
    project: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    original = contents(write_corpus("tess", project / "original"))
    server.publish_dataverse(DOI, flat(original))
    write_files(project / "raw" / "tess", dict(list(original.items())[1:]))
    assert fetch("tess", dataverse(server)) == original
    assert len(contents(project / "raw" / "tess.kept")) == len(original) - 1
    assert "tess: raw/tess is not taken (tess: 1 clips are missing: OAF_Fear/" in capsys.readouterr().out


def test_a_link_to_ones_own_folder_is_kept(project: Path, mirror: Path) -> None:
    original = write_corpus("tess", mirror / "tess")
    (project / "raw").mkdir()
    (project / "raw" / "tess").symlink_to(original)
    assert fetch("tess") == contents(original)
    assert (project / "raw" / "tess.kept").is_symlink()
    assert not (project / "raw" / "tess").is_symlink()


def others_are_complete(project: Path, count: int) -> Callable[[], bool]:
    return lambda: len(list((project / ".downloads" / "tess").glob("*.wav"))) == count


@pytest.mark.parametrize("shape", ["nested", "flat", "deeper", "linked"])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_local_folder_of_any_shape(project: Path, mirror: Path, shape: str, suffix: str) -> None:
    original = write_corpus("tess", project / "original", suffix)
    places: dict[str, Callable[[], object]] = {
        "nested": lambda: shutil.copytree(original, mirror / "tess"),
        "deeper": lambda: shutil.copytree(original, mirror / "tess" / "TESS data" / "clips"),
        "flat": lambda: write_files(mirror / "tess", flat(contents(original))),
        "linked": lambda: (mirror / "tess").symlink_to(original),
    }
    places[shape]()
    assert fetch("tess") == contents(original)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.mark.parametrize("name", ["ravdess/any.zip", "ravdess.zip", "nowhere.zip", "ravdess/nowhere.zip"])
def test_a_local_archive_under_any_name(project: Path, mirror: Path, name: str) -> None:
    original = write_corpus("ravdess", project / "original")
    (mirror / name).parent.mkdir(exist_ok=True)
    zipped(original, mirror / name)
    assert fetch("ravdess") == contents(original)


def test_among_local_archives_the_published_name_decides(project: Path, mirror: Path) -> None:
    original = write_corpus("ravdess", project / "original")
    (mirror / "ravdess").mkdir()
    (mirror / "ravdess" / "Audio_Song_Actors_01-24.zip").write_bytes(b"songs")
    published = zipped(original, mirror / "ravdess" / "nowhere.zip")
    assert fetch("ravdess") == contents(original)
    published.rename(mirror / "ravdess" / "other.zip")
    shutil.rmtree("raw")
    assert "which archive is it" in failure("ravdess")


def test_a_twice_nested_archive_gives_each_clip_once(project: Path, mirror: Path) -> None:
    original = write_corpus("tess", project / "original")
    doubled = project / "doubled" / "TESS Toronto emotional speech set data"
    shutil.copytree(original, doubled)
    shutil.copytree(original, doubled / "TESS Toronto emotional speech set data")
    zipped(project / "doubled", mirror / "tess.zip")
    assert fetch("tess") == contents(original)


def test_a_folder_that_does_not_exist_is_no_wish_to_download(
    project: Path, server: CorpusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEECH_CORPORA", "copise")
    assert failure("tess", dataverse(server)) == "SPEECH_CORPORA=copise: is no folder; correct or unset it"
    assert not server.requests


def test_a_local_folder_without_the_corpus_says_so_and_goes_on(
    project: Path, mirror: Path, server: CorpusServer, capsys: pytest.CaptureFixture[str]
) -> None:
    original = write_corpus("ravdess", project / "original")
    assert fetch("ravdess", zenodo(server, zipped(original, project / "a.zip"))) == contents(original)
    assert "SPEECH_CORPORA=copies holds neither ravdess/ with clips nor an archive of it" in capsys.readouterr().out


def test_an_archive_beside_the_project(project: Path) -> None:
    original = write_corpus("tess", project / "original")
    archive = zipped(original, project / "tess.zip")
    source = {"kind": "archive", "path": "tess.zip", "md5": hashlib.md5(archive.read_bytes()).hexdigest()}
    assert fetch("tess", source) == contents(original)
    shutil.rmtree("raw")
    assert failure("tess", source | {"md5": "00"}).startswith("tess.zip: has md5 ")
    assert failure("tess", source | {"path": "gone.zip"}).startswith("gone.zip: No such file or directory")


def test_a_resampled_copy_passes_and_is_counted(
    project: Path, mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, clip in tones("ravdess").items():
        narrow = soxr.resample(clip.samples, clip.sample_rate, 16000)
        write_clip(mirror / "ravdess" / f"{name}.flac", Tone(narrow, 16000))
    assert len(fetch("ravdess")) == 3
    assert (
        "ravdess: 3 are copies at another sample rate, with the published duration and fingerprint"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("clips", [("03-01-03-01-01-01-01", "03-01-04-01-01-01-01")])
def test_a_resampled_copy_with_two_clips_exchanged_is_refused(
    project: Path, mirror: Path, clips: tuple[str, str]
) -> None:
    pcm = [(babble(seed) * 2**14).astype(np.int16) for seed in range(2)]
    sounds = {f"Actor_01/{clip}": Tone(samples, 48000) for clip, samples in zip(clips, pcm, strict=True)}
    write_rows(Path("ravdess.csv"), [sound.published(name) for name, sound in sounds.items()])
    for name, sound in zip(sounds, list(sounds.values())[::-1], strict=True):
        write_clip(mirror / "ravdess" / f"{name}.flac", Tone(soxr.resample(sound.samples, 48000, 16000), 16000))
    message = failure("ravdess")
    assert message.startswith("ravdess: 2 of 2 clips are wrong; take them from where the corpus was published:\n")
    assert all(f"{clip}.flac: is another clip: its fingerprint is " in message for clip in clips)


def test_one_changed_sample_stops_the_stage_and_leaves_the_last_output(project: Path, mirror: Path) -> None:
    write_corpus("tess", mirror / "tess")
    before = fetch("tess")
    name, clip = next(iter(tones("tess").items()))
    clip.samples[5] ^= 1
    write_clip(mirror / "tess" / f"{name}.wav", clip)
    with pytest.raises(PipelineError, match=f"{name}.wav: holds other samples than published"):
        fetch("tess")
    assert contents(project / "raw" / "tess") == before
    assert [path.name for path in (project / "raw").iterdir()] == ["tess"]


def test_clips_that_are_missing_or_surplus_are_named(project: Path, mirror: Path) -> None:
    write_corpus("tess", mirror / "tess")
    lost = mirror / "tess" / "YAF_fear" / "YAF_food_fear.wav"
    lost.rename(lost.with_stem("YAF_bite_sad"))
    assert failure("tess") == "tess: 1 clips are missing: YAF_fear/YAF_food_fear; get a complete copy"
    lost.write_bytes(lost.with_stem("YAF_bite_sad").read_bytes())
    found = "tess: 1 clips are not in the manifest: YAF_fear/YAF_bite_sad; take them out, or describe them there"
    assert failure("tess") == found


@pytest.mark.parametrize(
    "content",
    [
        "clip,frames\n",
        "",
        "clip,sample_rate,channels,frames,pcm_md5,fingerprint\na,b,1,1,0,0123\n",
        "clip,sample_rate,channels,frames,pcm_md5,fingerprint\na,1,1,1,0,012\n",
        None,
    ],
)
def test_a_damaged_manifest(project: Path, content: str | None) -> None:
    Path("tess.csv").unlink()
    if content is not None:
        Path("tess.csv").write_text(content)
    assert failure("tess").startswith("tess.csv: is no manifest (")


def test_the_song_archive_is_refused(project: Path, mirror: Path) -> None:
    for code in range(1, 4):
        write_clip(mirror / "songs" / "Actor_01" / f"03-02-01-01-01-0{code}-01.wav", tone(300, 48000))
    zipped(mirror / "songs", mirror / "ravdess.zip")
    assert "is a song (channel 02); take RAVDESS's speech archive" in failure("ravdess")


def run_stage(project: Path, source: Mapping[str, object]) -> "subprocess.Popen[str]":
    section = {"source": dict(source)}
    (project / "params.yaml").write_text(yaml.safe_dump({"corpora": {"tess": section}}))
    command = [sys.executable, "-m", "stages.fetch", "tess", "tess.csv", "raw/tess"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_command_ends_with_one_line(project: Path, server: CorpusServer) -> None:
    process = run_stage(project, dataverse(server))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith(f"error: {server.url}/datasets/:persistentId/?persistentId={DOI}: the server answered 404")
    assert errors.count("\n") == 1


def test_ctrl_c_in_a_download_ends_at_once_and_keeps_complete_files(project: Path, server: CorpusServer) -> None:
    original = flat(contents(write_corpus("tess", project / "original")))
    paths = server.publish_dataverse(DOI, original)
    server.faults[paths["YAF_food_neutral.wav"]] = [HANG]
    process = run_stage(project, dataverse(server))
    wait_for(others_are_complete(project, len(paths) - 1))
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert errors.endswith("interrupted: no output was written\n")
    assert "Traceback" not in errors
    assert not (project / "raw" / "tess").exists()
    assert fetch("tess", dataverse(server))
    assert sum(server.requests[path] for path in paths.values()) == len(original) + 1


def test_linked_actors_count(project: Path, mirror: Path) -> None:
    original = write_corpus("ravdess", project / "original")
    (mirror / "ravdess").mkdir()
    for actor in original.iterdir():
        (mirror / "ravdess" / actor.name).symlink_to(actor)
    (mirror / "ravdess" / "all").symlink_to(mirror)
    assert fetch("ravdess") == contents(original)


@pytest.mark.parametrize(("corpus", "clips"), [("ravdess", 1440), ("tess", 2800)])
def test_the_real_corpora_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: str, clips: int) -> None:
    monkeypatch.setenv("SPEECH_CORPORA", str(real_corpora()))
    monkeypatch.chdir(ROOT)
    main([corpus, f"data/manifests/{corpus}.csv", str(tmp_path / corpus)])
    assert sum(path.is_file() for path in (tmp_path / corpus).rglob("*")) == clips


def test_two_real_clips_exchanged_in_a_resampled_copy_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = {row.clip: row for row in read_manifest(ROOT / "data/manifests/ravdess.csv")}
    angry, sad = "Actor_01/03-01-05-01-01-02-01", "Actor_01/03-01-04-01-01-02-01"
    paths = {clip: real_corpora() / f"ravdess/{clip}.flac" for clip in (angry, sad)}
    assert check_clips("ravdess", {paths[clip]: rows[clip] for clip in paths}) == 2
    exchanged = {
        paths[angry]: replace(rows[sad], frames=rows[angry].frames),
        paths[sad]: replace(rows[angry], frames=rows[sad].frames),
    }
    with pytest.raises(PipelineError, match="2 of 2 clips are wrong"):
        check_clips("ravdess", exchanged)
