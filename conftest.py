"""The pytest entry: the options and fixtures of ``fixtures/``, for scenarios and the bench's own tests."""

pytest_plugins = [
    "fixtures.options",
    "fixtures.resuming",
    "fixtures.profiles",
    "fixtures.sharing",
    "fixtures.telling",
    "fixtures.bench",
]
