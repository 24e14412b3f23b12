"""The engine for real: found, probed, remembered, containers run, listed, lost and reaped."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
from pathlib import Path

import pytest

from intercom_hil.errors import BenchError
from intercom_hil.processes import image as image_module
from intercom_hil.processes import supervisor
from intercom_hil.processes.engine import Engine
from intercom_hil.processes.image import Recipe, containerfile, ensure_image, ready_engine
from intercom_hil.processes.owner_labels import OWNER, own_labels
from intercom_hil.processes.supervisor_client import Supervised

ROOT = Path(image_module.__file__).parents[2]
SUPERVISOR = Path(supervisor.__file__)


@pytest.fixture(scope="module")
def engine_and_image():
    return ready_engine(lambda _: None)


@pytest.fixture
def name(engine_and_image):
    name = f"intercom-hil-test-{secrets.token_hex(4)}"
    yield name
    engine_and_image[0].remove(name)


async def open_place(engine, image, name, folder):
    socket = folder / "s"
    argv = ["python3", "-I", "-S", str(SUPERVISOR), str(socket)]
    await asyncio.to_thread(
        engine.run_detached, name, argv, image=image, mounts=[folder, SUPERVISOR], labels={"test": name}
    )
    return await Supervised.connect(socket)


async def test_a_place_runs_the_native_tools(engine_and_image, name, tmp_path):
    place = await open_place(*engine_and_image, name, tmp_path)
    for tool, argument in (("asterisk", "-V"), ("sipp", "-v"), ("tcpdump", "--version"), ("kamailio", "-v")):
        program = await place.start(tool, [tool, argument], cwd=tmp_path)
        assert (await program.wait(10)).status in (0, 99), tool  # sipp -v ends with 99
        assert (tmp_path / f"{tool}.out").stat().st_size or (tmp_path / f"{tool}.err").stat().st_size
    await place.close()


async def test_a_killed_container_is_a_lost_place(engine_and_image, name, tmp_path):
    engine, _ = engine_and_image
    place = await open_place(*engine_and_image, name, tmp_path)
    program = await place.start("p", ["sleep", "60"], cwd=tmp_path)
    await asyncio.to_thread(engine.kill, name)
    assert await asyncio.wait_for(place.lost, 5)
    with pytest.raises(BenchError):
        await program.wait(5)
    await place.close()


async def test_containers_are_found_by_label_and_say_whose_they_are(engine_and_image, name, tmp_path):
    engine, _ = engine_and_image
    place = await open_place(*engine_and_image, name, tmp_path)
    (found,) = engine.containers(f"test={name}")
    assert found.name == name
    assert found.labels.items() >= own_labels().items()
    assert name not in engine.reap()
    await place.close()


def test_killing_and_removing_what_is_not_there_is_nothing(engine_and_image):
    engine, _ = engine_and_image
    engine.kill("intercom-hil-no-such-container")
    engine.remove("intercom-hil-no-such-container")


def test_what_the_engine_refuses_is_quoted(engine_and_image, name):
    engine, image = engine_and_image
    with pytest.raises(BenchError, match="no-such-program"):
        engine.run_detached(name, ["no-such-program"], image=image)
    with pytest.raises(BenchError, match="no-such-image"):
        engine.run_detached(name, ["true"], image="localhost/no-such-image:1")


def test_the_container_of_a_bench_that_is_gone_is_reaped(engine_and_image, name):
    """A bench starts a container that ignores its end, and is killed."""
    engine, image = engine_and_image
    bench = textwrap.dedent(f"""
        import os, signal
        from intercom_hil.processes.engine import Engine
        Engine.find().run_detached({name!r}, ["sleep", "60"], image={image!r})
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    done = subprocess.run([sys.executable, "-c", bench], cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert name in [c.name for c in engine.containers()]
    assert name in engine.reap()
    assert name not in [c.name for c in engine.containers()]


def test_a_container_owned_in_another_namespace_is_left_alone(engine_and_image, name):
    engine, image = engine_and_image
    labels = {OWNER: "4000000:1", "intercom-hil.namespace": "pid:[1]"}
    engine.run_detached(name, ["sleep", "60"], image=image, labels=labels)
    assert name not in engine.reap()


def test_what_was_probed_is_remembered_until_the_client_changes(engine_and_image, tmp_path):
    engine = Engine.find(tmp_path, afresh=True)
    assert not engine.probed
    engine.probe(engine_and_image[1])
    assert engine.probed
    assert str(Engine.find(tmp_path)) == str(engine)
    memory = tmp_path / "engine.json"
    memory.write_text(json.dumps({**json.loads(memory.read_text()), "modified": 0}))
    assert not Engine.find(tmp_path).probed


@pytest.mark.parametrize("nonsense", ["", "{", "[]", "null", '{"client": 5}', '{"client": "/nowhere"}'])
def test_a_spoilt_memory_is_as_good_as_none(tmp_path, nonsense):
    (tmp_path / "engine.json").write_text(nonsense)
    assert not Engine.find(tmp_path).probed


def test_an_image_with_which_nothing_runs_fails_the_probe_with_both_reasons(tmp_path):
    engine = Engine.find(tmp_path)
    with pytest.raises(BenchError, match="no container runs"):
        engine.probe("localhost/no-such-image:1")
    assert not engine.probed


def test_without_any_client_the_remedy_says_what_to_type(tmp_path):
    script = "from intercom_hil.processes.engine import Engine; Engine.find()"
    env = {"PATH": "/nonexistent", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=20)
    assert "podman is not installed; docker is not installed" in done.stderr
    assert "Remedy: install podman" in done.stderr


def test_a_client_without_an_engine_is_not_taken_for_one(tmp_path):
    fake = tmp_path / "bin" / "docker"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n")
    fake.chmod(0o755)
    script = "from intercom_hil.processes.engine import Engine; Engine.find()"
    env = {"PATH": str(fake.parent), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=20)
    assert "docker does not answer: Cannot connect to the Docker daemon" in done.stderr


def small_recipe(tmp_path):
    """A recipe nobody else uses, with its file system, one file, in the cache already."""
    text = image_module.RECIPE.read_text() + f"# {secrets.token_hex(8)}\n"
    (tmp_path / "image.toml").write_text(text)
    recipe = Recipe.load(tmp_path / "image.toml")
    with tarfile.open(tmp_path / f"rootfs-{recipe.digest}.tar", "w") as tar:
        tar.add(tmp_path / "image.toml", "etc/recipe")
    return recipe


def test_an_emptied_store_gets_the_image_from_the_cached_file_system(engine_and_image, tmp_path):
    engine, _ = engine_and_image
    recipe, told = small_recipe(tmp_path), []
    assert not engine.has_image(recipe.tag)
    try:
        assert ensure_image(engine, told.append, recipe=recipe, cache=tmp_path) == recipe.tag
        assert engine.has_image(recipe.tag)
        assert told[0] == f"importing {recipe.tag}"
        told.clear()
        ensure_image(engine, told.append, recipe=recipe, cache=tmp_path)
        assert not told
    finally:
        subprocess.run([str(engine.client), "image", "rm", recipe.tag], capture_output=True, check=True)


def test_two_benches_that_need_the_image_make_it_once(engine_and_image, tmp_path):
    engine, _ = engine_and_image
    recipe = small_recipe(tmp_path)
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from intercom_hil.processes.engine import Engine
        from intercom_hil.processes.image import Recipe, ensure_image
        folder = Path(sys.argv[1])
        ensure_image(Engine.find(), print, recipe=Recipe.load(folder / "image.toml"), cache=folder)
    """)
    argv = [sys.executable, "-c", script, str(tmp_path)]
    benches = [subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        said = [bench.communicate(timeout=60)[0] for bench in benches]
        assert [bench.returncode for bench in benches] == [0, 0]
        assert sum("importing" in text for text in said) == 1
    finally:
        subprocess.run([str(engine.client), "image", "rm", recipe.tag], capture_output=True, check=True)


def test_the_tag_follows_the_recipe(tmp_path):
    one, other = Recipe.load(), small_recipe(tmp_path)
    assert one.tag != other.tag
    assert one.packages == other.packages


@pytest.mark.parametrize("text", ["", "suite = ", "suite = 1\npackages = 2", "\xff"])
def test_a_spoilt_recipe_is_named(tmp_path, text):
    path = tmp_path / "image.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BenchError, match="no image recipe"):
        Recipe.load(path)


def test_the_recipe_reads_as_a_containerfile_too():
    text = containerfile(Recipe.load())
    assert text.startswith("FROM debian:forky-slim\nRUN ")
    assert "asterisk sip-tester" in text
    if shutil.which("sh"):
        subprocess.run(["sh", "-n", "-c", text.partition("RUN ")[2]], check=True)


def test_own_labels_name_this_process():
    assert own_labels()[OWNER].startswith(f"{os.getpid()}:")
