"""The contract of configurators, on those that come along and ask nobody."""

import json
import sys

import pytest

from intercom_hil.admin_portal.options import BrowserOptions
from intercom_hil.contracts import ConfiguratorContract, ConfiguratorRig
from intercom_hil.device.command_configurator import CommandConfigurator
from intercom_hil.device.configurator_kinds import ConfiguratorContext
from intercom_hil.device.portal import Account, Portal
from intercom_hil.timeline import Timeline
from tests.browser.needed import need_browser
from tests.device.portal_peer import PortalPeer
from tests.emulator.portal_pages import ServedPortal

COMMAND = """\
import json, pathlib, sys
task, kept = json.load(sys.stdin), pathlib.Path(sys.argv[1])
if not kept.exists():
    sys.exit("the device does not answer")
form = task["form"]
if not (form["extension"].isalnum() and 0 < form["server_port"] < 65536):
    print(json.dumps({"message": "it is wrong", "fields": ["extension"]}))
    sys.exit(10)
kept.write_text(json.dumps(form))
"""


def portal(folder):
    peer = PortalPeer()
    return ConfiguratorRig(
        lambda: Portal(peer.url, Account("admin", "admin-secret")),
        in_force=lambda: peer.settings.model_dump(mode="json"),
        vanish=peer.close,
        close=peer.close,
    )


def command(folder):
    program, kept = folder / "configure.py", folder / "settings.json"
    program.write_text(COMMAND)
    kept.write_text("{}")
    return ConfiguratorRig(
        lambda: CommandConfigurator([sys.executable, str(program), str(kept)]),
        in_force=lambda: json.loads(kept.read_text()),
        vanish=kept.unlink,
    )


def browser(folder):
    need_browser()
    served = ServedPortal()
    served.__enter__()
    ended = []

    def end():
        if not ended:
            ended.append(served.__exit__())

    options = BrowserOptions(url=served.url, account="admin", password="admin-secret")
    return ConfiguratorRig(
        lambda: options.make(ConfiguratorContext("127.0.41.2", Timeline().append)),
        in_force=lambda: json.loads(json.dumps(served.in_force[-1].as_json())),
        vanish=end,
        close=end,
        within=600.0,
    )


@pytest.mark.parametrize("make", [portal, command, browser])
class TestConfigurators(ConfiguratorContract):
    @pytest.fixture
    def rig(self, make, tmp_path):
        rig = make(tmp_path)
        yield rig
        rig.close()
