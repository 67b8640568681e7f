"""Checks of this machine."""

from pathlib import Path

from fluxum.doctor import Outcome
from fluxum.doctor.machine import check_folder, check_machine


def test_how_fluxum_runs_here_is_shown() -> None:
    checks = {one.name: one for one in check_machine()}

    assert "Python 3." in checks["fluxum"].result
    assert checks["fluxum"].outcome is not Outcome.FAILED
    assert int(str(checks["open files"].figures["files_max"])) > 0


def test_a_folder_that_can_be_made_is_well_and_is_not_made(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"

    check = check_folder("journals", folder)

    assert check.outcome is not Outcome.FAILED
    assert check.result.startswith(f"{folder} can be written, ")
    assert not folder.exists()


def test_what_is_below_a_file_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    check = check_folder("tapes", tmp_path / "file" / "tapes")

    assert (check.name, check.outcome) == ("tapes", Outcome.FAILED)
    assert "cannot be written" in check.result
    assert str(tmp_path / "file") in check.advice
