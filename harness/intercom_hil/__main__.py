"""Where the command begins: Ctrl-C while it is still being loaded ends it without a word."""

from __future__ import annotations

import signal


def main() -> None:
    """Load the command line, and run it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from intercom_hil.cli import main as run  # most of the time to the first word is spent here

    signal.signal(signal.SIGINT, signal.default_int_handler)
    run()


if __name__ == "__main__":
    main()
