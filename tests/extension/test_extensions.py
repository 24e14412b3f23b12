"""Names that installed distributions register: found when asked for, and harmless until then."""

import pytest

from intercom_hil.extensions import COMES_ALONG, ExtensionError, Registry
from tests.extension.installed import installed

GROUP = "intercom_hil.somethings"
TWO = f"""
    [{GROUP}]
    whole = odd_things:WHOLE
    torn = torn_things:TORN
    absent = odd_things:ABSENT
    wrong = odd_things:WRONG
"""


def number(loaded):
    if not isinstance(loaded, int):
        raise TypeError("it is no number")
    return loaded


@pytest.fixture
def registry(tmp_path):
    modules = {"odd_things": "WHOLE = 7\nWRONG = 'seven'\n", "torn_things": "import no_such_module_at_all\n"}
    with installed(tmp_path / "odd", "odd-lab", TWO, **modules):
        yield Registry(GROUP, number)


def test_a_name_is_found_and_loaded_when_asked_for(registry):
    assert list(registry) == ["whole", "torn", "absent", "wrong"]
    assert registry["whole"] == 7
    assert registry.origin("whole") == "odd-lab 1.2"
    assert "nothing" not in registry
    with pytest.raises(KeyError):
        registry["nothing"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("torn", "No module named 'no_such_module_at_all'"),
        ("absent", "has no attribute 'ABSENT'"),
        ("wrong", r"\(it is no number\)"),
    ],
)
def test_what_cannot_be_used_names_its_distribution(registry, name, reason):
    with pytest.raises(ExtensionError, match=reason) as problem:
        registry[name]
    assert "the distribution odd-lab 1.2" in str(problem.value)
    assert "mend or uninstall odd-lab 1.2" in problem.value.remedy


def test_what_is_broken_does_not_hide_the_rest(registry):
    found = dict(registry.usable())
    assert found["whole"] == 7
    assert [name for name, value in found.items() if isinstance(value, ExtensionError)] == [
        "torn",
        "absent",
        "wrong",
    ]


def test_two_distributions_with_one_name_are_told_apart_by_uninstalling(tmp_path):
    entry = f"[{GROUP}]\nsame = same_thing:ONE\n"
    with (
        installed(tmp_path / "a", "lab-a", entry, same_thing="ONE = 1"),
        installed(tmp_path / "b", "lab-b", entry),
    ):
        registry = Registry(GROUP, number)
        with pytest.raises(ExtensionError, match=r"lab-. 1\.2, lab-. 1\.2 all register it"):
            registry["same"]


@pytest.mark.parametrize(("group", "name"), [(g, n) for g, names in COMES_ALONG.items() for n in names])
def test_what_comes_along_is_there(group, name):
    registry = Registry(group, lambda loaded: loaded)
    assert registry[name] is not None
    assert registry.origin(name) == ""
