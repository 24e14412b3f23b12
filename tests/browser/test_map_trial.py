"""``bench map``: a map read, and walked through at a portal of another make; what is wrong is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from intercom_hil.browser.portal_map import read_map
from intercom_hil.browser.session import Person
from intercom_hil.errors import BenchError
from intercom_hil.map_trial.place import Place, changes_of, place_of, with_password
from intercom_hil.map_trial.trial import try_map
from tests.browser.portals import expected
from tests.browser.portals.plain_form import PlainForm
from tests.browser.portals.wizard import Wizard

WIZARD = Path(expected.__file__).with_name("wizard.toml")
BENCHES = Path(__file__).parents[2] / "fixtures" / "benches"
PLAIN_FORM = Path(expected.__file__).with_name("plain_form.toml")


def command(*arguments, **environment):
    """Run ``bench map`` as a person does, and return its status and all that it said."""
    line = [sys.executable, "-m", "intercom_hil", "bench", "map", *map(str, arguments)]
    ran = subprocess.run(
        line, capture_output=True, text=True, timeout=120, env=os.environ | environment, check=False
    )
    return ran.returncode, ran.stdout + ran.stderr


def altered(path, folder, *changes):
    """Return a copy of a map in which some things are wrong."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    copy = folder / path.name
    copy.write_text(text, encoding="utf-8")
    return copy


def test_a_map_is_described_without_a_portal():
    status, said = command(WIZARD)
    assert status == 0
    assert "Gatekeeper" in said
    assert "way to the form: Assistant, the first page" in said
    assert "23 settings, on 2 pages" in said


def test_what_is_wrong_on_the_command_line_is_one_message():
    status, said = command(WIZARD, "--try", "--url", "192.0.2.30")
    assert status == 2
    assert "add --url http://ADDRESS" in said
    assert "Traceback" not in said
    status, said = command(WIZARD.with_name("nothing.toml"))
    assert status == 2
    assert "the portal map cannot be read" in said


@pytest.mark.parametrize(
    ("account", "password", "said"),
    [("", "secret", "add --account"), ("admin", "", "no password for 'admin'")],
)
def test_a_place_needs_somebody_who_can_log_in(account, password, said):
    place = place_of(WIZARD, url="http://192.0.2.30", account=account, ca=None)
    with pytest.raises(BenchError, match=said):
        with_password(place, password)


def test_a_bench_file_says_where_the_portal_is_and_who_logs_in(tmp_path):
    bench = tmp_path / "bench.toml"
    text = (BENCHES / "emulated-browser.toml").read_text(encoding="utf-8")
    table = ["[device.browser]", 'url = "http://192.0.2.7"', 'account = "keeper"', 'password = "secret"']
    bench.write_text("\n".join([text, *table, f'map = "{WIZARD}"', ""]), encoding="utf-8")
    place = with_password(place_of(bench, url="", account="", ca=None), "")
    assert (place.url, place.person.password, place.map) == ("http://192.0.2.7", "secret", WIZARD)
    other = place_of(bench, url="http://192.0.2.8", account="viewer", ca=None)
    assert (other.url, other.person.account, other.person.password) == ("http://192.0.2.8", "viewer", "")


def test_a_bench_that_uses_no_browser_says_what_to_add():
    with pytest.raises(BenchError, match=r"add the table \[device.browser\]"):
        place_of(BENCHES / "emulated.toml", url="", account="", ca=None)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("colour=red", "it is no setting of the map"),
        ("call_timeout", "it is no setting of the map, with a value"),
        ("auth_password=geheim", "cannot be read, and so not be put back"),
        ("enabled=yes", "use enabled=true or enabled=false"),
    ],
)
def test_what_cannot_be_set_for_a_trial_is_refused(word, said):
    with pytest.raises(BenchError) as raised:
        changes_of([word], read_map(WIZARD))
    assert said in f"{raised.value.what}; {raised.value.remedy}"
    assert "geheim" not in str(raised.value)


def test_what_is_set_for_a_trial_goes_into_its_field():
    words = ["enabled=false", "further_numbers=3405, 3406", "server_port=5070"]
    assert changes_of(words, read_map(WIZARD)) == {
        "enabled": False,
        "further_numbers": ["3405", "3406"],
        "server_port": "5070",
    }


async def trial(make, path, folder, kept, **wanted):
    said = []
    with make() as portal:
        portal.kept = dict(kept)
        portal.happens("incoming_call_received", "Incoming Call", "from 3400")
        place = Place(path, portal.url, Person(portal.account, portal.password))
        well = await try_map(place, folder / "pictures", said.append, **wanted)
        assert portal.kept == kept
        return well, "\n".join(said), portal


@pytest.mark.chromium
async def test_a_walk_looks_at_everything_and_puts_back_what_it_changed(tmp_path):
    changes = {"call_timeout": "45", "further_numbers": ["3407"]}
    well, said, portal = await trial(Wizard, WIZARD, tmp_path, expected.WIZARD, changes=changes)
    assert well, said
    assert "server_port: a field labelled 'Port of the server': a text box, with '5061'" in said
    assert "video_calls: a group 'Video': a group of fields, with 'Incoming'" in said
    assert "auth_password: a field labelled 'Password to log on with': a password box; what" in said
    assert "call_timeout: stands there as it was submitted" in said
    assert "rows read: 1; the newest: time " in said
    assert "screen 'Incoming Call', details 'from 3400', event 'incoming_call_received'" in said
    assert "23 of 23 settings found; the form was submitted" in said
    assert portal.submissions == 2
    assert len(list((tmp_path / "pictures").glob("*.png"))) > 8


@pytest.mark.chromium
async def test_each_mistake_in_a_map_is_named_with_its_remedy_and_nothing_is_submitted(tmp_path):
    wrong = altered(
        PLAIN_FORM,
        tmp_path,
        ('label = "Name shown"', 'label = "Shown name"'),
        ('label = "Button dials"', 'label = "Button dials"\nkind = "switch"'),
        ('kind = "lines"', 'kind = "file"'),
        ('Off = "None", ', ""),
        ("TCP = ", "SCTP = "),
        ("blanks = true", "blanks = true\nadd = { role = 'button', name = 'More' }"),
    )
    well, said, portal = await trial(PlainForm, wrong, tmp_path, PlainForm.first, submit=True)
    assert not well
    assert "display_name: step 'the field of display_name': looked for a field labelled 'Shown name'" in said
    assert 'textbox "Name shown"' in said
    assert "a text box, and the map has it as switch" in said
    assert 'use kind = "text"' in said
    assert "a text box of several lines, and the map has it as file" in said
    assert "has 'None', which the map does not explain" in said
    assert "nothing is spelt 'TCP'; the form has 'udp', 'tcp', 'tls'" in said
    assert "looked for a button 'More'" in said
    assert portal.submissions == 0
    assert "a form is submitted only when all of it was found" in said
