"""The agent's accounts: one that registers, and quiet ones beside it, one per media policy and credential.

PJSIP fixes the SRTP policy per account, so a call is placed or taken under the account whose policy it needs.
Credentials are held only by accounts that talk to the server or the proxy (REG-05).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pjsua2 as pj

from intercom_hil.emulator.invite import CRYPTO_SUITE, KEY_LENGTH
from intercom_hil.emulator.settings import Encryption
from intercom_hil.emulator.vocabulary import Media, Offer

if TYPE_CHECKING:
    from intercom_hil.emulator.agent import Agent

_SRTP_USE = {
    Media.PLAIN: pj.PJMEDIA_SRTP_DISABLED,
    Media.OPTIONAL: pj.PJMEDIA_SRTP_OPTIONAL,
    Media.SECURE: pj.PJMEDIA_SRTP_MANDATORY,
}
_PREFERRED = {
    Encryption.UNSET: Media.PLAIN,
    Encryption.FALLBACK: Media.OPTIONAL,
    Encryption.SRTP_ONLY: Media.SECURE,
}
_CHALLENGE = re.compile(r'^(?:WWW|Proxy)-Authenticate:.*?realm="([^"]*)"', re.MULTILINE | re.IGNORECASE)
_REGISTRATION_MARGIN = 60
"""Seconds by which a registration outlives the polling interval, so that a late poll loses nothing."""


_BUSY = 171_001
"""PJSIP_EBUSY (sip_errno.h): a REGISTER is on its way, and its answer has to come first."""


class _Account(pj.Account):  # type: ignore[misc]  # the stack ships no types
    def __init__(self, accounts: Accounts) -> None:
        super().__init__()
        self._accounts = accounts

    def onRegState(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        self._accounts.answered(prm)

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802  (the stack's name)
        self._accounts.agent.incoming(self, prm)


@dataclass(frozen=True, slots=True)
class _Use:
    """What an account is for: its media policy, the challenges (401, 407) that it answers, its way out."""

    media: Media
    answers: frozenset[int]
    past_proxy: bool = False
    in_clear: bool = False


_BOTH = frozenset({401, 407})
_PROXY = frozenset({407})
_NOBODY: frozenset[int] = frozenset()
_MAIN = _Use(Media.PLAIN, _BOTH)


class Accounts:
    """All accounts of one configuration."""

    def __init__(
        self, agent: Agent, transport: int, settings: dict[str, Any], register: bool, trusted: list[str]
    ) -> None:
        self.agent = agent
        self.registered = False
        self._leaving = False
        self._owed = False
        self._transport = transport
        self._settings = settings
        self._trusted = frozenset(trusted)
        self._contact = ""
        self._realms: dict[int, str] = {}
        self._quiet: dict[_Use, _Account] = {}
        self._main = _Account(self)
        self._main.create(self._configuration(_MAIN, register=register))

    def change(self, settings: dict[str, Any], register: bool, trusted: Iterable[str]) -> None:
        """Take settings over that leave transport, server and identity as they are, and register again."""
        self._settings, self._trusted = settings, frozenset(trusted)
        self._change_quiet_accounts()
        changed = self._unless_busy(lambda: self._main.modify(self._configuration(_MAIN, register=register)))
        self._owed = register and not (changed and self.register_again())

    def register_again(self) -> bool:
        """Send a REGISTER now; while one is on its way that one will do. Return whether it was sent."""
        if not self._main.getInfo().regIsConfigured or self._registering():
            return True
        return self._unless_busy(lambda: self._main.setRegistration(True))

    def unregister(self) -> bool:
        """Take the registration back; return whether an answer is to be waited for."""
        if not self.registered or self._registering():  # a server that is silent would not hear it either
            return False
        self._leaving = self._unless_busy(lambda: self._main.setRegistration(False))
        return self._leaving

    def answered(self, prm: Any) -> None:
        """Report the outcome of a REGISTER; with a proxy, learn on the way who challenges for which realm."""
        self.registered = 200 <= prm.code < 300 and not self._leaving
        challenge = _CHALLENGE.search(prm.rdata.wholeMsg)
        if self._settings["proxy"] and prm.code in (401, 407) and challenge and prm.code not in self._realms:
            self._realms[prm.code] = challenge[1]
            self.change(self._settings, True, self._trusted)
            return
        self._learn_contact(prm.rdata.wholeMsg)
        if self._owed and not self._leaving:  # it was asked for with settings that have changed meanwhile
            self._owed = not self.register_again()
        self.agent.say("registration", status=prm.code, reason=prm.reason)

    def for_offer(self, offer: Offer, source: str) -> _Account:
        """Return the account under whose media policy an INVITE with this offer gets through to the logic."""
        trusted = _BOTH if source in self._trusted else _NOBODY
        preferred = _PREFERRED[Encryption(self._settings["encryption"])]
        if offer is Offer.SECURE and self.agent.srtp_only:
            return self._account(_Use(Media.SECURE, trusted))  # for what is offered within the call, too
        if offer in (Offer.SECURE, Offer.KEYLESS):
            return self._account(_Use(Media.OPTIONAL, trusted))
        if offer is Offer.OPTIONAL and preferred is Media.OPTIONAL:
            return self._account(_Use(Media.OPTIONAL, trusted))
        late = offer is Offer.ABSENT and self.agent.distortion != "late-offers-in-clear"
        return self._account(_Use(preferred if late else Media.PLAIN, trusted))

    def for_dialling(self, uri: str, media: str, past_proxy: bool, in_clear: bool) -> tuple[_Account, str]:
        """Return the account to place a call from, and the request URI with the transport it is to take."""
        found = re.fullmatch(r"sips?:(?:[^@]*@)?([^;:]+).*", uri, re.IGNORECASE)
        to_server = found is not None and found[1].lower() in self._trusted
        transport = "udp" if in_clear else self._settings["transport"].lower()
        target = uri if transport == "udp" else f"{uri};transport={transport}"
        use = _Use(Media(media), _BOTH if to_server else _PROXY, past_proxy, in_clear)
        return self._account(use), target

    def _learn_contact(self, response: str) -> None:
        """Remember where the server reaches us: over TLS that is the connection we opened, nothing else.

        The stack knows this only for the account that registered.
        """
        if self._settings["transport"] != "TLS":
            return
        own = re.escape(self.agent.arguments.address)
        found = re.search(
            rf"^(?:Contact|m):.*?<(sips?:[^<>]*@{own}:[^<>]*)>", response, re.MULTILINE | re.IGNORECASE
        )
        if found and found[1] != self._contact:
            self._contact = found[1]
            self._change_quiet_accounts()

    def _change_quiet_accounts(self) -> None:
        for use, account in self._quiet.items():
            account.modify(self._configuration(use, register=False))

    def _unless_busy(self, step: Callable[[], None]) -> bool:
        """Take a step that sends a REGISTER; return False where the answer to one is still to come."""
        try:
            step()
        except pj.Error as problem:
            if problem.status != _BUSY:
                raise
            return False
        return True

    def _registering(self) -> bool:
        return bool(self._main.getInfo().regStatus == 100)

    def _account(self, use: _Use) -> _Account:
        if use == _MAIN:
            return self._main
        if use not in self._quiet:
            account = _Account(self)
            account.create(self._configuration(use, register=False))
            self._quiet[use] = account
        return self._quiet[use]

    def _configuration(self, use: _Use, register: bool) -> Any:
        settings, arguments = self._settings, self.agent.arguments
        transport = "" if settings["transport"] == "UDP" else f";transport={settings['transport'].lower()}"
        server = f"{settings['server_address']}:{settings['server_port']}"
        account = pj.AccountConfig()
        display = settings["display_name"].replace("\\", "\\\\").replace('"', '\\"')
        at_itself = register and self.agent.distortion == "registers-at-itself"
        home = arguments.address if at_itself else settings["server_address"]
        identity = f"sip:{settings['extension']}@{home}"
        account.idUri = f'"{display}" <{identity}>' if display else identity
        account.sipConfig.transportId = self.agent.clear_transport() if use.in_clear else self._transport
        if register:
            whom = f"{settings['extension']}@" if self.agent.distortion == "registers-a-user" else ""
            account.regConfig.registrarUri = f"sip:{whom}{server}{transport}"
            account.regConfig.timeoutSec = settings["polling_interval"] + _REGISTRATION_MARGIN
        account.regConfig.retryIntervalSec = account.regConfig.firstRetryIntervalSec = 0
        if self._settings["transport"] == "TCP":
            where = f"{arguments.address}:{arguments.sip_port}"
            self._contact = f"sip:{settings['extension']}@{where}{transport}"
        if not register and self._contact and not use.in_clear:
            account.sipConfig.contactForced = f"<{self._contact}>"
        self._add_credentials(account, use.answers)
        if settings["proxy"] and not use.past_proxy:
            proxy = settings["proxy"]
            account.sipConfig.proxies.append(f"sip:{proxy['address']}:{proxy['port']}{transport};lr")
        media_setting = account.mediaConfig
        media_setting.lockCodecEnabled = False
        media_setting.srtpUse = _SRTP_USE[use.media]
        media_setting.srtpSecureSignaling = 0
        suites, suite = pj.SrtpCryptoVector(), pj.SrtpCrypto()
        suite.name = CRYPTO_SUITE
        if self.agent.same_keys:
            suite.key = "k" * KEY_LENGTH
        suites.append(suite)
        media_setting.srtpOpt.cryptos = suites
        media_setting.transportConfig.boundAddress = arguments.address
        media_setting.transportConfig.port = arguments.rtp_first
        media_setting.transportConfig.portRange = arguments.rtp_last - arguments.rtp_first
        return account

    def _add_credentials(self, account: Any, answers: frozenset[int]) -> None:
        """Hold the credentials of server and proxy; where there are both, each for its own realm alone."""
        settings = self._settings
        owners = {401: (settings["auth_username"], settings["auth_password"], "*")}
        if settings["proxy"]:
            owners[401] = (*owners[401][:2], self._realms.get(401, ""))
            owners[407] = (
                settings["proxy"]["username"],
                settings["proxy"]["password"],
                self._realms.get(407, ""),
            )
        for status, (user, secret, realm) in owners.items():
            if realm and status in answers:
                account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", realm, user, 0, secret))
