"""A person as configurator: what the sheet tells to change, and what becomes of each answer."""

import ssl

import pytest

from intercom_hil.device.configurator import Configurator
from intercom_hil.device.operator_configurator import OperatorConfigurator
from intercom_hil.errors import DeviceCrashed, Inconclusive
from intercom_hil.operator.answers import AnswersFile
from intercom_hil.operator.prompter import Prompter
from intercom_hil.operator.question import Answer
from intercom_hil.operator.sheet import in_words, spread
from intercom_hil.spec.settings import SipSettings
from intercom_hil.timeline import Timeline
from tests.device.portal_peer import PortalPeer
from tests.operator.standing_in import Somebody

SETTINGS = SipSettings(
    server_address="127.0.0.10",
    auth_username="door",
    auth_password="hunter22",
    extension="3000",
    call_number="3400",
)


def typed_by(person, timeline=None, **options):
    timeline = Timeline() if timeline is None else timeline
    return OperatorConfigurator(Prompter([person], append=timeline.append, within=5), **options)


def last(person):
    return person.asked[-1].question


def changed(person):
    return [field.name for field in last(person).fields if field.changed]


async def test_the_first_sheet_has_every_field_and_the_next_what_changes():
    person = Somebody(answer=Answer(choice="accepted"))
    configurator: Configurator = typed_by(person)
    assert (await configurator.apply(SETTINGS)).accepted
    assert set(changed(person)) == set(SipSettings.model_fields)

    await configurator.apply(SETTINGS.model_copy(update={"call_number": "3411", "call_timeout": 3}))
    assert changed(person) == ["call_number", "call_timeout"]
    assert [field.name for field in last(person).fields][:2] == ["call_number", "call_timeout"]

    await configurator.apply(SETTINGS.model_copy(update={"call_number": "3411", "call_timeout": 3}))
    assert changed(person) == []
    assert "save the form again" in last(person).text


async def test_what_was_refused_does_not_stand_in_the_device():
    person = Somebody(answer=Answer(choice="accepted"))
    configurator = typed_by(person)
    await configurator.apply(SETTINGS)
    person.answer = Answer(choice="refused", text="extension: letters and digits only", fields=("extension",))
    answer = await configurator.submit(SETTINGS.model_dump(mode="json") | {"extension": "30 00"})
    assert (answer.accepted, answer.fields) == (False, ("extension",))
    assert answer.message == "extension: letters and digits only"
    person.answer = Answer(choice="accepted", text="polling below 30 s")
    answer = await configurator.apply(SETTINGS.model_copy(update={"polling_interval": 20}))
    assert changed(person) == ["polling_interval"]
    assert answer.warnings == ("polling below 30 s",)


async def test_what_cannot_be_entered_is_refused_by_the_form_itself():
    person = Somebody(answer=Answer(choice="accepted"))
    configurator = typed_by(person)
    await configurator.apply(SETTINGS)
    person.answer = Answer(choice="impossible")
    answer = await configurator.submit(SETTINGS.model_dump(mode="json") | {"transport": "SCTP"})
    assert (answer.accepted, answer.fields) == (False, ("transport",))


async def test_no_value_stands_on_the_timeline():
    timeline, person = Timeline(), Somebody(answer=Answer(choice="refused", text="'hunter22' is too simple"))
    answer = await typed_by(person, timeline).apply(SETTINGS)
    assert answer.message == "'hunter22' is too simple"
    told = "".join(o.model_dump_json() for o in timeline)
    assert "hunter22" not in told
    assert "3400" not in told


async def test_roles_are_told_and_an_account_may_be_missing():
    person = Somebody(answer=Answer(choice="no account"))
    configurator = typed_by(person)
    with pytest.raises(Inconclusive, match="role viewer"):
        await configurator.submit(SETTINGS.model_dump(mode="json"), "viewer")
    assert "may look and not change" in last(person).text
    await_nobody = configurator.submit(SETTINGS.model_dump(mode="json"), "nobody")
    with pytest.raises(Inconclusive):
        await await_nobody
    assert "without logging in" in last(person).text


async def test_a_portal_that_is_gone_is_the_devices_doing():
    with pytest.raises(DeviceCrashed):
        await typed_by(Somebody(answer=Answer(choice="gone"))).apply(SETTINGS)


async def test_a_certificate_is_handed_out_as_a_file_and_comes_back_as_text(tmp_path):
    person = Somebody(answer=Answer(choice="accepted"))
    pem = ssl.DER_cert_to_PEM_cert(b"anything")
    answer, text = await typed_by(person).upload("ca.cer", b"anything")
    assert (answer.accepted, text) == (True, pem)
    assert [(file.name, file.content) for file in last(person).files] == [("ca.cer", b"anything")]
    person.answer = Answer(choice="refused", text="not a certificate")
    answer, text = await typed_by(person).upload("ca.txt", b"anything")
    assert (answer.accepted, text) == (False, "")


async def test_what_is_long_or_cannot_be_typed_is_handed_out_as_a_file():
    person = Somebody(answer=Answer(choice="refused"))
    form = SETTINGS.model_dump(mode="json") | {"extension": "x" * 1000, "call_number": "34\u200b01"}
    await typed_by(person).submit(form | {"ca_certificate": "-----BEGIN…"})
    names = {file.name: file.content for file in last(person).files}
    assert set(names) == {"extension.txt", "call_number.txt", "ca.pem"}
    assert names["call_number.txt"] == "34\u200b01".encode()


async def test_the_sheet_has_the_devices_own_names():
    person = Somebody(answer=Answer(choice="accepted"))
    await typed_by(person, labels={"call_number": "Ziel 1"}).apply(SETTINGS)
    assert "Ziel 1" in {field.label for field in last(person).fields}


async def test_the_emulated_person_types_into_the_portal_and_tells_what_it_says(tmp_path):
    peer = PortalPeer("127.0.75.62")
    path = tmp_path / "answers.toml"
    path.write_text('[[answer]]\nrun = ["{python}", "-m", "intercom_hil.emulator.operator"]\n')
    answers = AnswersFile(path)
    await answers.open()
    configurator = typed_by(answers, address="127.0.75.62", portal=peer.url)
    try:
        assert (await configurator.apply(SETTINGS)).accepted
        assert peer.settings == SETTINGS
        refused = await configurator.submit(SETTINGS.model_dump(mode="json") | {"extension": "30 00"})
        assert (refused.accepted, refused.fields) == (False, ("extension",))
        for role in ("viewer", "nobody"):
            assert not (await configurator.submit(SETTINGS.model_dump(mode="json"), role)).accepted
        warned = await configurator.apply(SETTINGS.model_copy(update={"polling_interval": 10}))
        assert warned.warnings
    finally:
        peer.close()
    with pytest.raises(DeviceCrashed):
        await configurator.apply(SETTINGS)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "(empty)"),
        ("", "(empty)"),
        ([], "(empty)"),
        (True, "on"),
        (False, "off"),
        (0, "0"),
        ("Tür 2", "Tür 2"),
        (" 3401", "' 3401'"),
        ("34\x0001", r"'34\x0001'"),
        (["1", "2"], "1\n2"),
        ({"address": "x", "port": 1}, "address: x\nport: 1"),
    ],
)
def test_values_are_written_as_they_are_typed(value, words):
    assert in_words(value) == words


@pytest.mark.parametrize("most", [1, 2, 5, 80, 100])
def test_a_few_values_are_spread_over_all(most):
    chosen = spread(range(80), most)
    assert len(chosen) == min(most, 80) == len(set(chosen))
    assert chosen[0] == 0
    assert most == 1 or chosen[-1] == 79
