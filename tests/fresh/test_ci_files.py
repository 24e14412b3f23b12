"""The ready-made files for CI services: they parse, and what they name and run is there."""

import re
import shlex
import subprocess

import pytest
import yaml

from intercom_hil.bench_file.model import load
from tests.structure.source_tree import ROOT

FOLDER = ROOT / "docs" / "ci"
FILES = sorted(FOLDER.glob("*.yml"))


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(name):
    """Return the commands of a file, in order."""
    if name == "github-actions.yml":
        (job,) = read(FOLDER / name)["jobs"].values()
        return [step["run"] for step in job["steps"] if "run" in step]
    job = read(FOLDER / name)["compliance"]
    return [*job["before_script"], *job["script"]]


def test_there_are_files():
    assert {path.name for path in FILES} == {"github-actions.yml", "gitlab-ci.yml"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_recipes_by_which_the_cache_is_known_exist(path):
    named = re.findall(r"[\w/]+\.toml", path.read_text().partition("script:")[0])
    assert [name for name in named if "/" in name and not (ROOT / name).exists()] == []
    assert sum(name.endswith("image.toml") for name in named) == 2


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_their_commands_are_those_of_the_script(name):
    asked = [shlex.split(command) for command in commands(name) if command.startswith("./hil")]
    assert [words[:2] for words in asked] == [["./hil", "run"]]
    assert {option for words in asked for option in words[2:] if option.startswith("-")} <= {"--bench"}


def test_the_bench_that_is_made_for_docker_is_one(tmp_path):
    make = commands("github-actions.yml")[0].replace("fixtures/", f"{ROOT}/fixtures/")
    subprocess.run(["sh", "-ec", make], cwd=tmp_path, check=True)
    assert load(tmp_path / "bench.toml").engine.kind == "docker"


def test_what_is_kept_is_where_a_run_leaves_it():
    kept = read(FOLDER / "gitlab-ci.yml")["compliance"]["artifacts"]
    assert kept["reports"]["junit"].startswith(kept["paths"][0])
    assert "reports/runs/latest/junit.xml" in (FOLDER / "README.md").read_text()
