"""What a run tells of its bench: everything but what must stay a secret."""

from intercom_hil.bench.environment import without_secrets
from intercom_hil.bench_file.model import load
from tests.structure.source_tree import ROOT


def test_no_password_of_a_bench_file_is_told():
    file = load(ROOT / "docs" / "bench" / "examples" / "complete.toml")
    table = file.device.model_dump(mode="json")
    told = without_secrets(table)
    secrets = {value for key, value in table["portal"].items() if "password" in key}
    assert len(secrets) == 2
    assert not [secret for secret in secrets if secret in repr(told)]
    assert told["portal"]["account"] == table["portal"]["account"]
    assert told["console"] == table["console"]
