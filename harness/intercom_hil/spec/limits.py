"""What a device takes as settings: the range and number of values (``[device.limits]``).

A scenario asks for values within the limits. Where a requirement cannot be tried within them, that is
inconclusive, and the limit is named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from intercom_hil.spec.settings import (
    LONGEST_CALL_TIMEOUT,
    LONGEST_NAME,
    LONGEST_POLLING,
    LONGEST_TEXT,
    MOST_NUMBERS,
    SipSettings,
)

RECOMMENDED_POLLING = 30
"""Seconds: the recommended minimum of the polling interval; below it there is a warning (CFG-05)."""
USUAL_POLLING = 3600
"""Seconds: the recommended polling interval (CFG-05)."""
Codec = Literal["alaw", "ulaw"]

_Range = tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
_Length = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Excess:
    """A setting that a device does not take.

    Attributes:
        setting: its name in the form.
        limit: the name of the limit.
        taken: what is within the limit, in words.
        value: what was wanted.
    """

    setting: str
    limit: str
    taken: str
    value: object

    def __str__(self) -> str:
        needed = _short(self.value)
        return f"the device takes {self.taken} (device.limits.{self.limit}), and the scenario needs {needed}"


class Limits(BaseModel):
    """What the device takes. The defaults are as far as the bench goes: the page gives no limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    call_timeout: _Range = Field(
        default=(1, LONGEST_CALL_TIMEOUT), description="s: the shortest and the longest call timeout (CFG-17)"
    )
    polling_interval: _Range = Field(
        default=(1, LONGEST_POLLING), description="s: the shortest and the longest polling interval (CFG-05)"
    )
    contacts: Annotated[int, Field(ge=1, le=MOST_NUMBERS + 1)] = Field(
        default=MOST_NUMBERS + 1, description="contacts, the call number included (CFG-13, CFG-14)"
    )
    permitted_callers: Annotated[int, Field(ge=0, le=MOST_NUMBERS)] = Field(
        default=MOST_NUMBERS, description="entries of the list of permitted callers (CFG-20)"
    )
    extension_length: _Length = Field(default=LONGEST_NAME, description="characters of an extension (CFG-12)")
    username_length: _Length = Field(default=LONGEST_NAME, description="characters of a username (CFG-09)")
    password_length: _Length = Field(default=LONGEST_TEXT, description="characters of a password (CFG-10)")
    display_name_length: _Length = Field(
        default=LONGEST_TEXT, description="characters of the display name (CFG-11)"
    )
    letters_in_extension: bool = Field(default=True, description="an extension may have letters (CFG-12)")
    other_server_port: bool = Field(
        default=True, description="the port of the server can be changed (CFG-04); false: it is the usual one"
    )
    codecs: Annotated[tuple[Codec, ...], Field(min_length=1)] = Field(
        default=("alaw", "ulaw"), description="audio codecs that it has: PCMA, PCMU"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        for name in ("call_timeout", "polling_interval"):
            least, most = getattr(self, name)
            if least > most:
                raise ValueError(f"{name} must be [shortest, longest], and {least} s is longer than {most} s")
        return self

    @property
    def short_call_timeout(self) -> int:
        """The shortest call timeout (s)."""
        return self.call_timeout[0]

    @property
    def call_timeouts(self) -> tuple[int, int]:
        """Two call timeouts (s), the second twice the first where that is possible."""
        least, most = self.call_timeout
        return least, min(2 * least, most)

    @property
    def lasting_call_timeout(self) -> int:
        """A call timeout (s) that is longer than any transaction may take to be heard of (32 s).

        A device that gives up after 32 s is told from one that keeps to this within a tenth, and a wrong pace
        shows.
        """
        least, most = self.call_timeout
        return min(max(37, least), most)

    @property
    def short_polling_interval(self) -> int:
        """The shortest polling interval (s)."""
        return self.polling_interval[0]

    @property
    def steady_polling_interval(self) -> int:
        """A short polling interval (s) that distinguishes a check that comes too early from one in time."""
        least, most = self.polling_interval
        return min(max(2, least), most)

    @property
    def idle_polling_interval(self) -> int:
        """A polling interval (s) within which a scenario is over."""
        least, most = self.polling_interval
        return min(max(RECOMMENDED_POLLING, least), most)

    @property
    def slowness(self) -> float:
        """How many times longer a scenario may take for the sake of the shortest times that can be set."""
        return max(1.0, self.call_timeout[0] / 4, self.polling_interval[0] / 10)

    def nearest(self, name: Literal["call_timeout", "polling_interval"], wanted: int) -> int:
        """Return the value of a setting that is nearest to one that is wanted."""
        least, most = getattr(self, name)
        return int(min(max(wanted, least), most))

    def excess(
        self, wanted: Mapping[str, object] | SipSettings, usual_ports: tuple[int, ...] = ()
    ) -> Excess | None:
        """Return what the device does not take of some settings; None where it takes them all.

        Args:
            wanted: all settings, or some of them by name.
            usual_ports: the ports at which the server can be reached without changing the setting.
        """
        values = wanted.model_dump() if isinstance(wanted, SipSettings) else dict(wanted)
        if "further_numbers" in values or "call_number" in values:
            further = values.get("further_numbers", ())
            values["contacts"] = 1 + (len(further) if isinstance(further, list | tuple) else 0)
        if isinstance(values.get("permitted_callers"), list | tuple):
            values["permitted_callers"] = len(values["permitted_callers"])  # type: ignore[arg-type]
        for limit, setting, beyond, taken in self._rules(usual_ports):
            value = values.get(setting)
            if value is not None and beyond(value):
                return Excess("further_numbers" if setting == "contacts" else setting, limit, taken, value)
        return None

    def _rules(
        self, usual_ports: tuple[int, ...]
    ) -> tuple[tuple[str, str, Callable[[object], bool], str], ...]:
        """Return limit, setting, whether a value is beyond it, and what is within it in words."""

        def outside(bounds: tuple[int, int]) -> Callable[[object], bool]:
            return lambda value: isinstance(value, int) and not bounds[0] <= value <= bounds[1]

        def more(most: int) -> Callable[[object], bool]:
            return lambda value: isinstance(value, int) and value > most

        def longer(most: int) -> Callable[[object], bool]:
            return lambda value: isinstance(value, str) and len(value) > most

        def lettered(value: object) -> bool:
            return not self.letters_in_extension and isinstance(value, str) and not value.isdigit()

        def elsewhere(value: object) -> bool:
            return not self.other_server_port and bool(usual_ports) and value not in usual_ports

        timeout, polling = self.call_timeout, self.polling_interval
        return (
            (
                "call_timeout",
                "call_timeout",
                outside(timeout),
                f"a call timeout of {timeout[0]} to {timeout[1]} s",
            ),
            (
                "polling_interval",
                "polling_interval",
                outside(polling),
                f"a polling interval of {polling[0]} to {polling[1]} s",
            ),
            ("contacts", "contacts", more(self.contacts), f"{self.contacts} contacts at most"),
            (
                "permitted_callers",
                "permitted_callers",
                more(self.permitted_callers),
                f"{self.permitted_callers} permitted callers at most",
            ),
            *(
                (f"{name}_length", setting, longer(most), f"{most} characters at most")
                for name, setting, most in (
                    ("extension", "extension", self.extension_length),
                    ("username", "auth_username", self.username_length),
                    ("password", "auth_password", self.password_length),
                    ("display_name", "display_name", self.display_name_length),
                )
            ),
            ("letters_in_extension", "extension", lettered, "digits alone in an extension"),
            ("other_server_port", "server_port", elsewhere, "no other port of the server"),
        )


def _short(value: object) -> str:
    return f"{len(value)}: {value[:20]!r}…" if isinstance(value, str) and len(value) > 20 else str(value)
