"""A real scheduler and real workers on loopback: what they give, and what happens where they fail."""

import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from pathlib import Path

import psutil
import pytest
from distributed import Client, get_task_stream

from speech_emotion.cache import spectrograms, workers
from speech_emotion.cache.spectrograms import cache_spectrograms, clip_mel
from speech_emotion.core.errors import PipelineError
from speech_emotion.core.params import read_settings
from speech_emotion.encoders import protocol
from tests.servers import free_port, running
from tests.small_corpora import contents, tone, write_clip, write_corpus
from tests.sounds import ROOT, SETTINGS
from tests.workspace import create

LOOPBACK = "tcp://127.0.0.1:"
DASK = (sys.executable, "-P", "-m", "dask")  # -P: of no folder but those on PYTHONPATH
VERSIONS = partial(spectrograms.versions, "image", SETTINGS)


@dataclass(frozen=True)
class Worker:
    address: str
    pid: int


@dataclass(frozen=True)
class Scheduler:
    """A running scheduler, a client of it, and a folder for logs."""

    address: str
    client: Client
    folder: Path

    @contextmanager
    def worker(self, project: Path = ROOT) -> Iterator[Worker]:
        """Run a worker that imports what lies in `project` before what is installed."""
        port = free_port()
        # Without a nanny, which would start another in the place of one that was killed.
        command = (
            *DASK,
            "worker",
            self.address,
            "--no-nanny",
            "--nthreads",
            1,
            "--no-dashboard",
            "--worker-port",
            port,
        )
        with running(command, port, self.folder / f"{port}.log", PYTHONPATH=str(project)) as pid:
            worker = Worker(f"{LOOPBACK}{port}", pid)
            while worker.address not in self.client.scheduler_info(n_workers=-1)["workers"]:
                time.sleep(0.05)
            yield worker


@pytest.fixture(scope="module")
def scheduler_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scheduler]:
    port, folder = free_port(), tmp_path_factory.mktemp("cluster")
    with scheduler_at(port, folder, ROOT), Client(f"{LOOPBACK}{port}", set_as_default=False) as client:
        yield Scheduler(f"{LOOPBACK}{port}", client, folder)


def scheduler_at(port: int, folder: Path, project: Path) -> AbstractContextManager[int]:
    command = (*DASK, "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
    # A task may take one worker with it, and not a second.
    environment = {"PYTHONPATH": str(project), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    return running(command, port, folder / "scheduler.log", **environment)


@pytest.fixture
def scheduler(scheduler_of_all: Scheduler, monkeypatch: pytest.MonkeyPatch) -> Scheduler:
    """A scheduler without workers; the environment names it."""
    monkeypatch.setenv(workers.ADDRESS, scheduler_of_all.address)
    return scheduler_of_all


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return write_corpus("tess", tmp_path / "raw")


def cache(raw: Path, target: Path) -> None:
    cache_spectrograms("image", "tess", raw, target, SETTINGS, committed=[], jobs=1)


def test_the_stage_has_the_bytes_that_it_has_without_a_cluster(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, workspace = "spectrograms@image-tess", create(tmp_path)
    with monkeypatch.context() as without:
        without.delenv(workers.ADDRESS)
        workspace.repro(stage)
    shards, lock = contents(workspace.root / "data/spectrograms"), (workspace.root / "dvc.lock").read_bytes()
    with scheduler.worker() as one, scheduler.worker() as other, get_task_stream(scheduler.client) as tasks:
        printed = workspace.dvc("repro", "--force", "--single-item", stage)
    assert ": 0 reused, 28 computed, 0 dropped" in printed
    assert {task["worker"] for task in tasks.data} == {one.address, other.address}
    assert contents(workspace.root / "data/spectrograms") == shards
    assert (workspace.root / "dvc.lock").read_bytes() == lock


def test_a_worker_that_is_killed_at_work_costs_no_byte(
    scheduler: Scheduler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in range(64):
        write_clip(tmp_path / f"raw/OAF_word{place}_fear.wav", tone(300 + place, 24414, duration_s=2))
    with monkeypatch.context() as without:
        without.delenv(workers.ADDRESS)
        cache(tmp_path / "raw", tmp_path / "without")
    stage = (sys.executable, "-m", "stages.spectrograms", "image", "tess", tmp_path / "raw", tmp_path / "with")
    with scheduler.worker() as killed, scheduler.worker():
        with subprocess.Popen(stage, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            while not scheduler.client.processing().get(killed.address):
                assert process.poll() is None
                time.sleep(0.02)
            psutil.Process(killed.pid).kill()
            assert process.stdout
            assert "0 reused, 64 computed, 0 dropped" in process.stdout.read()
        assert killed.address not in scheduler.client.scheduler_info(n_workers=-1)["workers"]
    assert contents(tmp_path / "with") == contents(tmp_path / "without")


def test_a_call_that_kills_one_worker_after_the_other_is_one_line(scheduler: Scheduler, tmp_path: Path) -> None:
    deadly = tmp_path / "deadly.py"
    deadly.write_text("import os\nos._exit(1)")
    with (
        scheduler.worker(),
        scheduler.worker(),
        pytest.raises(PipelineError, match=r"killed one worker after the other, .*; give each worker more, or unset"),
        workers.results(runpy.run_path, [(deadly,)], dict, tmp_path, jobs=1) as found,
    ):
        list(found)


def test_a_cluster_whose_last_worker_is_gone_is_not_awaited_for_ever(
    scheduler: Scheduler, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = (raw / "YAF_fear/YAF_food_fear.wav", "image", SETTINGS)

    def until_it_is_killed(pid: int) -> None:
        with workers.results(clip_mel, repeat(call, 20_000), VERSIONS, raw, jobs=1) as found:
            next(found)
            psutil.Process(pid).kill()
            list(found)

    with scheduler.worker() as only:
        cache(raw, tmp_path / "target")  # its imports take longer than it is given from here on
        monkeypatch.setattr(workers, "SILENCE_S", 3)
        with pytest.raises(PipelineError, match=r"no worker gave anything for 3 s .*; start them again"):
            until_it_is_killed(only.pid)


def test_a_broken_clip_is_named_as_it_lies_here(scheduler: Scheduler, raw: Path, tmp_path: Path) -> None:
    broken = raw / "YAF_fear/YAF_food_fear.wav"
    broken.write_bytes(broken.read_bytes()[:20])
    with scheduler.worker(), pytest.raises(PipelineError, match=rf"^{broken}: cannot be decoded") as caught:
        cache(raw, tmp_path / "target")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "target").exists()


def copy_code(folder: Path) -> Path:
    shutil.copytree(ROOT / "speech_emotion", folder / "speech_emotion", ignore=shutil.ignore_patterns("released"))
    return folder


def edit(folder: Path) -> None:
    file = folder / "speech_emotion/audio.py"
    file.write_text(file.read_text(encoding="utf-8").replace("TRIM_HOP_S = 0.016", "TRIM_HOP_S = 0.01"))


def other_code(folder: Path) -> str:
    edit(copy_code(folder))
    return r"speech-emotion's code is [0-9a-f]{12} and here [0-9a-f]{12}"


def other_library(folder: Path) -> str:
    (folder / "soxr-0.0.1.dist-info").mkdir(parents=True)
    (folder / "soxr-0.0.1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: soxr\nVersion: 0.0.1\n")
    (folder / "speech_emotion").symlink_to(ROOT / "speech_emotion")
    return r"soxr is 0\.0\.1 and here \d"


def no_project(folder: Path) -> str:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("import sys\nsys.modules['speech_emotion'] = None")
    return r"lacks the project, or has another version of it \(.*'speech_emotion' is not a package"


@pytest.mark.parametrize("project", [other_code, other_library, no_project])
def test_a_worker_that_would_give_other_bytes_is_refused(
    scheduler: Scheduler, raw: Path, tmp_path: Path, project: Callable[[Path], str]
) -> None:
    complaint = project(tmp_path / "project")
    with scheduler.worker(tmp_path / "project") as stranger:
        with pytest.raises(PipelineError, match=f"^worker {stranger.address}: {complaint}.*; install the same commit"):
            cache(raw, tmp_path / "target")
        assert not (tmp_path / "target").exists()


def test_one_that_comes_later_is_refused_too(scheduler: Scheduler, raw: Path, tmp_path: Path) -> None:
    complaint = other_code(tmp_path / "project")
    call = (raw / "YAF_fear/YAF_food_fear.wav", "image", SETTINGS)
    with (
        scheduler.worker(),
        workers.results(clip_mel, repeat(call, 20_000), VERSIONS, raw, jobs=1) as found,
    ):
        next(found)
        with scheduler.worker(tmp_path / "project"), pytest.raises(PipelineError, match=complaint):
            list(found)


def test_a_worker_is_what_it_imported_whatever_its_files_have_become(
    scheduler: Scheduler, raw: Path, tmp_path: Path
) -> None:
    kind = protocol.settings("speech").FrontendSettings
    of_speech = partial(
        spectrograms.versions, "speech", read_settings(ROOT / "params.yaml", "speech.spectrograms", kind)
    )
    with scheduler.worker(copy_code(tmp_path / "project")) as worker:
        cache(raw, tmp_path / "target")
        edit(tmp_path / "project")
        assert scheduler.client.run(of_speech) == {worker.address: of_speech()}


def test_a_scheduler_without_the_project_is_refused(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    complaint, port = no_project(tmp_path / "project"), free_port()
    address = f"{LOOPBACK}{port}"
    monkeypatch.setenv(workers.ADDRESS, address)
    with (
        scheduler_at(port, tmp_path, tmp_path / "project"),
        Client(address, set_as_default=False) as client,
        Scheduler(address, client, tmp_path).worker(),
        pytest.raises(PipelineError, match=f"^scheduler {address}: {complaint}"),
    ):
        cache(raw, tmp_path / "target")


def test_without_a_scheduler_a_worker_or_dask_the_way_out_is_named(
    scheduler: Scheduler, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "ANSWER_S", 1)
    way_out = "or unset DASK_SCHEDULER_ADDRESS to work on this machine$"
    with pytest.raises(
        PipelineError, match=f"^{scheduler.address}: the scheduler has no worker; start `.*`.*{way_out}"
    ):
        cache(raw, tmp_path / "target")
    for address in (f"{LOOPBACK}{free_port()}", "nonsense://here"):
        monkeypatch.setenv(workers.ADDRESS, address)
        with pytest.raises(PipelineError, match=f"is {address}, where no scheduler answers .*{way_out}"):
            cache(raw, tmp_path / "target")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PipelineError, match=f"Dask is not installed; .*{way_out}"):
        cache(raw, tmp_path / "target")
