"""What the proof consists of: faults, lawful variants and bench faults, each to be played by itself.

The tables are those of the tests: ``tests/faults/fault_table.py``, ``tests/faults/test_broken_parts.py`` and
``variants.py`` beside this.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from intercom_hil.emulator.faults import EXPLORED, OF_PAGES
from tests.faults.fault_table import BROKEN, CRASHES, FEARED, SHOWN_BY
from tests.faults.test_broken_parts import HANGS, NOW, TABLE
from tests.proof.variants import VARIANTS

FAULT, VARIANT, BENCH_FAULT = "fault", "variant", "bench-fault"
KINDS = (FAULT, VARIANT, BENCH_FAULT)
ROWS, FIRST, FAMILY, WHOLE = "its rows", "its first family", "its family", "the whole run"
EXPLORE, TEST, PAGES = "explore", "its test", "its rows, in a browser"
AGAINST_WHOLE = 40
"""Faults that are played against the whole run as well."""
EVERY_SAMPLED = 6
"""Of so many variants a sample has one."""
BENCH_TESTS = {
    "the-clock-is-set": "test_broken_parts.py::test_a_clock_that_is_set_is_an_error",
    **{
        f"{way}-in-{scenario.removeprefix('test_').replace('_', '-')}": "test_broken_parts.py::"
        f"test_a_device_that_hangs_is_never_a_pass_and_ends_with_the_run[{way}-{scenario}]"
        for way in sorted(HANGS)
        for scenario in ("test_in_call", "test_in_the_cleaning_up", "test_between")
    },
    **{
        way.replace("_", "-"): "test_broken_evidence.py::"
        f"test_a_scenario_that_cannot_be_kept_is_an_error_on_record_and_the_last[{way}-{told}]"
        for way, told in (
            ("full_disk", "No space left on device"),
            ("full_disk_for_all", "No space left on device"),
            ("no_scenario_folder", "No such file"),
        )
    },
    "no-run-folder": "test_broken_evidence.py::test_a_run_whose_folder_is_removed_ends_with_one_message",
}
"""Bench faults that a test of their own plays."""


@dataclass(frozen=True)
class Entry:
    """One thing to be played.

    Attributes:
        kind: of ``KINDS``.
        name: by which the table has it.
        against: which scenarios it meets.
        expected: the rows that it breaks.
        chosen: the requirements or families whose scenarios are played; empty plays all.
    """

    kind: str
    name: str
    against: str
    expected: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What tells it from the others."""
        return f"{self.kind} {self.name} against {self.against}"

    @property
    def family(self) -> str:
        """The family of the rows that it breaks."""
        return " ".join(sorted({row.partition("-")[0] for row in self.expected}))


def _fault(name: str, against: str) -> Entry:
    shown_by = {row.partition("-")[0] for row in SHOWN_BY[name]} if against == FAMILY else SHOWN_BY[name]
    return Entry(
        FAULT, name, against, tuple(sorted(BROKEN[name])), () if against == WHOLE else tuple(sorted(shown_by))
    )


def covering(names: Iterable[str]) -> Iterator[str]:
    """Yield, of these faults, each that breaks a row which none before it breaks."""
    covered: set[str] = set()
    for name in names:
        if not BROKEN[name] <= covered:
            covered |= BROKEN[name]
            yield name


def complete() -> list[Entry]:
    """Return the whole proof in the order in which it is played.

    What is played against the whole run meets its family there, and is not played against that alone.
    """
    faults = sorted(BROKEN.keys() - CRASHES)
    whole = list(dict.fromkeys([*sorted(FEARED), *covering(faults)]))[:AGAINST_WHOLE]
    return [
        *(Entry(VARIANT, variant.name, WHOLE) for variant in VARIANTS),
        *(_fault(name, WHOLE) for name in whole),
        *(_fault(name, FAMILY) for name in faults if name not in whole),
        *_bench_faults(),
        *_of_pages(),
        *(Entry(FAULT, name, EXPLORE, tuple(sorted(make.breaks))) for name, make in EXPLORED.items()),
    ]


def quick() -> list[Entry]:
    """Return each once, against as little as shows it: faults their rows, variants one family."""
    faults = sorted(BROKEN.keys() - CRASHES)
    return [
        *(Entry(VARIANT, variant.name, FIRST, (), variant.families[:1]) for variant in VARIANTS),
        *(_fault(name, ROWS) for name in faults),
        *_of_pages(),
        *_bench_faults(),
    ]


def sample() -> list[Entry]:
    """Return of the quick ones some that cover: for each row a fault, and some variants and bench faults."""
    faults = set(covering(sorted(BROKEN.keys() - CRASHES)))
    variants = {variant.name for variant in VARIANTS[::EVERY_SAMPLED]}
    parts = {f"{scenario} {way}" for scenario, ways in NOW.items() for way in ways}
    chosen = {FAULT: faults, VARIANT: variants, BENCH_FAULT: parts}
    return [entry for entry in quick() if entry.name in chosen[entry.kind]]


def _of_pages() -> list[Entry]:
    """Return the faults of the portal's pages; the one that breaks nothing is played against all of them."""
    broken = {name: tuple(sorted(make().breaks)) for name, make in OF_PAGES.items()}
    return [Entry(FAULT, name, PAGES, rows, rows) for name, rows in sorted(broken.items())]


def _bench_faults() -> list[Entry]:
    parts = [Entry(BENCH_FAULT, f"{name} {way}", TEST) for name, way, _ in TABLE if way not in HANGS]
    return parts + [Entry(BENCH_FAULT, name, TEST) for name in BENCH_TESTS]
