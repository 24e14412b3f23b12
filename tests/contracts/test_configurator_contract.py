"""The contract of configurators, on those that come along and ask nobody."""

import json
import sys

import pytest

from intercom_hil.contracts import ConfiguratorContract, ConfiguratorRig
from intercom_hil.device.command_configurator import CommandConfigurator
from intercom_hil.device.portal import Account, Portal
from tests.device.portal_peer import PortalPeer

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


@pytest.mark.parametrize("make", [portal, command])
class TestConfigurators(ConfiguratorContract):
    @pytest.fixture
    def rig(self, make, tmp_path):
        rig = make(tmp_path)
        yield rig
        rig.close()
