"""One file for each piece of hardware: the facts of its protocol, its adapter, and its kind.

No room imports these: a bench file names a kind, and the registry loads the file that has it.
"""
