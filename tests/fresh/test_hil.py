"""The script at the top: what it needs, what it says when that is missing, and that it keeps small."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.structure.source_tree import ROOT

HIL = ROOT / "hil"
SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]


def hil(*arguments, path, cwd=ROOT, **environment):
    """Run a copy of the script in a folder without an environment, with nothing else on its path."""
    argv = ["/bin/sh", str(cwd / "hil"), *arguments]
    env = {"PATH": str(path), "HOME": str(cwd), **environment}
    return subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, timeout=60)


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    shutil.copy(HIL, folder)
    return folder


@pytest.fixture
def path(tmp_path):
    """A folder of programs: what every Unix has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "find", "id", "mkdir", "rm", "cat"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def python(path, name, body):
    """Put a program on the path that stands for a Python with something missing."""
    (path / name).write_text(f"#!/bin/sh\n{body}\n")
    (path / name).chmod(0o755)


def test_it_is_small():
    assert len(HIL.read_text().splitlines()) <= 80


@pytest.mark.parametrize("shell", SHELLS)
def test_every_shell_can_read_it(shell):
    argv = ["busybox", "sh"] if shell == "busybox" else [shell]
    subprocess.run([*argv, "-n", str(HIL)], check=True)
    said = subprocess.run([*argv, str(HIL), "--help"], check=True, capture_output=True, text=True).stdout
    assert "./hil run" in said
    assert "./hil test" in said


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
def test_shellcheck_finds_nothing():
    subprocess.run(["shellcheck", str(HIL), str(ROOT / ".ci" / "run")], check=True)


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_makes_nothing(checkout, path, arguments):
    done = hil(*arguments, path=path, cwd=checkout)
    assert (done.returncode, done.stderr) == (0, "")
    assert "usage: ./hil run" in done.stdout
    assert [file.name for file in checkout.iterdir()] == ["hil"]


def test_without_a_python_it_says_what_to_type(checkout, path):
    done = hil("run", path=path, cwd=checkout)
    assert done.returncode == 2
    assert "no Python 3.11 or later" in done.stderr
    assert "apt-get install -y --no-install-recommends python3 python3-venv" in done.stderr


def test_an_old_python_is_none(checkout, path):
    python(path, "python3", "exit 1")
    assert "no Python 3.11 or later" in hil("run", path=path, cwd=checkout).stderr


WITHOUT_VENV = f"""case "$*" in
*ensurepip*) exit 1 ;;
*) exec {sys.executable} "$@" ;;
esac"""


def test_a_python_that_cannot_make_environments_is_told_with_the_package_that_lets_it(checkout, path):
    python(path, "python3", WITHOUT_VENV)
    python(path, "apt-get", "exit 1")
    path.joinpath("id").unlink()
    python(path, "id", "echo 1000")
    done = hil("run", path=path, cwd=checkout)
    assert done.returncode == 2
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert f"apt-get update && apt-get install -y --no-install-recommends {package}" in done.stderr


def test_as_root_it_installs_that_package_and_names_the_log_when_it_cannot(checkout, path):
    python(path, "python3", WITHOUT_VENV)
    python(path, "apt-get", 'echo "apt-get $*"; test "$1" = update')
    path.joinpath("id").unlink()
    python(path, "id", "echo 0")
    done = hil("run", path=path, cwd=checkout)
    assert done.returncode == 2
    assert f"see {checkout}/.tox/hil.log" in done.stderr
    log = (checkout / ".tox" / "hil.log").read_text().splitlines()
    assert log[0] == "apt-get update"
    assert "python3." in log[1]
    assert "-venv" in log[1]


def test_a_python_that_can_make_environments_goes_before_one_that_cannot(checkout, path):
    python(path, "python3.12", WITHOUT_VENV)
    python(path, "python3", f'echo "$*" >>{checkout}/asked; exec {sys.executable} "$@"')
    done = hil("run", path=path, cwd=checkout, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert "with python3" in done.stderr
    assert f"-m venv --clear {checkout}/.tox/hil" in (checkout / "asked").read_text()
    assert done.returncode == 2  # there is no tox to be had without an index
    assert f"it cannot be made; see {checkout}/.tox/hil.log" in done.stderr
