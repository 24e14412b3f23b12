"""What the form *SIP Configuration* calls its settings, letter for letter (CFG-01 to CFG-21)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormLabel:
    """The literal label of a setting, the group that it stands in, and the row that it belongs to."""

    requirement: str
    group: str
    label: str

    def __str__(self) -> str:
        return self.label if self.group in ("", self.label) else f"{self.group}, {self.label}"


FORM_LABELS = {
    "enabled": FormLabel("CFG-01", "", "SIP"),
    "server_address": FormLabel("CFG-03", "SIP Server", "Domain Name / IP Address"),
    "server_port": FormLabel("CFG-04", "SIP Server", "Port Number"),
    "polling_interval": FormLabel("CFG-05", "SIP Server", "Polling Interval (seconds)"),
    "transport": FormLabel("CFG-06", "SIP Server", "Transport Protocol"),
    "ca_certificate": FormLabel("CFG-07", "SIP Server", "TLS Certificates"),
    "encryption": FormLabel("CFG-08", "SIP Server", "Encryption"),
    "auth_username": FormLabel("CFG-09", "Identifying the Station", "Authentication Username"),
    "auth_password": FormLabel("CFG-10", "Identifying the Station", "Authentication Password"),
    "display_name": FormLabel("CFG-11", "Identifying the Station", "Display Name"),
    "extension": FormLabel("CFG-12", "Identifying the Station", "SIP Extension"),
    "call_number": FormLabel("CFG-13", "", "Call number"),
    "further_numbers": FormLabel("CFG-14", "Call number", "Call Further Number for no Answer"),
    "microphone_volume": FormLabel("CFG-15", "Call Options", "Microphone Volume"),
    "speaker_volume": FormLabel("CFG-16", "Call Options", "Speaker Volume"),
    "call_timeout": FormLabel("CFG-17", "Call Options", "Call Timeout"),
    "video_calls": FormLabel("CFG-18", "Call Options", "Video Calls"),
    "allow_incoming": FormLabel("CFG-19", "", "Allow Incoming Calls"),
    "permitted_callers": FormLabel("CFG-20", "List of SIP URLs permitted to call the intercom", "URL"),
    "proxy.username": FormLabel("CFG-21", "Proxy Configuration", "Authentication Username"),
    "proxy.address": FormLabel("CFG-21", "Proxy Configuration", "Domain Name / IP Address"),
    "proxy.password": FormLabel("CFG-21", "Proxy Configuration", "Authentication Password"),
    "proxy.port": FormLabel("CFG-21", "Proxy Configuration", "Port Number"),
}
"""Every field by the name of its setting, in the order of the page (*SIP Configuration Settings*).

Of the list of permitted callers the page names no label but its *URL text boxes*.
"""
