"""The pytest entry of this repository: the plugin that the installed package brings along."""

pytest_plugins = [
    "intercom_hil.plugin.options",
    "intercom_hil.plugin.resuming",
    "intercom_hil.plugin.ordering",
    "intercom_hil.plugin.xdist_scheduler",
    "intercom_hil.plugin.terminal_summary",
    "intercom_hil.plugin.fixtures",
]
