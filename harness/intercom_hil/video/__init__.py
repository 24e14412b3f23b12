"""The video of an RTP stream: its pictures decoded and looked at, window by window. See `capture`."""
