"""What breaks around a command: one clear line, nothing half-written, and the next run heals."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.faults import Command, commands, temporary, written
from tests.pipeline import read_stages
from tests.small_corpora import contents
from tests.workspace import ROOT, Workspace

# A full disk fails a write as this limit does: in the middle. It holds for the stage alone, not for what starts it.
LIMITED = """if True:
    import resource, runpy, sys
    sys.argv = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(0)),) * 2)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
ONE_OF_EACH = list({name.partition("@")[0]: name for name in read_stages(ROOT / "dvc.yaml")}.values())
SHARDS = "data/spectrograms/image/tess"
SPECTROGRAMS = "spectrograms@image-tess"


def error_line(printed: str) -> str:
    """Return the one line that says what went wrong."""
    assert "Traceback" not in printed
    [line] = [line for line in printed.splitlines() if line.startswith("error: ")]
    return line


@pytest.fixture(scope="module")
def shared(finished_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished workspace for the tests that leave it as they found it."""
    return finished_workspace.copy(tmp_path_factory.mktemp("faults") / "workspace")


def run_limited(workspace: Workspace, command: Command, limit_bytes: int) -> str:
    return workspace.run(sys.executable, "-c", LIMITED, str(limit_bytes), *command.argv, code=1)


@pytest.mark.parametrize("stage", ONE_OF_EACH)
def test_a_full_disk(stage: str, shared: Workspace, tmp_path: Path) -> None:
    [command] = [one for one in commands(shared.root) if one.name == stage]
    whole, elsewhere = written(command, shared.root), tmp_path / "outputs"
    largest = max(len(content) for files in whole.values() for content in files.values())
    for out in command.outs:  # as DVC does before a stage, and to have them back
        (elsewhere / out).parent.mkdir(parents=True, exist_ok=True)
        (shared.root / out).rename(elsewhere / out)
    try:
        line = error_line(run_limited(shared, command, largest // 2))
        assert "cannot be written (File too large); make space there, then repeat" in line
        assert any(place in line for place in (*command.outs, tempfile.gettempdir()))  # where a model is quantised
        for out, found in written(command, shared.root).items():
            assert found == whole[out], f"{out} is half"
        assert temporary(shared.root) == []
    finally:
        for out in command.outs:
            path = shared.root / out
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            (elsewhere / out).rename(path)


def test_after_a_full_disk_the_next_run_writes_what_an_undisturbed_one_does(shared: Workspace) -> None:
    [command] = [one for one in commands(shared.root) if one.name == SPECTROGRAMS]
    whole = written(command, shared.root)
    shutil.rmtree(shared.root / SHARDS)
    run_limited(shared, command, 1000)
    shared.run(sys.executable, "-m", *command.argv)
    assert written(command, shared.root) == whole
    assert temporary(shared.root) == []


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder that nobody may write to: for root, whom modes do not stop, a file system mounted read-only."""
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.getuid():
        folder.chmod(0o500)
        yield folder
        return
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=4k", "tmpfs", folder]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no right to mount a read-only file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    "stage", ["fetch@tess", "labels", "split", SPECTROGRAMS, "pretrained@image", "evaluate@image", "fuse"]
)
def test_a_read_only_target(stage: str, shared: Workspace, read_only: Path) -> None:
    [command] = [one for one in commands(shared.root) if one.name == stage]
    there = sorted({*command.outs, *(str(Path(out).parent) for out in command.outs)} & set(command.argv))
    argv = [f"{read_only}/{Path(part).name}" if part in there else part for part in command.argv]
    assert argv != command.argv
    line = error_line(shared.run(sys.executable, "-m", *argv, code=1))
    assert line.startswith(f"error: {read_only}")
    assert "; make its folder one that you may write to, then repeat" in line


def test_a_corpus_folder_that_disappears_while_spectrograms_are_made(shared: Workspace, tmp_path: Path) -> None:
    raw, away = shared.root / "data/raw/tess", tmp_path / "away"
    target = tmp_path / "tess"
    command = (sys.executable, "-m", "stages.spectrograms", "image", "tess", "data/raw/tess", str(target))
    process = shared.start(*command)
    try:
        with process:
            assert process.stdout
            printed = next(line for line in process.stdout if " of 28 clips" in line)
            raw.rename(away)
            printed += process.stdout.read()
    finally:
        if away.exists():
            away.rename(raw)
    assert process.returncode == 1, printed
    assert error_line(printed).startswith("error: data/raw/tess")
    assert not target.exists()
    assert temporary(tmp_path) == []
    shared.stage("spectrograms", "image", "tess", "data/raw/tess", str(target))
    assert contents(target) == contents(shared.root / SHARDS)


def cached(workspace: Workspace, path: Path) -> Path:
    """Return where DVC's cache has the content of the file `path`."""
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    return workspace.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def test_a_flipped_byte_in_the_cache_is_neither_trained_on_nor_reused(workspace: Workspace) -> None:
    shard = workspace.root / SHARDS / "OAF.safetensors"
    whole, copy = shard.read_bytes(), cached(workspace, shard)
    mode = copy.stat().st_mode
    copy.chmod(0o644)
    copy.write_bytes(whole[:-10] + bytes([whole[-10] ^ 1]) + whole[-9:])
    copy.chmod(mode)
    shutil.rmtree(workspace.root / SHARDS)
    workspace.dvc("checkout", SHARDS)
    assert shard.read_bytes() != whole, "DVC does not look into its cache: the stages must"

    workspace.set_param("image.low.epochs", 2)
    line = error_line(workspace.dvc("repro", "--single-item", "finetune@image_low", code=255))
    assert f"error: {SHARDS}: has md5 " in line
    way_out = f"dvc repro --force --single-item {SPECTROGRAMS}"
    assert line.endswith(f"run `python -m tools.cache_check`, `{way_out}`, then `dvc repro`")

    printed = workspace.dvc(*way_out.split()[1:])
    assert f"{SHARDS}: not all of it can be reused: OAF.safetensors (DVC's cache held other bytes as" in printed
    assert f"{SPECTROGRAMS}: 14 reused, 14 computed, 0 dropped" in printed
    assert shard.read_bytes() == copy.read_bytes() == whole
    assert workspace.repro("--single-item", "finetune@image_low") == {"finetune@image_low"}


def test_a_shard_cut_short(workspace: Workspace) -> None:
    shard = workspace.root / SHARDS / "OAF.safetensors"
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    line = error_line(workspace.dvc("repro", "--force", "--single-item", "evaluate@image", code=255))
    assert line.startswith(f"error: {SHARDS}/OAF.safetensors: is no readable shard (")
    assert line.endswith("; run `dvc repro` or `dvc pull`")
    workspace.repro()
    assert shard.read_bytes() == whole
    assert workspace.git("status", "--porcelain") == ""


class Remote(SimpleHTTPRequestHandler):
    """A web server over a DVC cache that misbehaves as `fault` says."""

    fault = ""

    def do_GET(self) -> None:
        if self.fault == "hangs":
            time.sleep(5)
        elif self.fault == "answers 500":
            self.send_error(500)
        elif self.fault == "gives other bytes" and self.command == "GET" and not self.path.endswith(".dir"):
            size = Path(self.translate_path(self.path)).stat().st_size
            self.send_response(200)
            self.send_header("Content-Length", str(size))
            self.end_headers()
            self.wfile.write(bytes(size))
        else:
            super().do_GET() if self.command == "GET" else super().do_HEAD()

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("fault", ["answers 500", "hangs", "gives other bytes"])
def test_a_remote_that(fault: str, shared: Workspace, tmp_path: Path) -> None:
    clone = Workspace(tmp_path)
    shared.git("clone", "-q", str(shared.root), str(clone.root))
    handler = type("Faulty", (Remote,), {"fault": fault})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(shared.root / ".dvc/cache")))
    server.daemon_threads, server.block_on_close = True, False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        settings = {"verify": "true", "read_timeout": "0.1"}  # docs/remotes.md has both, and a longer time
        lines = [f"url = http://127.0.0.1:{server.server_port}", *(f"{key} = {settings[key]}" for key in settings)]
        text = "[core]\n    remote = storage\n['remote \"storage\"']\n    " + "\n    ".join(lines) + "\n"
        (clone.root / ".dvc/config.local").write_text(text)
        printed = clone.dvc("pull", SHARDS, code=1)
        assert (
            f"ERROR: failed to pull data from the cloud - Checkout failed for following targets:\n{SHARDS}\n" in printed
        )
        assert "Traceback" not in printed
        assert not (clone.root / SHARDS).exists()
        handler.fault = ""
        clone.dvc("pull", SHARDS)
        assert contents(clone.root / SHARDS) == contents(shared.root / SHARDS)
    finally:
        server.shutdown()
        server.server_close()
