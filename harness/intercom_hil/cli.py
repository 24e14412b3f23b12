"""The command ``intercom-hil``: run, provision, check a bench, emulate a device, render, judge again.

The top of the house: it may know every room, and nobody knows it. Imports are inside the commands, so that
``--help`` answers at once. Exit status: 0 all is well, 1 a verdict that breaks the run, 2 it could not begin.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intercom_hil.errors import BenchError
from intercom_hil.locations import DEFAULT_BENCH, SCENARIOS
from intercom_hil.terminal_text import visible

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from intercom_hil.bench_file.model import BenchFile
    from intercom_hil.processes.engine import Engine

USAGE = 2
RUNS = Path("reports/runs")
_FORMATS = "html, junit, markdown, csv, ctrf, allure, pdf, pdf-annex, reqif, strictdoc"

app = typer.Typer(
    help="Compliance bench for SIP intercoms: drives the device, watches it, judges it, keeps the evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench_commands = typer.Typer(help="Describe and look at a bench.", no_args_is_help=True)
judge_commands = typer.Typer(help="Judge stored evidence.", no_args_is_help=True)
key_commands = typer.Typer(help="Keys to sign the evidence of runs with.", no_args_is_help=True)
app.add_typer(key_commands, name="key")
app.add_typer(bench_commands, name="bench")
app.add_typer(judge_commands, name="judge")


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"intercom-hil {version('intercom-hil')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version, and end."),
    ] = False,
) -> None:
    pass


BenchOption = Annotated[Path, typer.Option("--bench", metavar="FILE", help="The bench file.")]
SignOption = Annotated[
    Path | None,
    typer.Option(
        "--sign", metavar="KEY.pem", help="The private key (intercom-hil key new) to sign the seal with."
    ),
]
StampOption = Annotated[
    str,
    typer.Option(
        "--time-stamp", metavar="URL", help="A time-stamping service (RFC 3161) that is to stamp the seal."
    ),
]
HtmlOption = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write it as a page, too.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]
_PLAY = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
import pytest
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    sys.exit(pytest.main())
except KeyboardInterrupt:
    sys.exit("interrupted before the first scenario")
"""
"""pytest as ``python -m pytest`` starts it; Ctrl-C while it is being loaded ends it without a traceback."""
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_PASSED_ON)
def run(
    context: typer.Context,
    bench: Annotated[
        list[Path] | None,
        typer.Option("--bench", metavar="FILE", help="The bench file; several, or a folder, share the run."),
    ] = None,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="FOLDER", help="Where the run folder is made.")
    ] = RUNS,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="RUN", help="Go on with an interrupted run, in its folder."),
    ] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", help=f"A further report: {_FORMATS}; several, or all."),
    ] = None,
    deviations: Annotated[
        Path | None,
        typer.Option(
            "--deviations",
            metavar="FILE",
            help="What the device is known to break, and somebody accepts (docs/known-deviations.md).",
        ),
    ] = None,
    sign: SignOption = None,
    time_stamp: StampOption = "",
) -> None:
    """Run the compliance scenarios against a bench, or several side by side, and write the report.

    Further arguments go to pytest: -k EXPRESSION or --requirement ID to choose
    scenarios, --fault NAME to have the emulated intercom break a rule,
    --attempts N, --each for a run on every bench, --shuffle SEED, -n N, -x, -v.
    As many copies of an emulated bench as there are cores play all scenarios,
    unless -n N says how many.
    """
    from intercom_hil.bench_file.pool import Pool

    members = Pool.load(bench or [DEFAULT_BENCH]).members
    _prepare({(m.file.engine, m.file.capture, m.file.device.kind): m.file for m in members}.values())
    benches = [word for member in members for word in ("--bench", str(member.path.resolve()))]
    side_by_side = _side_by_side([member.file for member in members], context.args, resumes=bool(resume))
    arguments = [*benches, *side_by_side, "--runs", str(runs.resolve())]
    arguments += context.args
    arguments += ["--resume", str(resume.resolve())] if resume else []
    arguments += [word for name in formats or () for word in ("--report-format", name)]
    arguments += ["--deviations", str(deviations)] if deviations else []
    arguments += ["--sign", str(sign)] if sign else []
    arguments += ["--time-stamp", time_stamp] if time_stamp else []
    # pytest takes this process over: a signal or a terminal's Ctrl-C meets one process, not a chain of two.
    sys.stdout.flush()
    named = any(_names_scenarios(argument) for argument in context.args)
    scenarios = [] if named else [str(SCENARIOS)]
    os.execv(sys.executable, [sys.executable, "-c", _PLAY, *scenarios, *arguments])


def _names_scenarios(argument: str) -> bool:
    """Whether an argument names a file with scenarios, or one scenario, in place of all of them."""
    return not argument.startswith("-") and argument.partition("::")[0].endswith(".py")


def _prepare(files: Iterable[BenchFile]) -> None:
    """Make ready what benches need, and go on in a network of their own where they cannot do in this one."""
    from intercom_hil.bench.prepare import prepare

    engines = [prepare(file, _log, as_it_is=False).rootless for file in files]
    _go_on_in_own_network(next(filter(None, engines), None))


def _go_on_in_own_network(engine: Engine | None) -> None:
    """Start this command again where a user without rights may capture; nothing happens without an engine."""
    from intercom_hil.processes.own_network import in_own_network

    if engine is not None:
        argv = in_own_network(engine, [sys.executable, "-m", "intercom_hil.cli", *sys.argv[1:]])
        # podman, whose terminal is ours here, would say at each run that it is about to leave cgroups v1
        os.execve(argv[0], argv, {"PODMAN_IGNORE_CGROUPSV1_WARNING": "1", **os.environ})


def _side_by_side(files: list[BenchFile], arguments: list[str], *, resumes: bool) -> list[str]:
    """Return the options with which several benches have a process each, where nothing else is said."""
    from intercom_hil.commands.lanes import lanes

    if len(files) == 1:
        count = 1 if resumes else lanes(files[0], arguments)
        if count > 1:
            _log(f"{count} copies of the bench play side by side, one for each core; -n 0 has one play alone")
        return ["-n", str(count)] if count > 1 else []
    said = any(argument.startswith(("-n", "--numprocesses", "--tx")) for argument in arguments)
    processes = [] if said else ["-n", str(len(files))]
    return [*processes, *(["--dist", "each"] if "--each" in arguments else [])]


@app.command()
def explore(
    bench: BenchOption = DEFAULT_BENCH,
    minutes: Annotated[
        float, typer.Option("--minutes", min=0.0, help="For how long new stories are begun.")
    ] = 10.0,
    seed: Annotated[
        int, typer.Option("--seed", help="What stories are drawn by: the same number, the same stories.")
    ] = 0,
    first: Annotated[bool, typer.Option("--first", help="End with the first violation.")] = False,
    play: Annotated[
        Path | None, typer.Option("--play", metavar="FILE", help="Play one story that was kept.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option("--keep", metavar="FOLDER", help="Keep what is found here too.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME", help="A rule that the emulated intercom shall break."),
    ] = None,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="FOLDER", help="Where the run folder is made.")
    ] = RUNS,
) -> None:
    """Draw stories at random, play them, and shorten what breaks the page (docs/explore.md).

    A story presses, calls, answers, declines, hangs up, holds, refers, takes the
    server away, changes settings. A reference model of the page, and the rules
    that hold in every scenario, judge it. Exit status 1 if the page was broken.
    """
    from intercom_hil.bench_file.model import load
    from intercom_hil.explore.command import run_exploration
    from intercom_hil.explore.exploring import Wanted

    file = load(bench).with_faults(fault or (), str(bench))
    wanted = Wanted(bench, tuple(fault or ()), minutes, seed, first=first, keep=keep)
    _prepare([file])
    status = run_exploration(file, wanted, runs, _say, play)
    raise typer.Exit(status)


@app.command()
def plan(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Files with scenarios (default: ours).")
    ] = None,
    bench: BenchOption = DEFAULT_BENCH,
    keywords: Annotated[
        str, typer.Option("-k", metavar="EXPRESSION", help="Only scenarios whose names match, as run -k.")
    ] = "",
    requirement: Annotated[
        list[str] | None,
        typer.Option("--requirement", metavar="ID", help="Only those of a requirement or family; several."),
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="NAME", help="markdown or html.")] = "markdown",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where it goes (default: here).")
    ] = None,
    like: Annotated[
        Path | None,
        typer.Option("--like", metavar="RUN", help="An earlier run, whose durations are to stand beside."),
    ] = None,
) -> None:
    """Print the test plan of a bench: what a run would play, step by step.

    Every scenario with what is done, what is expected, how long that may take,
    and what a person will be asked. Nothing is started, and the device is not
    touched. Scenarios are run for it on a bench where nothing happens: what one
    in a FILE of yours does beside the bench, it does for its plan, too.
    """
    from intercom_hil.bench_file.model import load
    from intercom_hil.plan import planned, written
    from intercom_hil.plugin.collecting import collect
    from intercom_hil.plugin.ordering import forecast

    if form not in written.FORMS:
        raise BenchError("there is no such form of a plan", form, f"use {', '.join(written.FORMS)}")
    file = load(bench)
    lasted = planned.durations(like) if like is not None else {}
    found = collect(files or [SCENARIOS], keywords, requirement or ())
    words = [f"-k {keywords}"] if keywords else []
    words += [f"--requirement {name}" for name in requirement or ()]
    words += [str(path) for path in files or ()]
    text = written.FORMS[form](planned.plan(file, bench, found, forecast, " ".join(words), lasted))
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise BenchError.of(problem, str(output)) from problem
    typer.echo(output)


@app.command()
def provision(
    labgrid: Annotated[
        bool, typer.Option("--labgrid", help="Install labgrid's client too, in an environment of its own.")
    ] = False,
    pdf: Annotated[
        bool, typer.Option("--pdf", help="Install what PDF reports need of the system, and nothing else.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser", help="Install the browser that Admin Portals are used in, only.")
    ] = False,
) -> None:
    """Install a container engine where possible, and make the bench's image."""
    if pdf:
        _provide_pdf()
    if browser:
        _provide_browser()
    if pdf or browser:
        return
    from intercom_hil.device.emulator_container import ready_emulator, supported
    from intercom_hil.processes.image import ready_engine

    if labgrid:
        from intercom_hil.lab.labgrid_client import provide_labgrid

        typer.echo(f"labgrid {provide_labgrid(_log)}")
    engine, image = ready_engine(_log)
    typer.echo(f"engine {engine}\nimage {image}")
    if supported() and (emulator := ready_emulator("auto", _log)) is not None:
        typer.echo(f"emulated intercom {emulator}")


def _provide_browser() -> None:
    import asyncio

    from intercom_hil.browser.chromium import PACKAGES, installed, look
    from intercom_hil.processes.engine import apt_install, may_install

    try:
        installed()
    except BenchError:
        if not may_install():
            raise
        apt_install(PACKAGES, _log)
    typer.echo(f"browser Chromium {asyncio.run(look())}")


def _provide_pdf() -> None:
    from intercom_hil.paper.report import PACKAGES, SystemLacksError, weasyprint
    from intercom_hil.processes.engine import apt_install, may_install
    from intercom_hil.reports import ReportError

    try:
        try:
            weasyprint()
        except SystemLacksError:
            if not may_install():
                raise
            apt_install(PACKAGES, _log)
            weasyprint()
    except ReportError as problem:
        raise BenchError(problem.what, problem.where, problem.remedy) from problem
    typer.echo("PDF reports can be made")


@bench_commands.command("check")
def bench_check(
    bench: BenchOption = DEFAULT_BENCH,
    parts_only: Annotated[
        bool, typer.Option("--parts-only", help="Leave out the trial call; the device stays as it is.")
    ] = False,
    measured: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="Find out how fast the device is and what it takes (device.timing, device.limits).",
        ),
    ] = False,
    count: Annotated[
        int, typer.Option("--count", min=1, max=1000, help="How many settings, presses and calls to measure.")
    ] = 10,
    write: Annotated[
        bool, typer.Option("--write", help="Write what was measured into the bench file without asking.")
    ] = False,
) -> None:
    """Look at everything a run needs, line by line, with the remedy for what is missing.

    First every part by itself: file, engine, addresses, cables. When all are
    there, a trial of the whole: the bench is started, the device configured,
    its button pressed, one call made and ended. Then, where that is asked for,
    the device is measured, and what was found is written into the bench file,
    with a margin.
    """
    from intercom_hil.bench.prepare import confined
    from intercom_hil.bench_file.model import load
    from intercom_hil.commands.check import check
    from intercom_hil.evidence.checked_bench import keep_check

    with suppress(BenchError):  # it will be a line of the check
        _go_on_in_own_network(confined(load(bench)))
    well = check(bench, _say, with_call=not parts_only)
    if well and measured:
        from intercom_hil.commands.measure import measure

        measure(bench, count, _say, lambda: write or _agreed("Write this into the bench file?"))
    if well and not parts_only:
        keep_check(bench)  # as it is now: with what was measured
    raise typer.Exit(0 if well else USAGE)


@bench_commands.command("sound")
def bench_sound(bench: BenchOption = DEFAULT_BENCH) -> None:
    """Play a tone with the bench's sound card and hear it: level, pitch and latency of card and cables."""
    from intercom_hil.commands.sound_check import check_sound

    loop = check_sound(bench, _say)
    raise typer.Exit(0 if loop.tone_hz else USAGE)


@bench_commands.command("new")
def bench_new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bench file to write.")] = Path(
        "my-bench.toml"
    ),
) -> None:
    """Write a bench file by question and answer; ports, boards and addresses are found and tried out."""
    from intercom_hil.commands.new import Stopped, new_bench

    try:
        new_bench(file, _Terminal())
    except (Stopped, typer.Abort, KeyboardInterrupt):
        _log("\nintercom-hil: nothing was written.")
        raise typer.Exit(USAGE) from None


@bench_commands.command("map")
def bench_map(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A portal map, or a bench file with [device.browser].")
    ],
    tried: Annotated[bool, typer.Option("--try", help="Walk through it at the portal.")] = False,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="The portal's address.")] = "",
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Who logs in; the password is asked for.")
    ] = "",
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE.pem", help="The CA of an https:// portal.")
    ] = None,
    pictures: Annotated[
        Path, typer.Option("--pictures", metavar="FOLDER", help="Where pictures of the pages go.")
    ] = Path("portal-pictures"),
    submit: Annotated[bool, typer.Option("--submit", help="Submit the form, too, as it stands.")] = False,
    changed: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Submit it with this in it, and then with what was there."
        ),
    ] = None,
) -> None:
    """Read a portal map (docs/portal-maps.md), say what it has, and with --try walk through it step by step.

    Each step and each field of the form is a line: what was looked for, and what
    is there; of what is missing, what stands there instead. Nothing is changed,
    unless --submit or --set says so. A bench file says where the portal is and
    who logs in; of a map alone the password is asked for, or taken from the
    environment variable INTERCOM_HIL_PORTAL_PASSWORD.

    intercom-hil bench map my-portal.toml --try --url http://192.0.2.30 --account admin
    intercom-hil bench map my-bench.toml --try

    Exit status: 0 all of it was found, 2 something was not.
    """
    import asyncio

    from intercom_hil.browser.portal_map import read_map
    from intercom_hil.map_trial.place import PASSWORD, changes_of, describe, place_of, with_password
    from intercom_hil.map_trial.trial import try_map

    place = place_of(file, url=url, account=account, ca=ca)
    if not tried:
        describe(place.map, _say)
        return
    changes = changes_of(changed or (), read_map(place.map))
    password = os.environ.get(PASSWORD, "")
    who = place.person
    if place.url and who.account and not (password or who.password) and sys.stdin.isatty():
        password = str(typer.prompt(f"Password of {who.account}", hide_input=True))
    place = with_password(place, password)
    well = asyncio.run(try_map(place, pictures, _say, submit=submit, changes=changes))
    raise typer.Exit(0 if well else USAGE)


def _agreed(question: str) -> bool:
    """Ask the person at the terminal; nobody there agrees to nothing."""
    return sys.stdin.isatty() and typer.confirm(question)


class _Terminal:
    """The person at the terminal."""

    def say(self, text: str) -> None:
        _say(text)

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        answer = typer.prompt(question, default=default, hide_input=secret, show_default=bool(default))
        return str(answer).strip()

    def confirm(self, question: str, default: bool = True) -> bool:
        return typer.confirm(question, default=default)


@app.command(context_settings={**_PASSED_ON, "help_option_names": []})
def emulate(context: typer.Context) -> None:
    """Start the emulated intercom by hand (emulate --help tells its options; --list-faults its faults)."""
    from intercom_hil.device.emulator_container import runs_here

    if runs_here() or {"--help", "-h", "--list-faults"} & {*context.args}:
        os.execv(sys.executable, [sys.executable, "-m", "intercom_hil.emulator", *context.args])
    from intercom_hil.commands.emulate import emulate_in_container

    emulate_in_container(context.args, typer.echo, _log)


@app.command()
def report(
    folder: RunArgument = RUNS / "latest",
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format", metavar="NAME", help=f"{_FORMATS}; several, or all (default: html and junit)."
        ),
    ] = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Why it is issued anew: it gets a new number.")
    ] = "",
    bench: Annotated[
        Path | None,
        typer.Option(
            "--bench", metavar="FILE", help="Take laboratory, customer and report from this bench file."
        ),
    ] = None,
    sign: SignOption = None,
) -> None:
    """Render the reports of a run folder again, or in further formats.

    With --reason it is a new issue of the report: it says what changed and why,
    and the last one stays in the run folder (issues/). Of a sealed run whatever
    is replaced is kept, and it is sealed anew.
    """
    if bench is not None and not reason:
        raise BenchError("an issue with other data says why", "--reason", 'add --reason "what was wrong"')
    _render(folder, formats or (), _signing_key(sign), reason, bench)


def _render(
    folder: Path,
    formats: Iterable[str] = (),
    key: Ed25519PrivateKey | None = None,
    reason: str = "",
    bench: Path | None = None,
) -> None:
    from intercom_hil import reports
    from intercom_hil.seal import Change

    with Change.begin(folder, "report") if (folder / "seals").is_dir() else nullcontext() as change:
        try:
            wanted = reports.chosen(formats)
            if reason:
                _issue(folder, reason, bench)
                wanted = reports.chosen([*wanted, *reports.present(folder)])
            written = reports.render(folder, wanted)
        except reports.ReportError as problem:
            typer.echo("".join(f"{path}\n" for path in problem.written), nl=False)
            raise BenchError(problem.what, problem.where, problem.remedy) from problem
        finally:
            sealed = change.finish(key) if change is not None else None
    typer.echo("".join(f"{path}\n" for path in written), nl=False)
    if sealed is not None:
        _say(str(sealed) if sealed.made else f"the reports are the same as before: {sealed}")
        for finding in change.altered if change is not None else ():
            _log(f"it was altered before: {finding}")


def _issue(folder: Path, reason: str, bench: Path | None) -> None:
    """Give the report of a run a further issue, with the laboratory's data of a bench file if named."""
    from intercom_hil.bench_file.model import load
    from intercom_hil.evidence.issues import Amendment

    particulars = load(bench).particulars if bench is not None else None
    issue = Amendment.begin(folder).finish(reason, particulars)
    _say(
        f"issue {issue.number}; issue {issue.number - 1} stays in {folder / 'issues' / str(issue.number - 1)}"
    )


def _signing_key(file: Path | None) -> Ed25519PrivateKey | None:
    from intercom_hil.seal.keys import private_key

    return private_key(file) if file is not None else None


@app.command()
def verify(
    path: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder, or an archive that pack wrote.")
    ] = RUNS / "latest",
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="PUBLIC.pem", help="The public key that the run must be signed with."),
    ] = None,
    digest: Annotated[
        str, typer.Option("--digest", metavar="SHA256", help="The digest of a seal, as the run printed it.")
    ] = "",
    stamp_ca: Annotated[
        Path | None,
        typer.Option(
            "--stamp-ca", metavar="CA.pem", help="Whose time stamp the last seal must have: certificates."
        ),
    ] = None,
) -> None:
    """Check that the evidence of a run is as it was sealed, and name every change (docs/evidence.md).

    Every file is held against the last seal, and the seals against each other.
    A seal that is not signed finds accidents; an alteration on purpose is found
    with --key (from whoever ran the bench) or --digest (printed at the end of
    the run). With --stamp-ca the last seal must have a time stamp that holds,
    which OpenSSL checks. The run is not written to, and no archive unpacked.
    Exit status: 0 untouched, 1 altered, 2 it cannot be checked.
    """
    from intercom_hil.commands.sealing import verify_run

    raise typer.Exit(verify_run(path, _say, key, digest, stamp_ca))


@app.command()
def pack(
    folder: RunArgument = RUNS / "latest",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The archive (default: RUN.tar.gz).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over another file that is there.")] = False,
) -> None:
    """Pack a run that is as it was sealed into one file, the same bytes every time; verify reads it.

    Exit status: 0 packed, 1 the run was altered, 2 it has no seal.
    """
    from intercom_hil.commands.sealing import pack_run

    raise typer.Exit(pack_run(folder, output, _say, force=force))


@app.command()
def seal(
    folder: RunArgument,
    sign: SignOption = None,
    time_stamp: StampOption = "",
    stamp_ca: Annotated[
        Path | None,
        typer.Option("--stamp-ca", metavar="CA.pem", help="Who vouches for the service: checked at once."),
    ] = None,
) -> None:
    """Seal a run that has no seal, or sign or time-stamp one: every run is sealed when it ends.

    What is signed is the run as it lies there. Verify it first.
    """
    from intercom_hil.commands.sealing import seal_run, stamp_run
    from intercom_hil.seal.stamping import Service

    sealed = seal_run(folder, sign)
    _say(str(sealed) if sealed.made else f"nothing to do, it is sealed as it is: {sealed}")
    if time_stamp:
        stamp_run(folder, Service(time_stamp, stamp_ca), _say)


@key_commands.command("new")
def key_new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key is written.")] = Path(
        "intercom-hil-key.pem"
    ),
) -> None:
    """Make an Ed25519 key pair: FILE for its owner only, and the public key beside it (FILE as .pub.pem).

    Name the private key in the bench file (key, in the table evidence) or with run --sign;
    give the public key to whoever is to check runs: verify RUN --key FILE.
    """
    from intercom_hil.commands.sealing import make_key

    make_key(file, _say)


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="RUN_A", help="A run folder: what there was.")],
    after: Annotated[Path, typer.Argument(metavar="RUN_B", help="A run folder: what there is now.")],
    html: HtmlOption = None,
    among: Annotated[
        Path | None,
        typer.Option("--among", metavar="FOLDER", help="Earlier runs: a move within their spread is none."),
    ] = None,
    with_events: Annotated[
        bool, typer.Option("--events", help="Other events in the device's log count as a difference.")
    ] = False,
) -> None:
    """Compare two runs: one firmware with the next, one bench with another (docs/compare-runs.md).

    Shown are verdicts that changed, the worst first; measurements that moved
    by more than their uncertainty (with --among: and more than earlier runs
    vary); scenarios in which the device logged other events; and in what the
    runs were made differently. What one run was not asked for is no difference.

    intercom-hil diff reports/runs/FIRMWARE_1.2 reports/runs/FIRMWARE_1.3 --html diff.html

    Exit status: 0 they do not differ, 1 they differ, 2 they cannot be compared.
    """
    from intercom_hil.comparison.command import show_differences

    with _reading():
        differ = show_differences(before, after, _say, html=html, among=among, with_events=with_events)
    raise typer.Exit(1 if differ else 0)


@app.command()
def history(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where run folders are.")] = RUNS,
    html: HtmlOption = None,
    requirement: Annotated[
        str,
        typer.Option("--requirement", metavar="ID", help="Only this requirement (OUT-03) or family (OUT)."),
    ] = "",
    last: Annotated[
        int, typer.Option("--last", metavar="N", min=0, help="Only the newest N runs (0: all).")
    ] = 0,
    with_faults: Annotated[bool, typer.Option("--faults", help="Runs with injected faults, too.")] = False,
) -> None:
    """Show how requirements and measurements went over many runs, and what flakes (docs/compare-runs.md).

    A flake is a scenario that had another verdict, or took several attempts,
    though nothing known had changed: bench file, versions, device. A
    measurement has MOVED when its newest value lies further from those before
    than they vary.

    The runs are read once: FOLDER/history.sqlite keeps what is needed of them.
    It can be deleted at any time, and is made anew when it is damaged or old.

    Exit status: 0, or 2 where there is no run.
    """
    from intercom_hil.comparison.command import show_history

    with _reading():
        show_history(folder, _say, html=html, requirement=requirement, last=last, with_faults=with_faults)


@contextmanager
def _reading() -> Iterator[None]:
    """Report what is wrong with a run folder as everything else is reported."""
    from intercom_hil.run_folder.errors import ReportError

    try:
        yield
    except ReportError as problem:
        raise BenchError(problem.what, problem.where, problem.remedy) from problem


@app.command()
def requirements(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Data files of further catalogues.")
    ] = None,
    reviewed: Annotated[
        bool,
        typer.Option("--reviewed", help="Print the digests of all words instead, as reviewed today."),
    ] = False,
) -> None:
    """Print the requirements with the scenarios that ask for each (docs/requirements.md), others' last.

    Words that changed after their last review are marked. --reviewed prints
    the file that says that all have been reviewed today (spec/reviewed.toml).
    """
    from intercom_hil.evidence.traces import traces
    from intercom_hil.spec import catalogues
    from intercom_hil.spec.catalogue import CATALOGUE, Catalogue, catalogue_markdown
    from intercom_hil.spec.good_practice import GOOD_PRACTICE
    from intercom_hil.spec.mappings import MAPPING, in_words
    from intercom_hil.spec.reviewed import reviewed_toml, standing

    ours = [*CATALOGUE.values(), *GOOD_PRACTICE.values()]
    if reviewed:
        typer.echo(reviewed_toml(ours, date.today()), nl=False)
        return
    for path in files or ():
        try:
            catalogues.add(Catalogue.read(path))
        except (OSError, ValueError) as problem:
            raise BenchError(f"it is no requirement catalogue ({problem})", str(path)) from problem
    others = list(catalogues.others())
    for one in others:
        if not isinstance(one, Catalogue):
            _log(f"left out: {one}")
    found = traces(SCENARIOS)
    typer.echo(
        catalogue_markdown(
            {name: trace.scenarios for name, trace in found.items()},
            {name: trace.measured for name, trace in found.items() if trace.measured},
            [one for one in others if isinstance(one, Catalogue)],
            {row.id: [*_marks(standing(row), in_words(MAPPING.of(row.id)))] for row in ours},
        ),
        nl=False,
    )


def _marks(review: str, clauses: str) -> Iterator[str]:
    if clauses:
        yield f"Supports: {clauses}"
    if review:
        yield f"Words: **{review}**"


@judge_commands.command("again")
def judge_again(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")] = RUNS / "latest",
    from_evidence: Annotated[
        bool,
        typer.Option(
            "--from-evidence", help="Decode captures and raw logs anew, and compare what is stored."
        ),
    ] = False,
) -> None:
    """Judge the stored timelines of a run again, without a bench; the verdicts must be the same."""
    from intercom_hil.monitors.replay import judge_run_again
    from intercom_hil.recomputed.again import judge_from_evidence

    differences = (judge_from_evidence if from_evidence else judge_run_again)(folder, _say)
    raise typer.Exit(1 if differences else 0)


@judge_commands.command("capture")
def judge_capture_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A pcap or pcapng file.")],
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device", metavar="ADDRESS", help="The device's address (default: the one that registers)."
        ),
    ] = None,
    pbx: Annotated[
        list[str] | None,
        typer.Option("--pbx", metavar="ADDRESS", help="Its server's address (default: where it registers)."),
    ] = None,
    sip_port: Annotated[
        list[int] | None,
        typer.Option(
            "--sip-port",
            metavar="PORT",
            min=1,
            max=65535,
            help="A port on which all is SIP (default: 5060); several.",
        ),
    ] = None,
    into: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help="Make a run folder with the reports here."),
    ] = None,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="FILE",
            help="SRTP master keys ([ADDRESS] SUITE KEY a line), or a TLS key log (SSLKEYLOGFILE).",
        ),
    ] = None,
) -> None:
    """Say what a capture shows: calls, media and their protection; and judge what the wire alone can tell."""
    from intercom_hil.commands.judge_capture import judge_capture

    verdict = judge_capture(
        file, _say, device=device or (), pbx=pbx or (), sip_ports=sip_port or (), folder=into, keys=keys
    )
    if into is not None:
        _render(into)
    raise typer.Exit(1 if verdict.breaks_the_run else 0)


@app.command("import-events")
def import_events(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Exported event logs, CSV or JSON.")],
    bench: Annotated[
        Path | None, typer.Option("--bench", metavar="FILE", help="Whose log-file source tells the columns.")
    ] = None,
    clock_ahead: Annotated[
        float | None,
        typer.Option("--clock-ahead", metavar="SECONDS", help="How far the device's clock was ahead."),
    ] = None,
    sign: SignOption = None,
) -> None:
    """Bring a device's exported event log into a run, judge it again, and render its reports."""
    from intercom_hil.bench_file.model import load
    from intercom_hil.commands.import_events import import_events as bring
    from intercom_hil.evidence.issues import Amendment
    from intercom_hil.seal import Change
    from intercom_hil.seal.sealing import JUDGED

    key = _signing_key(sign)
    sealed = (folder / "seals").is_dir()
    with Change.begin(folder, "import-events", JUDGED) if sealed else nullcontext() as change:
        amendment = Amendment.begin(folder)
        try:
            run = bring(folder, files, report=_say, file=load(bench) if bench else None, ahead=clock_ahead)
            amendment.finish(f"an event log was imported: {', '.join(path.name for path in files)}")
        finally:
            amendment.drop()
        if change is not None:
            change.finish(key)
    _render(folder, key=key)
    typer.echo(f"verdict {run.verdict}")
    raise typer.Exit(1 if run.verdict.breaks_the_run else 0)


def _say(text: str) -> None:
    typer.echo(visible(text))


def _log(text: str) -> None:
    typer.echo(visible(text), err=True)


def main() -> None:
    """Run the command line; every known problem is one message and an exit status, never a traceback."""
    try:
        app()
    except BenchError as problem:
        _log(f"intercom-hil: {problem}")
        sys.exit(USAGE)
    except KeyboardInterrupt:  # before the command line's own handling of it, or after
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:  # whoever reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
