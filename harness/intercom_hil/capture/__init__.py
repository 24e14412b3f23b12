"""The wire as a witness: packets come in from tcpdump; a pcapng per scenario and typed observations go out.

``capture`` runs the sniffer and owns the files, ``decoder`` sorts packets, ``sip_content`` and ``media`` say
what they mean. Nothing here takes any party's word: encryption is judged by authenticating every packet.
"""
