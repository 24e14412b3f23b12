"""Faults against good practice: what goes out is not as the RFCs want it; the page has no row for that."""

from __future__ import annotations

from dataclasses import replace

from intercom_hil.emulator.faults.fault import Fault
from intercom_hil.emulator.vocabulary import Apply, Configured, Input, Output, Step, WriteLine


class Distorted(Fault):
    """A fault of what is sent: of packets, or of sound and picture in them."""

    def __init__(self, name: str, description: str, breaks: str, shown_by: str) -> None:
        super().__init__()
        self.name, self.description = name, description
        self.breaks, self.shown_by = frozenset(breaks.split()), frozenset(shown_by.split())

    def change(self, output: Output) -> Output | None:
        """Have them distorted."""
        return replace(output, distortion=self.name) if isinstance(output, Apply) else output


class SameKeys(Fault):
    """The random number generator gives the same keys every time."""

    name = "same-keys-in-every-call"
    description = "every call is protected with the same SRTP master key"
    breaks = frozenset({"KEY-01"})
    shown_by = frozenset({"ENC-08"})

    def change(self, output: Output) -> Output | None:
        """Have them used."""
        return replace(output, same_keys=True) if isinstance(output, Apply) else output


class PasswordLogged(Fault):
    """Somebody left a line for debugging in."""

    name = "password-in-log"
    description = "the console shows the password when the device is configured"
    breaks = frozenset({"KEY-02"})
    shown_by = frozenset({"REG-01"})

    def react(self, given: Input, inner: Step) -> list[Output]:
        """Write it."""
        outputs = inner(given)
        if isinstance(given, Configured):
            text = f"digest of {given.settings.auth_username}:{given.settings.auth_password}"
            outputs.append(WriteLine("log", (("level", "debug"), ("text", text))))
        return outputs


DISTORTED = (
    ("odd-start-line", "two blanks in the start line of 100", "SIP-01", "INC-02"),
    ("no-max-forwards", "no request has Max-Forwards", "SIP-02", "REG-01"),
    ("bye-answered-for-another", "200 to BYE has another From tag than the BYE", "SIP-03", "OUT-08"),
    ("two-contacts", "an INVITE has its Contact twice", "SIP-04", "OUT-01"),
    ("bye-to-nobody", "a BYE goes to another user than the other side's Contact", "SIP-05", "OUT-06"),
    ("bye-with-foreign-tag", "a BYE has a foreign tag, and draws 481", "SIP-05 SIP-08", "OUT-06"),
    ("cancel-with-foreign-tag", "a CANCEL has another From tag than its INVITE", "SIP-06", "OUT-03"),
    ("refusals-not-acknowledged", "a refusal gets no ACK", "SIP-07", "OUT-04"),
    ("answers-not-acknowledged", "a 2xx gets no ACK", "SIP-07", "OUT-06"),
    ("route-not-recorded", "200 to INVITE has no Record-Route of its request", "SIP-03", "PRX-01"),
    ("name-on-first-call-only", "later calls have no display name in From", "CFG-11", "OUT-06"),
    ("bye-not-answered", "a BYE gets no answer", "OUT-08", "OUT-08"),
    ("register-without-counting", "every REGISTER has the same CSeq", "SIP-10", "REG-01"),
    ("credentials-used-twice", "the same credentials serve two requests", "SIP-11", "REG-01"),
    ("answer-with-a-section-too-many", "an answer has a section that nobody offered", "SIP-12", "INC-03"),
    ("media-after-bye", "audio goes on for 1.5 s when its call is over", "RTP-01", "OUT-08"),
    (
        "stray-payload-type",
        "audio begins with a packet of a payload type that nobody listed",
        "RTP-02",
        "OUT-05",
    ),
    ("sound-begins-late", "in the first 3.5 s of a call no sound is sent", "OUT-05", "OUT-05"),
    ("sound-ends-early", "after the first 4 s of a call no sound is sent", "OUT-05", "OUT-05"),
    (
        "takes-calls-in-clear-despite-tls",
        "with the transport TLS a call is taken that comes straight to the device, over UDP",
        "CFG-06",
        "ENC-10",
    ),
    (
        "obeys-refer-of-a-contact",
        "in a placed call a REFER is obeyed: the device calls a host that nobody configured",
        "OUT-01",
        "OUT-01",
    ),
    ("sound-stalls", "three tenths of each second nothing is sent", "OUT-05", "OUT-05"),
    ("sound-skips", "three tenths of each second are left out of the sound", "OUT-05", "OUT-05"),
    ("sound-in-pieces", "three tenths of each second are silence", "OUT-05", "OUT-05"),
    ("sound-at-half-speed", "the microphone is heard an octave too low", "OUT-05", "OUT-05"),
    (
        "srtp-rollover-not-counted",
        "where the sequence number starts over, packets are protected as if it did not",
        "ENC-11",
        "ENC-11",
    ),
    ("timestamps-stand-still", "the timestamp of sound never changes", "OUT-05 RTP-03", "OUT-05"),
    ("sequence-numbers-leap", "sequence numbers rise by five from packet to packet", "RTP-03", "OUT-05"),
    ("new-source-with-each-packet", "each packet of sound has an SSRC of its own", "OUT-05 RTP-03", "OUT-05"),
    ("no-reports", "no RTCP is sent", "RTP-04", "OUT-05"),
    ("no-reports-of-video", "no RTCP is sent of the picture", "RTP-04", "OUT-05"),
    ("reports-of-another-source", "RTCP is of an SSRC that sends nothing", "RTP-04", "OUT-05"),
    ("receiver-reports-alone", "RTCP says nothing of what is sent", "RTP-04", "OUT-05"),
    ("echoing", "what comes in goes out again, 10 dB weaker", "RTP-05", "OUT-05"),
    ("overdriven", "the microphone is twelve times as loud as it should be", "RTP-06", "OUT-05"),
    (
        "sends-against-its-answer",
        "an answer says recvonly, and sound is sent all the same",
        "RTP-07",
        "OUT-01",
    ),
    (
        "obeys-any-bye",
        "a BYE with the Call-ID of a call ends it, whatever its tags",
        "SIP-18 EVT-11",
        "INC-06",
    ),
    ("bye-twice", "a BYE is followed by another one of its own", "SIP-05", "OUT-06"),
    ("ack-elsewhere", "the ACK of a 2xx goes to a port that nobody has", "SIP-05", "OUT-06"),
    (
        "ok-repeated-though-acknowledged",
        "a 200 to INVITE is sent three times more, whether acknowledged or not",
        "SIP-13",
        "EVT-08",
    ),
    ("session-version-stands-still", "every description of a session has one version", "SIP-14", "INC-06"),
    ("answer-with-another-crypto-tag", "an answer has a crypto tag of no offer", "SIP-12", "ENC-10"),
    ("answers-hold-both-ways", "an offer to send only is answered by sendrecv", "SIP-12", "INC-06"),
    ("new-source-with-each-second", "each second of sound has an SSRC of its own", "RTP-03", "OUT-05"),
    (
        "sequence-numbers-go-back",
        "once a second sequence numbers go back by twenty",
        "OUT-05 RTP-03",
        "OUT-05",
    ),
    (
        "sequence-number-stands-still",
        "every packet of sound has the same sequence number",
        "OUT-05 RTP-03",
        "OUT-05",
    ),
    ("muted-after-hold", "the microphone is shut in a call that was on hold", "INC-06", "INC-06"),
    (
        "granted-time-ignored",
        "the device renews its registration by what it asked for, not by what was granted",
        "SIP-15",
        "EVT-08",
    ),
    ("provisional-after-final", "half a second after its 200 to INVITE comes a 180", "SIP-16", "INC-05"),
    ("refuses-after-answering", "half a second after its 200 to INVITE comes a 486", "SIP-16", "INC-05"),
    (
        "bye-repeated-though-answered",
        "a BYE is sent again and again, though it has been answered",
        "SIP-16",
        "OUT-06",
    ),
    (
        "cancel-repeated-though-answered",
        "a CANCEL is sent again and again, though it has been answered",
        "SIP-16",
        "CFG-17",
    ),
    (
        "register-repeated-over-tcp",
        "over TCP a REGISTER is sent twice",
        "SIP-16 SIP-17",
        "CFG-06",
    ),
    (
        "invite-repeated-though-it-rings",
        "an INVITE is sent twice more, though a contact rings",
        "SIP-16 OUT-05",
        "OUT-03",
    ),
    (
        "requests-sent-once",
        "a request that nothing comes back to is not sent again",
        "SIP-17",
        "OUT-04",
    ),
    ("options-not-answered", "OPTIONS gets no answer", "SIP-09", "INC-06"),
    (
        "405-without-allow",
        "a method that it does not know is refused with no word of those that it does",
        "SIP-09",
        "INC-06",
    ),
    ("registered-elsewhere", "the Contact of REGISTER has another port", "INC-01", "INC-01"),
    (
        "called-from-elsewhere",
        "the Contact of INVITE, and of the answer to one, has another port",
        "OUT-08 EVT-04",
        "OUT-08",
    ),
    ("video-goes-on", "the picture goes on for 1.5 s when its call is over", "RTP-01", "VID-03"),
    ("srtp-begins-in-clear", "the first ten packets of a protected call are in clear", "ENC-11", "ENC-11"),
    ("clear-after-reoffer", "a protected call goes on in clear after a re-INVITE", "ENC-11", "ENC-11"),
    (
        "srtp-tags-too-short",
        "protected packets have a tag of 32 bits where 80 were agreed",
        "ENC-05 ENC-08 ENC-10 ENC-11",
        "ENC-11",
    ),
    (
        "first-keys-for-every-call",
        "every call is protected with the keys of the first one",
        "ENC-03 ENC-05 ENC-08 ENC-10 ENC-11",
        "ENC-03 ENC-08 ENC-11",
    ),
    (
        "authenticated-and-not-encrypted",
        "protected packets have the right tag, and anybody can read them",
        "ENC-11",
        "ENC-11",
    ),
    ("reports-in-clear", "RTCP of protected calls is in clear", "KEY-03", "ENC-11"),
    (
        "other-law-than-described",
        "sound is coded by the other law of G.711 than the one that was agreed",
        "OUT-05",
        "OUT-05",
    ),
    ("sound-fades", "after two seconds of a call the microphone is 30 dB weaker", "OUT-05", "OUT-05"),
    ("marker-on-every-packet", "every packet of sound has its marker bit set", "RTP-03", "OUT-05"),
    ("clock-too-slow", "of sound three packets are sent in the time of four", "RTP-03", "OUT-05"),
    ("padding-bit-set", "packets of sound say that they are padded, and are not", "OUT-05 RTP-03", "OUT-05"),
    ("reports-to-the-media-port", "RTCP goes to the port of the media", "RTP-04", "OUT-05"),
    (
        "media-to-another-port",
        "sound goes to two ports above the one that was agreed",
        "OUT-05 RTP-08",
        "OUT-05",
    ),
    (
        "answers-without-description",
        "a 200 to INVITE has no answer to the offer, nor an offer where there was none",
        "INC-06 VID-03 SIP-12 EVT-07 EVT-08",
        "INC-06",
    ),
    (
        "session-version-falls",
        "each description of a session has a lower version than the one before",
        "SIP-14",
        "INC-06",
    ),
    ("session-number-changes", "each description is of another session", "SIP-14", "INC-06"),
    (
        "media-stays-where-it-was",
        "sound goes on to where the other side was before",
        "INC-06 RTP-08",
        "INC-06",
    ),
    (
        "late-offer-without-video",
        "a call that leaves the offer to the device is offered no video",
        "VID-02",
        "VID-02",
    ),
    (
        "codec-stays-as-it-was",
        "sound goes on by the law of before, though another one was agreed on in the call",
        "INC-06 RTP-02",
        "INC-06",
    ),
    (
        "unknown-section-left-out",
        "an answer leaves out a section that it does not know",
        "SIP-12",
        "INC-06",
    ),
    (
        "registered-elsewhere-when-renewed",
        "the Contact of a registration that is renewed has another port",
        "INC-01",
        "REG-03",
    ),
    (
        "late-offers-in-clear",
        "a caller that leaves the offer to the device is offered no keys, whatever is set",
        "ENC-09",
        "ENC-09",
    ),
    (
        "registration-dropped-by-calls",
        "a call that comes in has the device take its registration back",
        "REG-01",
        "INC-01",
    ),
    (
        "srtp-that-need-not-be-encrypted",
        "keys are described with UNENCRYPTED_SRTP",
        "ENC-11",
        "ENC-10",
    ),
    (
        "video-goes-on-when-turned-down",
        "the picture goes on when the other side has taken it out of the call",
        "RTP-07",
        "VID-02",
    ),
    (
        "registers-at-itself",
        "the address that a REGISTER is for is at the device, not at the server",
        "SIP-10",
        "REG-01",
    ),
    (
        "refusal-acknowledged-without-its-tag",
        "the ACK of a refusal has the To of the INVITE, and not that of the refusal",
        "SIP-07",
        "OUT-04",
    ),
    (
        "cancel-elsewhere-too",
        "a CANCEL goes to another port as well",
        "SIP-06",
        "OUT-03",
    ),
    (
        "cancel-before-any-response",
        "an INVITE that nothing comes back to is cancelled after two copies of it",
        "SIP-06 OUT-03",
        "OUT-03",
    ),
    ("opaque-left-out", "credentials do not repeat what is opaque in the challenge", "SIP-11", "REG-01"),
    ("qop-ignored", "credentials have no qop, though the challenge offers one", "SIP-11", "REG-01"),
    (
        "registers-a-user",
        "a REGISTER is for the extension at the server, not for the server",
        "SIP-10",
        "REG-01",
    ),
    (
        "provisional-with-another-number",
        "a provisional response to INVITE has another CSeq number than its request",
        "SIP-03",
        "INC-02",
    ),
    (
        "405-allows-what-it-refuses",
        "a method is refused with 405, and listed among those that are allowed",
        "SIP-09",
        "INC-06",
    ),
    (
        "requirements-ignored",
        "an INVITE that requires what nobody has is taken like any other",
        "SIP-09",
        "INC-01",
    ),
    (
        "420-without-unsupported",
        "an INVITE that requires what nobody has is refused with no word of what that is",
        "SIP-09",
        "INC-01",
    ),
    (
        "takes-the-place-of-nobody",
        "replaces is supported, and an INVITE that is to take the place of a call that is not there is taken",
        "SIP-18",
        "INC-01",
    ),
    (
        "one-call-id-for-two-calls",
        "every second call that is placed has the Call-ID of the one before",
        "SIP-02",
        "OUT-08",
    ),
    (
        "answer-sent-once",
        "a 200 to INVITE is not sent again, though no ACK comes",
        "SIP-17",
        "EVT-08",
    ),
)
"""Name (of the distortion, too), what is wrong, the row that it breaks, and whose scenarios show it."""
