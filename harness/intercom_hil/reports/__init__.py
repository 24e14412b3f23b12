"""Reports on a run, made from its run directory and nothing else.

What enters is a run directory; what leaves are files for readers, written into it.

A renderer is a function ``write(run) -> Path``: it takes a run as it was read, writes one file into the run's
folder, and returns its path. Those that come along and those of other distributions are in one registry.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from intercom_hil import extensions
from intercom_hil.extensions import ExtensionError, Registry
from intercom_hil.run_folder.errors import ReportError
from intercom_hil.run_folder.records import Run
from intercom_hil.run_folder.run import read_run

__all__ = ["RENDERERS", "ReportError", "Run", "chosen", "render"]

Renderer = Callable[[Run], Path]


def _renderer(loaded: Any) -> Renderer:
    if not callable(loaded):
        raise TypeError("it cannot be called")
    renderer: Renderer = loaded
    return renderer


RENDERERS: Registry[Renderer] = Registry(extensions.RENDERERS, _renderer)
"""Every report format by name."""
_OF_EVERY_RUN = ("junit", "html")
_ON_DEMAND = ("pdf-annex",)
ALL = "all"
"""The name that stands for every format, but for what is as long as the run and is asked for by its name."""


def chosen(names: Iterable[str] = (), *, besides: bool = False) -> list[str]:
    """Return the formats that are asked for, each once and in the order of the registry.

    Args:
        names: names of formats, or ``all``; of none, the default: JUnit, HTML, and those of other
            distributions.
        besides: whether these come besides the default.

    Raises:
        ReportError: there is no such format.
    """
    wanted = set(names)
    if unknown := sorted(wanted - {*RENDERERS, ALL}):
        raise ReportError(
            "there is no such report format", ", ".join(unknown), f"use {', '.join([*RENDERERS, ALL])}"
        )
    if not wanted or besides:
        wanted.update(name for name in RENDERERS if name in _OF_EVERY_RUN or RENDERERS.origin(name))
    return [name for name in RENDERERS if name in wanted or (ALL in wanted and name not in _ON_DEMAND)]


def present(run_folder: Path) -> list[str]:
    """Return the formats of which a report lies in a run directory, as far as they say what they write."""
    found = []
    for name, renderer in RENDERERS.usable(RENDERERS):
        module = sys.modules.get(getattr(renderer, "__module__", ""))
        written = getattr(module, "FILE_NAME", "") or getattr(module, "FOLDER_NAME", "")
        if written and (run_folder / written).exists():
            found.append(name)
    return found


def render(run_folder: Path, formats: Iterable[str] | None = None) -> list[Path]:
    """Write reports into a run directory; one that cannot be written does not keep the others from it.

    Args:
        run_folder: the directory with run.json; a partial run is reported as such.
        formats: their names, as ``chosen`` returns them; the default ones unless given.

    Returns:
        The files written.

    Raises:
        ReportError: the folder holds no readable run; or reports could not be written: it names each, and has
            the files that were.
    """
    run = read_run(run_folder)
    written: list[Path] = []
    problems: list[ReportError] = []
    for name, renderer in RENDERERS.usable(chosen() if formats is None else formats):
        try:
            if isinstance(renderer, ExtensionError):
                raise ReportError(renderer.what, f"report {name}", renderer.remedy)
            written.append(_written(name, renderer, run))
        except ReportError as problem:
            problems.append(problem)
    if problems:
        raise ReportError.of(problems, written)
    return written


def _written(name: str, renderer: Renderer, run: Run) -> Path:
    origin = RENDERERS.origin(name)
    try:
        path = renderer(run)
    except OSError as problem:
        raise ReportError(
            f"it cannot be written ({problem.strerror})",
            str(problem.filename or run.folder),
            "make the run directory writable and see that the disk is not full",
        ) from problem
    except Exception as problem:
        if not origin:
            raise
        raise ReportError(
            f"the renderer of {origin} failed ({type(problem).__name__}: {problem})",
            f"report {name}",
            f"mend or uninstall {origin}",
        ) from problem
    if not isinstance(path, Path):
        raise ReportError(
            f"the renderer of {origin} returned no path", f"report {name}", "have it return what it wrote"
        )
    return path
