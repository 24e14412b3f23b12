"""Kamailio's configuration for one run: a proxy that stays in the way of every call and asks who is there.

It challenges each request that opens something (RFC 3261 §22.3), except those of the server behind it. It
record-routes calls (§16.6 item 4), so that what belongs to a call passes through it too. It never registers
anybody: a REGISTER goes on to the server that its Request-URI names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from intercom_hil.errors import BenchError

_PLAIN = re.compile(r"[A-Za-z0-9._-]+")

_TEXT = """\
#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
dns=no
rev_dns=no
exit_timeout=2
auto_aliases=no
listen=udp:{host}:{port}
listen=tcp:{host}:{port}
server_header="Server: proxy"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "auth.so"
# a tag may have characters that a parameter of a URI may not (RFC 3261 §25.1): Asterisk drops such requests
modparam("rr", "append_fromtag", 0)

request_route {{
    if (!mf_process_maxfwd_header("10")) {{
        sl_send_reply("483", "Too Many Hops");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (loose_route() || (is_method("ACK") && t_check_trans())) t_relay();
        else if (!is_method("ACK")) sl_send_reply("481", "Call/Transaction Does Not Exist");
        exit;
    }}
    if (is_method("ACK")) exit;
    if (is_method("OPTIONS") && uri == myself) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    if (src_ip != {server}) {{
        if ($au != "{username}" || !pv_proxy_authenticate("{realm}", "{password}", "0")) {{
            proxy_challenge("{realm}", "0");
            exit;
        }}
        consume_credentials();
    }}
    remove_hf("Route");
    if (uri == myself) {{
        sl_send_reply("404", "Not Found");
        exit;
    }}
    if (is_method("INVITE")) record_route();
    t_relay();
}}
"""


@dataclass(frozen=True)
class ProxyConfig:
    """What the file is filled with.

    Attributes:
        address: where it listens, UDP and TCP.
        port: on which port.
        server: the address of the server behind it, whose requests it passes on unasked.
        realm: what it calls itself when it asks for credentials (RFC 3261 §22.1).
        username: whom it lets through.
        password: by what.
    """

    address: str
    port: int
    server: str
    realm: str
    username: str
    password: str

    def text(self) -> str:
        """Return the configuration file.

        Raises:
            BenchError: realm, username or password contains what could not stand in it.
        """
        for name in ("realm", "username", "password"):
            if not _PLAIN.fullmatch(getattr(self, name)):
                raise BenchError(f"{name} cannot be used", "proxy", "use letters, digits, dot, dash and _")
        return _TEXT.format(
            host=_bracketed(self.address),
            port=self.port,
            server=_bracketed(self.server),
            realm=self.realm,
            username=self.username,
            password=self.password,
        )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
