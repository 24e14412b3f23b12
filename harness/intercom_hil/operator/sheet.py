"""The settings sheet: what a person types into the device's form, what changes first.

Its fields are labelled as in the form. The same values go to whatever stands in for the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from intercom_hil.operator.question import SheetField

LABELS = {
    "enabled": "SIP",
    "server_address": "Server address",
    "server_port": "Server port",
    "polling_interval": "Polling interval (s)",
    "transport": "Transport",
    "ca_certificate": "CA certificate",
    "encryption": "Encryption",
    "auth_username": "Authentication username",
    "auth_password": "Authentication password",
    "display_name": "Display name",
    "extension": "SIP extension",
    "call_number": "Call number",
    "further_numbers": "Further numbers, in this order",
    "microphone_volume": "Microphone volume",
    "speaker_volume": "Speaker volume",
    "call_timeout": "Call timeout (s)",
    "video_calls": "Video calls",
    "allow_incoming": "Allow incoming calls",
    "permitted_callers": "Permitted callers",
    "proxy": "SIP proxy",
}
"""What the fields are called unless the bench file says how this device calls them."""

_Value = TypeVar("_Value")
CERTIFICATE = "ca_certificate"
CERTIFICATE_FILE = "ca.pem"
"""The field whose value is uploaded, and the name of the file with it."""


def sheet(
    form: Mapping[str, Any], standing: Mapping[str, Any] | None, labels: Mapping[str, str]
) -> tuple[SheetField, ...]:
    """Return the fields of a form, those to be changed first.

    Args:
        form: what is wanted, as JSON has it.
        standing: what stands in the device; None if that is not known.
        labels: what the device calls its fields.
    """
    names = {**LABELS, **labels}
    fields = [
        SheetField(
            name=name,
            label=names.get(name, name),
            value=value,
            changed=standing is None or name not in standing or standing[name] != value,
        )
        for name, value in form.items()
    ]
    return tuple(sorted(fields, key=lambda field: not field.changed))


def entered(field: SheetField) -> str:
    """Write what a person does with a field: a value to type, or a file to upload."""
    if field.name == CERTIFICATE and isinstance(field.value, str):
        return f"upload the file {CERTIFICATE_FILE}"
    return in_words(field.value)


def in_words(value: object) -> str:
    """Write a value as a person enters it, one line for each entry of a list.

    What cannot be seen (control characters, spaces at the ends) is written as an escape sequence, in quotes.
    """
    if value is None or value == "" or value == []:
        return "(empty)"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {in_words(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(in_words(item) for item in value)
    text = str(value)
    if all(character.isprintable() or character == "\n" for character in text) and text == text.strip():
        return text
    return ascii(text)


def spread(values: Sequence[_Value], most: int) -> list[_Value]:
    """Return at most so many of the values, evenly spread from the first to the last."""
    if len(values) <= most:
        return list(values)
    if most == 1:
        return [values[0]]
    step = (len(values) - 1) / (most - 1)
    return [values[round(index * step)] for index in range(most)]


def titled(fields: tuple[SheetField, ...]) -> str:
    """Name what changes, without any value."""
    changed = [field.label for field in fields if field.changed]
    if not changed:
        return "nothing changes"
    if len(changed) == len(fields):
        return "all fields"
    return ", ".join(changed)
