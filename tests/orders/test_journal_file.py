"""A file of one process at a time: held by what it is, and never half of itself."""

import errno
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fluxum.errors import OrderJournalError
from fluxum.orders.journal import JournalFile


@contextmanager
def opened(path: Path, first: bytes = b"first\n") -> Generator[JournalFile]:
    file = JournalFile(path, first)
    try:
        yield file
    finally:
        file.close()


def test_a_file_is_made_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal"

    with opened(path) as file:
        assert file.read() == b"first\n"
        file.append(b"second\n", is_synced=True)
        file.append(b"third\n", is_synced=False)
        assert file.read() == b"first\nsecond\nthird\n"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["journal"]
    with opened(path, b"not again\n") as file:
        assert file.read() == b"first\nsecond\nthird\n"


def test_writing_anew_keeps_the_lock_and_what_is_written_goes_on_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with opened(path) as file:
        file.append(b"second\n", is_synced=True)

        file.replace(b"anew\n")
        file.append(b"more\n", is_synced=True)

        assert path.read_bytes() == b"anew\nmore\n"
        with pytest.raises(OrderJournalError, match="held by another process"):
            JournalFile(path, b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["journal"]


def names(folder: Path) -> dict[str, Path]:
    """One journal by several names."""
    (folder / "real").mkdir()
    path = folder / "real" / "journal"
    JournalFile(path, b"first\n").close()
    (folder / "there").symlink_to(folder / "real")
    (folder / "symbolic").symlink_to(path)
    (folder / "relative").symlink_to("real/journal")
    (folder / "chain").symlink_to(folder / "symbolic")
    return {
        "itself": path,
        "symbolic": folder / "symbolic",
        "relative": folder / "relative",
        "chain": folder / "chain",
        "folder": folder / "there" / "journal",
        "dots": folder / "real" / ".." / "real" / "journal",
        "hard": folder / "hard",
    }


KINDS = ["itself", "symbolic", "relative", "chain", "folder", "dots", "hard"]


@pytest.mark.parametrize("second", KINDS)
@pytest.mark.parametrize("first", KINDS)
def test_whatever_it_is_called_it_has_one_owner(tmp_path: Path, first: str, second: str) -> None:
    known = names(tmp_path)
    known["hard"].hardlink_to(known["itself"])

    with opened(known[first]) as file:
        file.append(b"x\n", is_synced=True)
        message = f"{known[second].name} is held by another process"
        with pytest.raises(OrderJournalError, match=message):
            JournalFile(known[second], b"")

    with opened(known[second]) as file:
        assert file.read() == b"first\nx\n"


@pytest.mark.parametrize("name", ["symbolic", "relative", "chain", "folder"])
def test_writing_anew_writes_what_a_link_leads_to(tmp_path: Path, name: str) -> None:
    known = names(tmp_path)

    with opened(known[name]) as file:
        file.replace(b"anew\n")
        with pytest.raises(OrderJournalError, match="held"):
            JournalFile(known["itself"], b"")

    assert known["itself"].read_bytes() == b"anew\n"
    assert known["symbolic"].is_symlink()
    assert known["symbolic"].read_bytes() == b"anew\n"
    assert not known["itself"].is_symlink()


def test_a_link_to_no_file_yet_is_where_the_file_is_made(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "later"
    link.symlink_to(path)

    with opened(link) as file:
        file.append(b"x\n", is_synced=True)

    assert link.is_symlink()
    assert path.read_bytes() == b"first\nx\n"


def test_a_name_that_a_crash_left_while_the_file_was_made_is_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    JournalFile(path, b"first\n").close()
    (tmp_path / "journal.x7f3.new").hardlink_to(path)
    (tmp_path / "journal.other.new").write_bytes(b"of another crash")

    with opened(path) as file:
        assert file.has_one_name

    assert sorted(one.name for one in tmp_path.iterdir()) == ["journal", "journal.other.new"]


def test_a_file_with_several_names_says_so(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with opened(path) as file:
        assert file.has_one_name
        (tmp_path / "hard").hardlink_to(path)
        assert not file.has_one_name
        (tmp_path / "hard").unlink()
        assert file.has_one_name


@pytest.mark.parametrize("how", ["removed", "moved", "replaced"])
def test_nothing_is_written_where_it_would_not_be_found(tmp_path: Path, how: str) -> None:
    path = tmp_path / "journal"
    with opened(path) as file:
        if how == "removed":
            path.unlink()
        else:
            path.rename(tmp_path / "elsewhere")
        if how == "replaced":
            path.write_bytes(b"of somebody else\n")

        with pytest.raises(OrderJournalError, match="was moved or removed: nothing may be sent"):
            file.append(b"x\n", is_synced=True)
        with pytest.raises(OrderJournalError, match="was moved or removed"):
            file.replace(b"anew\n")

    assert not path.exists() or path.read_bytes() == b"of somebody else\n"


def test_what_can_be_no_journal_is_refused(tmp_path: Path) -> None:
    pipe, loop = tmp_path / "pipe", tmp_path / "loop"
    os.mkfifo(pipe)
    loop.symlink_to(loop)

    for odd, message in (
        (pipe, "no regular file"),
        (Path("/dev/full"), "no regular file"),
        (tmp_path, "cannot open .*Is a directory"),
        (tmp_path / "absent" / "journal", "cannot open .*No such file"),
        (pipe / "journal", "cannot open .*Not a directory"),
        (loop, "cannot open .*symbolic links"),
        (tmp_path / ("n" * 300), "cannot open .*too long"),
    ):
        with pytest.raises(OrderJournalError, match=message):
            JournalFile(odd, b"first\n")


def test_a_closed_file_is_not_written(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal", b"first\n")
    file.close()
    file.close()

    with pytest.raises(OrderJournalError, match="is not open: nothing may be sent"):
        file.append(b"x\n", is_synced=True)
    assert (tmp_path / "journal").read_bytes() == b"first\n"


def fail(*_arguments: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_writing_anew_that_fails_leaves_it_as_it_was(
    tmp_path: Path, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    with opened(path) as file:
        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            with pytest.raises(OrderJournalError, match=r"cannot write .*No space left"):
                file.replace(b"anew\n")
        assert path.read_bytes() == b"first\n"

        file.append(b"more\n", is_synced=True)
        file.replace(b"anew\n")

    assert path.read_bytes() == b"anew\n"


def test_a_new_name_that_may_not_be_on_disk_ends_the_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    real = os.fsync

    def sync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            fail()
        real(descriptor)

    with opened(path) as file:
        monkeypatch.setattr(os, "fsync", sync)
        with pytest.raises(OrderJournalError, match="cannot write"):
            file.replace(b"anew\n")
        with pytest.raises(OrderJournalError, match="is not open"):
            file.append(b"x\n", is_synced=True)
