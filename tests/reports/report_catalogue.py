"""A catalogue of requirements for sample runs: id, class, title, and for some the harm of breaking them."""

from __future__ import annotations

_ROWS = """
CFG-01 S SIP can be switched on and off per device
CFG-02 S Only the account administrator may change the SIP configuration
CFG-03 S The server address is an IP address or a domain name
CFG-04 S The server port is configurable
CFG-05 S The polling interval is configurable, with a warning below its recommended minimum
CFG-06 S All of the device's SIP uses the chosen transport
CFG-07 S A CA certificate may be uploaded for TLS, other file types are refused
CFG-08 S Media encryption is unset, fallback or SRTP-only
CFG-09 S The authentication username takes letters and digits only
CFG-10 S The authentication password is used, and may be a dummy
CFG-11 S The display name is what remote endpoints are shown
CFG-12 S The SIP extension takes letters and digits only
CFG-13 S The call number has a short and a full form
CFG-14 S Further numbers are an ordered list in the same forms
CFG-15 S The microphone volume changes the level sent
CFG-16 S The speaker volume changes the level heard
CFG-17 S The call timeout is configurable
CFG-18 S Video calls are off, outgoing, incoming or both
CFG-19 S Incoming calls can be switched off
CFG-20 S The list of permitted callers has short and full entries
CFG-21 S A proxy is configured by username, address, password and port
CFG-22 D A value out of range is refused with a message naming the field
REG-01 S The device registers its extension with its credentials
REG-02 D A wrong password never yields a registration
REG-03 S Connectivity is confirmed every polling interval
REG-04 D The device is reachable again soon after the server returns
REG-05 D Credentials never travel in clear
PRX-01 S Every request goes through the proxy
PRX-02 S Each challenge is answered with the credentials of its challenger
TLS-01 S A certificate of the uploaded CA is accepted
TLS-02 S A certificate of another CA is refused
TLS-03 S Without a CA a private certificate is refused
TLS-04 S Without a CA a well-known certificate is accepted
TLS-05 D Expired and otherwise invalid certificates are refused
TLS-06 D Outdated protocol versions and null suites are refused
ENC-01 S Unset: the device places an insecure call
ENC-02 D Unset: a plain incoming call is taken
ENC-03 S Fallback: the media is SRTP where the remote can
ENC-04 S Fallback: the call is established over RTP where the remote cannot
ENC-05 D Fallback: a secure incoming offer gives SRTP
ENC-06 D Fallback: a plain incoming offer gives RTP
ENC-07 S SRTP-only: never established in clear, no clear media
ENC-08 S SRTP-only: SRTP where the remote can
ENC-09 S SRTP-only: a plain incoming offer is refused
ENC-10 S SRTP-only: a secure incoming offer gives SRTP
ENC-11 D Every packet of a secured flow authenticates
OUT-01 S The button places a call to the call number
OUT-02 S Each contact is tried in sequence until one answers
OUT-03 S An unanswered call ends after the call timeout
OUT-04 S The device announces audibly that no contact was reached
OUT-05 S On answer audio is open both ways
OUT-06 S The button ends a placed call
OUT-07 D A short number is dialled at the configured server
OUT-08 D A remote hang-up returns the device to idle
OUT-09 G The button pressed while dialling or ringing
OUT-10 G The event for a placed call that the local side ends
INC-01 S The device can be reached at its extension
INC-02 S An allowed call is accepted, and the screen says so
INC-03 S Only permitted endpoints reach the device
INC-04 S With incoming calls off no call is accepted
INC-05 S The button ends an accepted call
INC-06 D Audio flows both ways on an accepted call
INC-07 D The permitted list cannot be got round
INC-08 G The permitted list is empty
INC-09 G A second call while one is up
VID-01 S Outgoing: placed calls offer video, accepted calls have none
VID-02 S Incoming: accepted calls have video, placed calls none
VID-03 S Both: all calls have video
VID-04 S Off: no call has video
EVT-01 S outgoing_call_initiated is written when the button is pressed
EVT-02 S outgoing_call_established is written when the remote answered
EVT-03 S outgoing_call_failure is written for each failed call
EVT-04 S outgoing_remote_hangup is written when the remote side ends
EVT-05 S outgoing_call_contact_failure is written when no contact is left
EVT-06 S incoming_call_rejected is written for a rejected call
EVT-07 S incoming_call_received is written for an established call
EVT-08 S incoming_call_failure is written when an established call fails
EVT-09 S incoming_call_remote_hangup is written when the remote side ends
EVT-10 S incoming_call_local_hangup is written when the local side ends
EVT-11 D No event outside the list, none twice, none without its cause
EVT-12 D The order of events follows the course of the call
EVT-13 S Details tell the kinds of failure apart
"""

_HARM = {
    "OUT-03": "A visitor waits at a desk that nobody sits at, and nobody else is called.",
    "OUT-02": "A visitor reaches nobody although somebody was there to answer.",
    "ENC-11": "A conversation at the door that was promised to be private can be overheard.",
}

CATALOGUE: dict[str, dict[str, str]] = {}
for _row in _ROWS.strip().splitlines():
    _id, _class, _title = _row.split(" ", 2)
    CATALOGUE[_id] = {
        "class": _class,
        "title": _title,
        "text": f"{_title}, in every mode of operation that the specification names.",
        "source": "SIP configuration page" if _class == "S" else "RFC 3261 §9.1",
        "harm": _HARM.get(_id, "A visitor at the door is not heard."),
    }
