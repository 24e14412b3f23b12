"""A command of the user's as configurator: what it gets, what it may say, and what becomes of the rest."""

import json
import stat
import sys

import pytest

from intercom_hil.device.command_configurator import CommandConfigurator
from intercom_hil.device.configurator import Configurator
from intercom_hil.errors import BenchError, Inconclusive
from intercom_hil.spec.settings import SipSettings

SETTINGS = SipSettings(
    server_address="127.0.0.10",
    auth_username="door",
    auth_password="hunter22",
    extension="3000",
    call_number="3400",
)
FORM = SETTINGS.model_dump(mode="json")


def command(folder, text, within=10.0):
    path = folder / "configure"
    path.write_text(
        f"#!{sys.executable}\nimport json, sys\ntask = json.load(sys.stdin)\n"
        f"open({str(folder / 'task')!r}, 'w').write(json.dumps(task))\n{text}\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return CommandConfigurator([str(path), "192.0.2.30"], within=within)


async def test_settings_are_in_force_when_it_ends_with_0(tmp_path):
    configurator: Configurator = command(tmp_path, "")
    await configurator.open()
    assert (await configurator.apply(SETTINGS)).accepted
    assert json.loads((tmp_path / "task").read_text()) == {
        "task": "apply",
        "by": "administrator",
        "form": FORM,
    }


async def test_a_refusal_names_the_fields_and_keeps_secrets(tmp_path):
    text = (
        "print(json.dumps({'message': 'hunter22 is too simple', 'fields': ['auth_password']})); sys.exit(10)"
    )
    answer = await command(tmp_path, text).apply(SETTINGS)
    assert (answer.accepted, answer.fields) == (False, ("auth_password",))
    assert answer.message == "(redacted) is too simple"


async def test_what_is_said_of_what_was_taken_is_a_warning(tmp_path):
    answer = await command(tmp_path, "print(json.dumps({'message': 'short'}))").submit(FORM, "viewer")
    assert (answer.accepted, answer.warnings) == (True, ("short",))
    assert json.loads((tmp_path / "task").read_text())["by"] == "viewer"


async def test_a_missing_account_is_inconclusive(tmp_path):
    with pytest.raises(Inconclusive, match="role viewer"):
        await command(tmp_path, "sys.exit(3)").submit(FORM, "viewer")
    with pytest.raises(BenchError, match="status 3"):
        await command(tmp_path, "sys.exit(3)").submit(FORM)


async def test_a_certificate_is_uploaded_whole(tmp_path):
    answer, text = await command(tmp_path, "").upload("ca.cer", b"\x30\x00")
    assert (answer.accepted, text.startswith("-----BEGIN CERTIFICATE-----")) == (True, True)
    assert json.loads((tmp_path / "task").read_text())["content"] == "MAA="
    answer, text = await command(tmp_path, "sys.exit(10)").upload("ca.txt", b"x")
    assert (answer.accepted, text) == (False, "")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sys.exit(2)", "status 2"),
        ("sys.exit(1)", "status 1"),
        ("1 / 0", "(?s)status 1: .*ZeroDivisionError"),
        ("sys.exit('no route to the device')", "status 1: no route to the device"),
        ("sys.stderr.write('hunter22: no route'); sys.exit(4)", r"status 4: \(redacted\): no route"),
        ("print('done')", "printed no JSON object"),
        ("print(json.dumps(['x']))", "printed no JSON object"),
        ("import os; os.kill(os.getpid(), 9)", "status -9"),
    ],
)
async def test_anything_else_is_the_benchs_fault(tmp_path, text, told):
    with pytest.raises(BenchError, match=told) as caught:
        await command(tmp_path, text).apply(SETTINGS)
    assert "hunter22" not in str(caught.value)


async def test_one_that_takes_too_long_is_ended(tmp_path):
    with pytest.raises(BenchError, match="did not end within"):
        await command(tmp_path, "import time; time.sleep(60)", within=0.5).apply(SETTINGS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("while True: print('x' * 1000)", "printed more than"),
        (
            "import os\nif not os.fork(): import time; time.sleep(600)\nprint('{}', flush=True); os._exit(0)",
            "",
        ),
    ],
    ids=["without end", "with a child"],
)
async def test_one_that_prints_without_end_or_leaves_a_child_is_not_waited_for(tmp_path, text, told):
    configurator = command(tmp_path, text, within=60)
    if told:
        with pytest.raises(BenchError, match=told):
            await configurator.apply(SETTINGS)
    else:
        assert (await configurator.apply(SETTINGS)).accepted


async def test_one_that_is_not_there_is_named():
    configurator = CommandConfigurator(["no-such-command"])
    with pytest.raises(BenchError, match="no such command") as caught:
        await configurator.open()
    assert caught.value.where == "device.command no-such-command"
    with pytest.raises(BenchError, match="cannot be run"):
        await configurator.apply(SETTINGS)
    await configurator.close()
