"""Results between clones through real servers on loopback: S3, SSH, WebDAV, HTTP and a folder."""

import hashlib
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psutil
import pytest

from tests import servers
from tests.proxy import Proxy
from tests.servers import Server
from tests.small_corpora import contents
from tests.workspace import Workspace

Start = Callable[[Path], AbstractContextManager[Server]]
RECIPES = (Path(__file__).resolve().parents[2] / "docs" / "remotes.md").read_text(encoding="utf-8")
CORPORA = ("ravdess", "tess")
SHARDS = [f"data/spectrograms/{encoder}/{corpus}" for encoder in ("image", "speech") for corpus in CORPORA]
HIGH = "models/image/high.safetensors"
SPECTROGRAMS = [f"spectrograms@{encoder}-{corpus}" for encoder in ("image", "speech") for corpus in CORPORA]
# A new machine of the team: no audio, nor a place to get it from.
WITHOUT_AUDIO = ("--pull", "--allow-missing")
STORE = """if True:
    import hashlib, json, re
    is_hash = re.compile(r"[0-9a-f]{32}([.]dir)?").fullmatch  # DVC lists what a cut upload over SSH left, too
    from dvc.repo import Repo
    with Repo() as repo:
        store = repo.cloud.get_remote().odb
        files = {name: store.fs.cat_file(store.oid_to_path(name)) for name in store.all() if is_hash(name)}
    print()
    print(json.dumps({name: hashlib.md5(content).hexdigest() for name, content in files.items()}))
"""
PASTE = """if True:
    import shlex, sys
    from dvc.cli import main
    for line in sys.argv[1].splitlines():
        assert main(shlex.split(line)[1:]) == 0, line
"""


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")  # or a server that is down is tried for two minutes
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")


@pytest.fixture(params=[servers.s3, servers.ssh, servers.webdav], ids=["s3", "ssh", "webdav"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "server"
    folder.mkdir()
    with request.param(folder) as running:
        yield running
    assert not psutil.pid_exists(running.pid)


def recipe(name: str) -> str:
    """Return what a user pastes from the section `name` of docs/remotes.md."""
    found = re.search(rf"^### {name}\n.*?```sh\n(.*?)```", RECIPES, re.DOTALL | re.MULTILINE)
    assert found, f"docs/remotes.md has no recipe for {name}"
    return found[1]


def connect(workspace: Workspace, server: Server, port: int | None = None, **instead: str) -> None:
    """Paste the server's recipe with its own values; `port` is that of a proxy before it."""
    lines = recipe(server.recipe)
    for example, value in ({**server.examples} | instead).items():
        lines = re.sub(rf"(?<!\w){re.escape(example)}(?!\w)", value, lines)
    workspace.run(sys.executable, "-c", PASTE, lines.replace(f":{server.port}", f":{port or server.port}"))


def connect_folder(workspace: Workspace, folder: Path) -> None:
    workspace.run(sys.executable, "-c", PASTE, recipe("Folder").replace("/mnt/team/speech-emotion", str(folder)))


def colleague(workspace: Workspace, folder: Path) -> Workspace:
    """Clone `workspace` without its audio and cache, and with its remote."""
    workspace.commit()
    clone = workspace.clone(folder)
    local = workspace.root / ".dvc" / "config.local"
    (clone.root / ".dvc" / "config.local").write_text(local.read_text() if local.exists() else "")
    return clone


def share(workspace: Workspace, action: str, *options: str, code: int = 0) -> str:
    """Do what `make push` and `make pull` do after the set-up."""
    return workspace.run(sys.executable, "-m", "tools.sharing", action, *options, code=code)


def stored(workspace: Workspace) -> dict[str, str]:
    """Return the objects on the default remote, and the md5 of what each holds."""
    printed = workspace.run(sys.executable, "-c", STORE).splitlines()[-1]
    return {name: str(md5) for name, md5 in json.loads(printed).items()}


def audio_md5s(workspace: Workspace) -> set[str]:
    raw = contents(workspace.root / "data" / "raw")
    assert raw
    return {hashlib.md5(content).hexdigest() for content in raw.values()}


def shards(workspace: Workspace) -> dict[str, bytes]:
    return dict(contents(workspace.root / "data" / "spectrograms"))


def test_a_cut_push_is_completed_by_the_next_and_a_colleague_pulls_it(
    server: Server, workspace: Workspace, tmp_path: Path
) -> None:
    with Proxy(server.port, cut_after=300_000) as proxy:
        connect(workspace, server, proxy.port)
        printed = share(workspace, "push", code=1)
        assert proxy.is_cut
        assert "error: push: remote 'storage'" in printed
        proxy.restore()
        share(workspace, "push")
        objects = stored(workspace)
        assert {name: md5 for name, md5 in objects.items() if name.removesuffix(".dir") != md5} == {}
        assert not objects.keys() & audio_md5s(workspace)
        other = colleague(workspace, tmp_path / "other")
        share(other, "pull")
        for folder in ("data/spectrograms", "data/pictures", "models"):
            assert contents(other.root / folder) == contents(workspace.root / folder)
        assert other.repro("--allow-missing", *SPECTROGRAMS) == set()


@pytest.fixture(scope="module")
def pushed(finished_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A finished workspace that was pushed to the folder `remote` beside it. Change clones and copies of it only."""
    workspace = finished_workspace.copy(tmp_path_factory.mktemp("pushed") / "workspace")
    connect_folder(workspace, remote_of(workspace))
    share(workspace, "push")
    workspace.commit()
    return workspace


def remote_of(workspace: Workspace) -> Path:
    return workspace.folder.parent / "remote" / "speech-emotion"


def test_a_colleague_computes_and_pushes_what_is_new_alone(pushed: Workspace, tmp_path: Path) -> None:
    other = colleague(pushed, tmp_path / "other")
    shutil.copytree(remote_of(pushed), tmp_path / "remote")
    other.dvc("remote", "modify", "storage", "url", str(tmp_path / "remote"))
    before = stored(other)
    share(other, "pull")
    shutil.copytree(pushed.corpora, other.corpora)
    other.record("tess", "OAF_sad/OAF_back_sad", lowest_hz=700)
    assert "spectrograms@image-tess: 27 reused, 1 computed, 0 dropped" in other.dvc("repro", "spectrograms@image-tess")
    share(other, "push")
    after = stored(other)
    new = after.keys() - before.keys()
    changed = other.root / "data" / "spectrograms" / "image" / "tess" / "OAF.safetensors"
    assert {name for name in new if not name.endswith(".dir")} == {hashlib.md5(changed.read_bytes()).hexdigest()}
    assert len(new) == 2  # the shard, and the list of the corpus's shards
    assert not after.keys() & (audio_md5s(pushed) | audio_md5s(other))


def test_a_web_server_can_be_pulled_from_and_not_pushed_to(pushed: Workspace, tmp_path: Path) -> None:
    with servers.http(remote_of(pushed).parent) as server:
        other = colleague(pushed, tmp_path / "other")
        other.dvc("remote", "remove", "storage")
        connect(other, server)
        other.dvc("pull", *SHARDS)
        assert shards(other) == shards(pushed)
        assert other.repro("--allow-missing", *SPECTROGRAMS) == set()
        (other.root / "models" / "image").mkdir(parents=True, exist_ok=True)
        (other.root / "models" / "image" / "pretrained.safetensors").write_bytes(b"new")
        other.dvc("commit", "--force", "pretrained@image")
        assert "failed to push data to the cloud" in other.dvc("push", "pretrained@image", code=1)
        assert "is public" in share(other, "push", code=1)
    assert not psutil.pid_exists(server.pid)


@pytest.mark.parametrize(
    ("start", "instead"),
    [
        (servers.s3, {"SECRET": "wrong"}),
        (servers.s3, {"my-bucket": "nobodys-bucket"}),
        (servers.ssh, {"~/.ssh/id_ed25519": "nowhere"}),
        (servers.webdav, {"SECRET": "wrong"}),
    ],
    ids=["s3-secret", "s3-bucket", "ssh-key", "webdav-secret"],
)
def test_what_is_set_up_wrongly_is_named(
    start: Start, instead: dict[str, str], workspace: Workspace, tmp_path: Path
) -> None:
    folder = tmp_path / "server"
    folder.mkdir()
    with start(folder) as server:
        connect(workspace, server, **instead)
        assert_next_step(share(workspace, "push", code=1), "push", server)
        shutil.rmtree(workspace.root / ".dvc" / "cache")  # or nothing needs to be asked for
        assert_next_step(share(workspace, "pull", code=1), "pull", server)


def test_a_server_that_is_down_is_named(server: Server, workspace: Workspace) -> None:
    connect(workspace, server, port=servers.free_port())
    assert_next_step(share(workspace, "push", code=1), "push", server)


def assert_next_step(printed: str, action: str, server: Server) -> None:
    last = printed.splitlines()[-1]
    assert last.startswith(f"error: {action}: remote 'storage' ({server.recipe.lower()}://")
    assert f"Then `make {action}` again" in last
    assert "Traceback" not in printed


def test_without_audio_one_can_train_and_evaluate_and_others_need_not_do_it_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    connect_folder(workspace, tmp_path / "remote")
    share(workspace, "push")
    other = colleague(workspace, tmp_path / "other")
    other.set_param("image.high.epochs", 2)
    assert other.repro(*WITHOUT_AUDIO, "evaluate", "fuse") == {"finetune@image_high", "evaluate@image", "fuse"}
    assert not (other.root / "data" / "raw" / "tess").exists()
    share(other, "push")
    tried = results(other)

    # Back to what another clone computed; nobody committed the trial.
    other.set_param("image.high.epochs", 1)
    assert other.repro(*WITHOUT_AUDIO) == set()
    assert results(other) == results(workspace) != tried
    workspace.set_param("image.high.epochs", 2)
    assert workspace.repro("--pull") == set()
    assert results(workspace) == tried
    assert not stored(workspace).keys() & audio_md5s(workspace)


def results(workspace: Workspace) -> dict[str, bytes]:
    model = workspace.root / HIGH
    return {**contents(workspace.root / "metrics"), model.name: model.read_bytes()}


def test_what_is_needed_is_pulled_alone(pushed: Workspace, tmp_path: Path) -> None:
    other = colleague(pushed, tmp_path / "other")
    outputs = [*SHARDS, "data/pictures/image", "data/labels.csv", "models/image/low.safetensors", HIGH]
    there: set[str] = set()
    for command, brings in (
        (f"dvc pull {HIGH}", {HIGH}),
        ("dvc pull data/spectrograms/image/tess", {"data/spectrograms/image/tess"}),
        (
            "dvc pull data/spectrograms/image/ravdess data/spectrograms/image/tess",
            {"data/spectrograms/image/ravdess", "data/spectrograms/image/tess"},
        ),
    ):
        assert f"`{command}`" in RECIPES
        other.dvc(*command.split()[1:])
        there |= brings
        assert {output for output in outputs if (other.root / output).exists()} == there


def test_one_can_evaluate_without_audio_and_without_training(pushed: Workspace, tmp_path: Path) -> None:
    other = colleague(pushed, tmp_path / "other")
    share(other, "pull")
    assert other.repro("--force", "--single-item", "evaluate") == {"evaluate@image", "evaluate@speech"}
    assert results(other) == results(pushed)
    assert not (other.root / "data" / "raw" / "tess").exists()


def test_a_plain_push_leaves_the_audio_here(workspace: Workspace, tmp_path: Path) -> None:
    connect_folder(workspace, tmp_path / "remote")
    workspace.dvc("push", "--run-cache")
    assert len(stored(workspace)) > len(SHARDS)
    assert not stored(workspace).keys() & audio_md5s(workspace)


def test_a_remote_that_lost_something_is_not_taken_for_complete(pushed: Workspace, tmp_path: Path) -> None:
    remote = tmp_path / "remote"
    shutil.copytree(remote_of(pushed), remote)
    model = hashlib.md5((pushed.root / HIGH).read_bytes()).hexdigest()
    (remote / "files" / "md5" / model[:2] / model[2:]).unlink()
    other = colleague(pushed, tmp_path / "other")
    other.dvc("remote", "modify", "storage", "url", str(remote))
    printed = share(other, "pull", code=1)
    assert "models/image/high.safetensors" in printed
    assert "error: pull: remote 'storage'" in printed


@pytest.mark.parametrize("start", [servers.s3, servers.ssh, servers.webdav, servers.http])
def test_no_server_outlives_a_failing_test(start: Start, tmp_path: Path) -> None:
    def fail_beside_a_server() -> None:
        with start(tmp_path) as server:
            seen.append(server.pid)
            raise ZeroDivisionError

    seen: list[int] = []
    with pytest.raises(ZeroDivisionError):
        fail_beside_a_server()
    assert [pid for pid in seen if psutil.pid_exists(pid)] == []
    assert len(seen) == 1
