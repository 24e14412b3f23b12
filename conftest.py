"""What this repository's own tests need of pytest. Scenarios need nothing from here: the plugin is installed.

That the file is here puts this folder on the import path, for ``tests.structure`` and ``benchmarks``.
"""

pytest_plugins = ["pytester"]
