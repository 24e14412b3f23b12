"""A run directory sealed: a manifest of its files that can be signed, checked by a stranger, and packed.

A seal is one file, ``seals/NNNN-ACTION.intoto.json``: an in-toto Statement with a test-result predicate in a
DSSE envelope. Each names the one before it by its SHA-256. docs/evidence.md has the form, and how it is
checked by hand.
"""

from intercom_hil.seal.sealing import Change, Sealed

__all__ = ["Change", "Sealed"]
