"""The PBX: Asterisk on a process host of its own, under the bench's control, and a witness.

What enters are endpoints, routes and orders to start or stop; what leaves, onto the timeline, are the SIP
messages that the PBX saw (after decryption), its events and its log.
"""
