"""Where the files are that come along with the library: scenarios and bench files.

A wheel has them inside the package. A checkout has them at the top, where people look for them.
"""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parents[1] if (PACKAGE.parents[1] / "pyproject.toml").is_file() else None
"""The top folder of the checkout that this is; None where it is installed."""


def _folder(name: str, in_checkout: str) -> Path:
    return PACKAGE / name if CHECKOUT is None else CHECKOUT / in_checkout


SCENARIOS = _folder("scenarios", "scenarios")
"""The compliance scenarios."""
BENCHES = _folder("benches", "fixtures/benches")
"""The bench files."""
DEFAULT_BENCH = BENCHES / "emulated.toml"
"""The bench that is used where none is named: the emulated intercom."""
