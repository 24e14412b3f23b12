"""The emulated intercom: a device under test that needs no hardware.

What comes in is what reaches a real device: SIP and RTP, a relay on its button, configuration through its
Admin Portal. What goes out is what a real device gives: SIP and RTP, console lines, sound at its speaker.
Nobody imports this room's insides; they meet it over sockets and ptys.
"""
