"""Asterisk's configuration files for one run: everything static, and no more than the bench needs.

The files lie in a folder that the PBX's host sees at the same path. Endpoints and dialplan are not in them:
they come and go at run time, in memory only. Nor are the SIP ports: a PBX that listened before it knew its
endpoints would answer right credentials with 401.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from intercom_hil.pbx.ports import Listening

PROGRAM = "asterisk"
"""What its process host calls Asterisk."""
USER = "bench"
"""Who the bench is to the PBX's interfaces."""
CONTEXT = "bench"
"""The dialplan context in which every call starts and every route is made."""

MODULES = """\
res_sorcery_config res_sorcery_memory res_sorcery_astdb res_timing_timerfd res_pjproject res_pjsip
res_pjsip_session res_pjsip_pubsub res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest
res_pjsip_endpoint_identifier_user res_pjsip_endpoint_identifier_ip res_pjsip_registrar res_pjsip_sdp_rtp
res_pjsip_caller_id res_pjsip_nat res_pjsip_rfc3326 res_pjsip_dlg_options res_pjsip_dtmf_info
res_pjsip_header_funcs chan_pjsip res_rtp_asterisk res_srtp res_crypto
codec_alaw codec_ulaw codec_a_mu codec_g722 codec_resample format_wav format_sln
format_h264 res_format_attr_h264 res_format_attr_opus res_tonedetect
bridge_simple bridge_builtin_features pbx_config app_dial app_echo app_playtones app_milliwatt app_stack
app_exec app_verbose app_userevent app_senddtmf app_while
func_cut func_channel func_callerid func_strings func_logic func_math func_timeout func_global
func_hangupcause func_pjsip_endpoint func_pjsip_contact func_pjsip_aor
res_http_websocket res_websocket_client res_stasis res_stasis_answer res_stasis_playback res_stasis_recording
res_stasis_snoop res_stasis_device_state res_ari
res_ari_model res_ari_applications res_ari_asterisk res_ari_channels res_ari_endpoints res_ari_events
res_hep res_hep_pjsip
"""
"""What is loaded: explicitly, because loading all takes twice as long and complains a hundred times.

Not ``bridge_native_rtp``: with it, packets pass from channel to channel past the PBX, and it sees no DTMF.
"""

_EMPTY = ("acl", "stasis", "cel", "ccss", "features", "udptl", "pjproject", "websocket_client")
"""Files whose absence Asterisk complains about."""

_INDICATIONS = """\
[general]
country = us
[us]
description = tones that PlayTones() knows by name
ringcadence = 2000,4000
dial = 350+440
busy = 480+620/500,0/500
ring = 440+480/2000,0/4000
congestion = 480+620/250,0/250
"""


@dataclass(frozen=True)
class TlsTransport:
    """A TLS transport of the PBX (RFC 3261 §26.2).

    Attributes:
        port: where it listens, on the PBX's address.
        certificate: PEM file of the certificate chain it presents.
        key: PEM file of its private key.
        ca: PEM file of the CA by which it judges others; None judges nobody.
        method: ``sslv23`` (TLS 1.2 and 1.3), ``tlsv1_2`` or ``tlsv1_3`` (exactly that one).
        require_client_certificate: whether peers that connect must present one.
    """

    port: int
    certificate: Path
    key: Path
    ca: Path | None = None
    method: str = "sslv23"
    require_client_certificate: bool = False


def new_secret() -> str:
    """Return what the bench shows the PBX's interfaces, made anew."""
    return secrets.token_urlsafe(18)


@dataclass(frozen=True)
class PbxConfig:
    """What the files are filled with. Credentials are made anew for each run."""

    folder: Path
    address: str
    sip_port: int
    http_port: int
    ami_port: int
    hep_address: tuple[str, int]
    user: str
    secret: str
    rtp_ports: tuple[int, int] = (20000, 20999)
    tls: tuple[TlsTransport, ...] = ()
    other_sip_ports: tuple[int, ...] = ()

    def listens(self, *, for_sip: bool = False) -> list[Listening]:
        """Return the ports of its address on which the PBX is to listen: all, or those for SIP alone."""
        sip = (self.sip_port, *self.other_sip_ports)
        interfaces = () if for_sip else (self.http_port, self.ami_port)
        tcp = (*sip, *interfaces, *(tls.port for tls in self.tls))
        return [*(("udp", port) for port in sip), *(("tcp", port) for port in tcp)]

    @property
    def argv(self) -> list[str]:
        """The command by which Asterisk is started with these files."""
        return ["asterisk", "-f", "-C", str(self.folder / "etc" / "asterisk.conf")]

    def write(self) -> None:
        """Write all files afresh, with nothing left from an earlier run.

        Raises:
            OSError: the folder cannot be written.
        """
        for name in ("etc", "db", "log", "spool/recording", "keys", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for stale in (self.folder / "db").iterdir():
            stale.unlink()
        for name, text in self.files().items():
            path = self.folder / "etc" / f"{name}.conf"
            path.write_text(text, encoding="utf-8")
            path.chmod(0o600)

    @property
    def log(self) -> Path:
        """The log file the PBX writes."""
        return self.folder / "log" / "messages"

    def files(self) -> dict[str, str]:
        """Return the files' texts by name (without ``.conf``)."""
        folder = self.folder
        return {
            **dict.fromkeys(_EMPTY, ""),
            "asterisk": (
                f"[directories]\nastetcdir = {folder}/etc\nastdbdir = {folder}/db\nastlogdir = {folder}/log\n"
                f"astspooldir = {folder}/spool\nastkeydir = {folder}\nastrundir = {folder}/run\n"
                "[options]\nnocolor = yes\nhideconnect = yes\n"
            ),
            "modules": "[modules]\nautoload = no\n" + "".join(f"load = {m}.so\n" for m in MODULES.split()),
            "logger": (
                "[general]\ndateformat = %F %T.%3q\n"
                "[logfiles]\n/dev/fd/3 => notice,warning,error\nmessages => notice,warning,error,verbose\n"
            ),
            "indications": _INDICATIONS,
            "cdr": "[general]\nenable = no\n",
            "extensions": f"[{CONTEXT}]\n",
            "rtp": f"[general]\nrtpstart = {self.rtp_ports[0]}\nrtpend = {self.rtp_ports[1]}\n",
            "hep": (
                f"[general]\nenabled = yes\ncapture_address = {self.hep_address[0]}:{self.hep_address[1]}\n"
                "capture_id = 1\nuuid_type = call-id\n"
            ),
            "http": (f"[general]\nenabled = yes\nbindaddr = {self.address}\nbindport = {self.http_port}\n"),
            "ari": f"[general]\nenabled = yes\n[{self.user}]\ntype = user\npassword = {self.secret}\n",
            "manager": (
                f"[general]\nenabled = yes\nbindaddr = {self.address}\nport = {self.ami_port}\n"
                "displayconnects = no\ntimestampevents = yes\n"
                f"[{self.user}]\nsecret = {self.secret}\nread = security\nwrite = all\n"
            ),
            "sorcery": "[res_pjsip]\n"
            + "".join(
                f"{kind} = config,pjsip.conf,criteria=type={kind}\n{kind} = memory\n"
                for kind in ("endpoint", "auth", "aor", "transport")
            )
            + "contact = memory\n",
            "pjsip": "[global]\ntype = global\n",
        }

    def transports(self) -> list[tuple[str, dict[str, str]]]:
        """Return what is to be listened on, name and attributes: last, when everything else is in force."""
        made: list[tuple[str, dict[str, str]]] = []
        for number, port in enumerate((self.sip_port, *self.other_sip_ports)):
            for protocol in ("udp", "tcp"):
                bind = f"{self.address}:{port}"
                made.append((f"{protocol}{number or ''}", {"protocol": protocol, "bind": bind}))
        for number, tls in enumerate(self.tls):
            attributes = {
                "protocol": "tls",
                "bind": f"{self.address}:{tls.port}",
                "cert_file": str(tls.certificate),
                "priv_key_file": str(tls.key),
                "method": tls.method,
            }
            if tls.ca:
                attributes |= {"ca_list_file": str(tls.ca), "verify_server": "yes"}
            if tls.require_client_certificate:
                attributes |= {"verify_client": "yes", "require_client_cert": "yes"}
            made.append((f"tls{number}", attributes))
        return made
