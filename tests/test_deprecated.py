"""Deprecated names work, and warn where they are used."""

import pytest

import fluxum
from fluxum.deprecated import RENAMED, Deprecated

OLD = Deprecated("Doubt", instead="Uncertainty", gone_in="0.5.0")
TEXT = "Doubt is deprecated and will be gone in 0.5.0: use Uncertainty"


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_a_renamed_name_is_the_new_one_and_warns_at_the_line_that_uses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(RENAMED, "Doubt", OLD)

    with pytest.warns(DeprecationWarning, match="use Uncertainty") as caught:
        found = getattr(fluxum, "Doubt")  # noqa: B009 - a type checker does not know the name

    assert found is fluxum.Uncertainty
    assert [(str(one.message), one.filename) for one in caught] == [(TEXT, __file__)]


def test_a_deprecated_function_does_the_same_and_warns_at_its_callers_line() -> None:
    @OLD
    def double(number: int, *, more: int = 0) -> int:
        return 2 * number + more

    with pytest.warns(DeprecationWarning, match="use Uncertainty") as caught:
        assert double(2, more=1) == 5

    assert double.__name__ == "double"
    assert [(str(one.message), one.filename) for one in caught] == [(TEXT, __file__)]


def test_a_name_that_never_was_is_no_deprecated_one() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Doubt'"):
        getattr(fluxum, "Doubt")  # noqa: B009


def test_what_is_deprecated_leads_to_a_public_name_and_is_gone_when_its_version_is_there() -> None:
    for name, deprecated in RENAMED.items():
        assert name not in fluxum.__all__
        assert deprecated.instead in fluxum.__all__
        assert numbers(deprecated.gone_in) > numbers(fluxum.__version__)
