"""Capture files: pcap and pcapng, read and written frame by frame. `wire` reads what is in the frames."""
