"""Whoever listens on a TCP port for the bench: connections bounded in number, and none left at the end."""
