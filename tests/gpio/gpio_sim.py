"""Simulated GPIO chips of the kernel (gpio-sim): made through configfs, seen and pulled through sysfs."""

import itertools
from pathlib import Path

_CONFIGFS = Path("/sys/kernel/config/gpio-sim")
_NUMBERS = itertools.count()


def available() -> bool:
    """Return whether this kernel can simulate GPIO chips, and this user may have it do so."""
    return _CONFIGFS.is_dir()


class SimulatedChip:
    """A chip with named lines that is there until it is unplugged.

    Attributes:
        label: the chip's label.
        path: its device.
    """

    def __init__(self, *names: str) -> None:
        self.label = f"bench-{next(_NUMBERS)}"
        self._names = names
        self._device = _CONFIGFS / self.label
        self._bank = self._device / "bank0"
        self._device.mkdir()
        self._bank.mkdir()
        (self._bank / "num_lines").write_text(str(len(names)))
        (self._bank / "label").write_text(self.label)
        for number, name in enumerate(names):
            (self._bank / f"line{number}").mkdir()
            (self._bank / f"line{number}" / "name").write_text(name)
        self._there = True
        (self._device / "live").write_text("1")
        name = (self._bank / "chip_name").read_text().strip()
        self.path = f"/dev/{name}"
        self._sysfs = Path("/sys/devices/platform", (self._device / "dev_name").read_text().strip(), name)

    def level(self, line: int) -> bool:
        """Return the level on a line's wire."""
        return (self._sysfs / f"sim_gpio{line}" / "value").read_text().strip() == "1"

    def pull(self, line: int, up: bool) -> None:
        """Pull a line's wire up or down from outside."""
        (self._sysfs / f"sim_gpio{line}" / "pull").write_text("pull-up" if up else "pull-down")

    def unplug(self) -> None:
        """Take the chip away; nothing happens when it is gone."""
        if not self._there:
            return
        self._there = False
        (self._device / "live").write_text("0")
        for folder in (*sorted(self._bank.glob("line*")), self._bank, self._device):
            folder.rmdir()
