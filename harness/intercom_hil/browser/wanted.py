"""What is to stand in a form's fields: a configuration, right or wrong, by the settings of a portal map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intercom_hil.browser.portal_map import PROXY, PortalMap, Setting
from intercom_hil.spec.settings import SipSettings

CERTIFICATE = "ca_certificate"
CERTIFICATE_FILE = "ca.pem"
"""The setting that is uploaded, and the name of the file with it."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to be uploaded."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Odd:
    """What no person could enter, and is submitted round the browser all the same: a switch that is 2."""

    text: str


Value = str | bool | list[str] | File | Odd | None
"""Of a setting: a text as the bench spells it, a switch, entries of a list, a file; None leaves it alone."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to stand in the form.

    Attributes:
        values: by the names of settings in the map.
        impossible: settings of the configuration that the form has no way to enter.
    """

    values: Mapping[str, Value]
    impossible: tuple[str, ...] = ()


def wanted(form: Mapping[str, object], portal_map: PortalMap) -> Wanted:
    """Return what a configuration, as JSON has it, means for the fields of a form.

    What a form lacks is impossible only where it is wanted otherwise than it is without the form.
    """
    values: dict[str, Value] = {}
    impossible: dict[str, None] = {}
    for name, value in _flat(form, portal_map, impossible).items():
        setting = portal_map.settings.get(name)
        if setting is None:
            if not _usual(name, value):
                impossible[name.partition(".")[0]] = None
            continue
        try:
            values[name] = _entered(setting, value)
        except ValueError:
            impossible[name.partition(".")[0]] = None
    return Wanted(values, tuple(impossible))


def _flat(
    form: Mapping[str, object], portal_map: PortalMap, impossible: dict[str, None]
) -> dict[str, object]:
    """Return a configuration with the proxy's fields beside the others."""
    flat = {name: value for name, value in form.items() if name != PROXY}
    inner = [name for name in portal_map.settings if name.startswith(f"{PROXY}.")]
    proxy = form.get(PROXY)
    if PROXY not in form:
        return flat
    if proxy is not None and not isinstance(proxy, Mapping):
        impossible[PROXY] = None
    elif proxy is not None:
        flat |= {PROXY: True} if PROXY in portal_map.settings else {}
        flat |= {f"{PROXY}.{name}": value for name, value in proxy.items()}
    elif PROXY in portal_map.settings:
        flat[PROXY] = False
    else:
        flat |= dict.fromkeys(inner, "")
    return flat


def _usual(name: str, value: object) -> bool:
    field = SipSettings.model_fields.get(name)
    if value in (None, "", [], ()):
        return True
    return field is not None and not field.is_required() and value == field.get_default()


def _entered(setting: Setting, value: object) -> Value:
    """Return a value as it is entered. Raises ValueError: it cannot be."""
    match setting.kind:
        case "switch":
            return value if isinstance(value, bool) else Odd(_text(value))
        case "list" | "lines":
            if not isinstance(value, list | tuple):
                raise ValueError("a list is needed")
            entries = [_text(entry) for entry in value]
            if "" in entries:
                raise ValueError("an empty box is no entry")
            return entries
        case "file":
            return File(CERTIFICATE_FILE, _text(value).encode("utf-8", "surrogatepass")) if value else None
        case "choice" | "radio" if isinstance(value, bool):
            return _text(value) if _text(value) in setting.values else Odd(str(value))
    return _text(value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("a text is needed")
