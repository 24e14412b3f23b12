"""The agent's answer to methods that it has no use for: 405 with what it allows (RFC 3261 §8.2.1).

The SIP stack leaves unknown methods without an answer, and says 200 to MESSAGE and SUBSCRIBE. So a module of
ours, of the stack's own kind, sees every request before the stack's dialogs do.
"""

from __future__ import annotations

import ctypes

from intercom_hil.emulator.stack_imports import stack_library

ALLOWED = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "UPDATE", "PRACK", "REFER", "NOTIFY", "INFO")
_AFTER_TRANSACTIONS = 24
"""A priority between the stack's transactions (16) and its dialogs (32)."""
_HANDLER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class _Text(ctypes.Structure):
    """The stack's pj_str_t."""

    _fields_ = (("at", ctypes.c_char_p), ("length", ctypes.c_ssize_t))

    @classmethod
    def of(cls, text: str) -> _Text:
        return cls(text.encode(), len(text.encode()))


class _Links(ctypes.Structure):
    """How a member of one of the stack's lists begins."""

    _fields_ = (("previous", ctypes.c_void_p), ("next", ctypes.c_void_p))


class _Module(ctypes.Structure):
    """The stack's pjsip_module; of its handlers only the one for requests is set."""

    _fields_ = (
        ("links", _Links),
        ("name", _Text),
        ("id", ctypes.c_int),
        ("priority", ctypes.c_int),
        ("load_start_stop_unload", ctypes.c_void_p * 4),
        ("on_request", _HANDLER),
        ("others", ctypes.c_void_p * 4),
    )


class Methods:
    """Refuses requests of methods that the device does not have; keep it as long as the stack lives."""

    def __init__(self) -> None:
        """Begin, in the stack that has been started.

        Raises:
            OSError: the stack cannot be extended.
        """
        stack = ctypes.CDLL(str(stack_library()))
        stack.pjsua_get_pjsip_endpt.restype = ctypes.c_void_p
        stack.pjsua_pool_create.restype = ctypes.c_void_p
        stack.pjsip_generic_string_hdr_create.restype = ctypes.c_void_p
        stack.pjsip_rx_data_get_info.restype = ctypes.c_char_p
        endpoint = ctypes.c_void_p(stack.pjsua_get_pjsip_endpt())
        pool = ctypes.c_void_p(
            stack.pjsua_pool_create(b"methods", ctypes.c_size_t(1000), ctypes.c_size_t(1000))
        )
        name, value = _Text.of("Allow"), _Text.of(", ".join(ALLOWED))
        header = stack.pjsip_generic_string_hdr_create(pool, ctypes.byref(name), ctypes.byref(value))
        headers = _Links(header, header)
        one = _Links.from_address(header)
        one.previous = one.next = ctypes.addressof(headers)

        def refuse(request: int) -> int:
            info = stack.pjsip_rx_data_get_info(ctypes.c_void_p(request)).decode("ascii", "replace")
            method = info.removeprefix("Request msg ").partition("/")[0]
            if method in ALLOWED:
                return 0
            stack.pjsip_endpt_respond_stateless(
                endpoint, ctypes.c_void_p(request), 405, None, ctypes.byref(headers), None
            )
            return 1

        self._module = _Module(
            name=_Text.of("methods"), priority=_AFTER_TRANSACTIONS, on_request=_HANDLER(refuse)
        )
        self._kept = (name, value, headers)
        if stack.pjsip_endpt_register_module(endpoint, ctypes.byref(self._module)) != 0:
            raise OSError("the SIP stack takes no module")
