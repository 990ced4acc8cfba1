"""Good archives come out whole; hostile ones are refused before anything is written."""

import stat
import zipfile
from pathlib import Path

import pytest

from speech_emotion.core.errors import PipelineError
from speech_emotion.fetching import archives
from speech_emotion.fetching.archives import unpack


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def refusal(archive: Path, folder: Path) -> str:
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(PipelineError) as caught:
        unpack(archive, folder)
    assert sorted(folder.parent.rglob("*")) == before
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    target = tmp_path / "unpacked"
    target.mkdir()
    return target


def test_files_and_folders_come_out(tmp_path: Path, folder: Path) -> None:
    entries = {
        "Actor_01/": b"",
        "Actor_01/one.wav": b"1",
        "two.wav": b"2",
        "Actor_02\\": b"",
        "Actor_02\\three.wav": b"3",
    }
    unpack(zipped(tmp_path / "a.zip", entries), folder)
    assert (folder / "Actor_02" / "three.wav").read_bytes() == b"3"
    assert (folder / "Actor_01" / "one.wav").read_bytes() == b"1"
    assert (folder / "two.wav").read_bytes() == b"2"


@pytest.mark.parametrize("name", ["../out.wav", "a/../../out.wav", "/tmp/out.wav", "..\\out.wav", "C:/out.wav"])
def test_no_entry_leaves_the_folder(tmp_path: Path, folder: Path, name: str) -> None:
    archive = zipped(tmp_path / "a.zip", {"good.wav": b"1", name: b"2"})
    unpack(archive, folder)
    inside = sorted(path.read_bytes() for path in folder.rglob("*.wav"))
    assert inside == [b"1", b"2"]
    assert sorted(tmp_path.iterdir()) == [archive, folder]


def test_a_symbolic_link_comes_out_as_a_file(tmp_path: Path, folder: Path) -> None:
    link = zipfile.ZipInfo("Actor_01")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc")
    unpack(tmp_path / "a.zip", folder)
    assert not (folder / "Actor_01").is_symlink()


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path, folder: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"zeros.wav": bytes(10_000_000)})
    assert "would unpack to 10000000 bytes" in refusal(archive, folder)


def test_a_size_that_lies_is_no_way_around_the_bounds(tmp_path: Path, folder: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"zeros.wav": bytes(10_000_000)})
    # The size stands in the entry's own header and in the directory at the end.
    archive.write_bytes(archive.read_bytes().replace((10_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(PipelineError, match="cannot be unpacked"):
        unpack(archive, folder)
    assert sum(path.stat().st_size for path in folder.rglob("*")) <= 1000


def test_bounds_on_entries_and_bytes(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = zipped(tmp_path / "a.zip", {"1.wav": b"1" * 50, "2.wav": b"2" * 51})
    monkeypatch.setattr(archives, "MAX_UNPACKED_BYTES", 100)
    assert "would unpack to 101 bytes, more than 100" in refusal(archive, folder)
    monkeypatch.setattr(archives, "MAX_ENTRIES", 1)
    assert "has 2 entries, more than 1" in refusal(archive, folder)


def test_an_encrypted_entry_is_refused(tmp_path: Path, folder: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"1.wav": b"1"})
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # general purpose flags in the directory
    archive.write_bytes(content)
    assert "is encrypted" in refusal(archive, folder)


def test_damage_is_one_clear_line(tmp_path: Path, folder: Path) -> None:
    archive = zipped(tmp_path / "a.zip", {"1.wav": b"1" * 1000})
    (tmp_path / "half.zip").write_bytes(archive.read_bytes()[:50])
    assert refusal(tmp_path / "half.zip", folder).startswith(
        f"{tmp_path / 'half.zip'}: cannot be unpacked (File is not"
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_damaged_byte_of_an_archive_is_one_clear_line(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "whole.zip", "w", method) as archive:
        archive.writestr("1.wav", bytes(range(256)) * 4)
    whole = (tmp_path / "whole.zip").read_bytes()
    complaints = []
    for place in range(len(whole)):
        (tmp_path / "a.zip").write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        (tmp_path / str(place)).mkdir()
        try:
            unpack(tmp_path / "a.zip", tmp_path / str(place))
        except PipelineError as error:
            complaints.append(str(error))
    assert len(complaints) > len(whole) / 2  # dates and the like may say what they want
    assert all(complaint.startswith(str(tmp_path / "a.zip")) for complaint in complaints)


def test_a_flipped_byte_is_found(tmp_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("1.wav", b"samples")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace(b"samples", b"simples"))
    with pytest.raises(PipelineError, match="Bad CRC-32"):
        unpack(tmp_path / "a.zip", folder)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ((b"PK\3\4", 8, b"PK\1\2", 10), 9, "compression"),  # Deflate64, as Windows Explorer packs big files
        ((b"PK\1\2", 46, b"PK\1\2", 46), 0xE9, "utf-8"),  # Latin-1 that calls itself UTF-8
        ((b"PK\3\4", 30, b"PK\3\4", 30), 0xE9, "utf-8"),  # the same in the entry's own header only
    ],
)
def test_foreign_packings_and_names_are_one_clear_line(
    tmp_path: Path, folder: Path, place: tuple[bytes, int, bytes, int], value: int, reason: str
) -> None:
    archive = zipped(tmp_path / "a.zip", {"1\xfc.wav": bytes(1000)})
    content = bytearray(archive.read_bytes())
    for mark, offset in (place[:2], place[2:]):
        content[content.index(mark) + offset] = value
    archive.write_bytes(content)
    complaint = refusal(archive, folder)
    assert complaint.startswith(f"{archive}: cannot be unpacked (")
    assert reason in complaint
    assert "\n" not in complaint


def test_a_full_disk_is_the_disk_s_fault_not_the_archive_s(tmp_path: Path, full_disk: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("1.wav", bytes(100_000))
    with pytest.raises(PipelineError, match=r"disk/.*: cannot be written \(No space left on device\)"):
        unpack(archive, full_disk / "unpacked")
