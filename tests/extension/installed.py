"""A distribution as pip leaves it: modules and metadata in a folder on the path, for tests of extensions."""

import contextlib
import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from intercom_hil.device.configurator_kinds import CONFIGURATORS
from intercom_hil.event_sources.source_kinds import EVENT_SOURCES
from intercom_hil.instruments.registry import INSTRUMENTS
from intercom_hil.layouts.known import LAYOUTS
from intercom_hil.reports import RENDERERS
from intercom_hil.spec.catalogues import CATALOGUES


@contextlib.contextmanager
def installed(folder: Path, name: str, entry_points: str, **modules: str) -> Iterator[None]:
    """Have a distribution installed for a while.

    Args:
        folder: where its files go.
        name: what the distribution is called.
        entry_points: the text of its ``entry_points.txt``.
        modules: the source of each of its modules.
    """
    metadata = folder / f"{name.replace('-', '_')}-1.2.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(textwrap.dedent(entry_points))
    for module, source in modules.items():
        (folder / f"{module}.py").write_text(textwrap.dedent(source))
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    _forget()
    try:
        yield
    finally:
        _forget()
        sys.path.remove(str(folder))
        for module in modules:
            sys.modules.pop(module, None)


def _forget() -> None:
    """Have every registry look for distributions again, as a new process would."""
    for registry in (INSTRUMENTS, CONFIGURATORS, EVENT_SOURCES, LAYOUTS, RENDERERS, CATALOGUES):
        registry.forget()
