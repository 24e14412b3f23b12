"""The command ``intercom-hil``: run, provision, check a bench, emulate a device, render, judge again.

The top of the house: it may know every room, and nobody knows it. Imports are inside the commands, so that
``--help`` answers at once. Exit status: 0 all is well, 1 a verdict that breaks the run, 2 it could not begin.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from harness.timeline.errors import BenchError

USAGE = 2
HERE = Path(__file__).resolve().parent.parent
BENCH = Path("fixtures/benches/emulated.toml")
RUNS = Path("reports/runs")

app = typer.Typer(
    help="Compliance bench for SIP intercoms: drives the device, watches it, judges it, keeps the evidence.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
bench_commands = typer.Typer(help="Describe and look at a bench.", no_args_is_help=True)
judge_commands = typer.Typer(help="Judge stored evidence.", no_args_is_help=True)
app.add_typer(bench_commands, name="bench")
app.add_typer(judge_commands, name="judge")

BenchOption = Annotated[Path, typer.Option("--bench", metavar="FILE", help="The bench file.")]
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command(context_settings=_PASSED_ON)
def run(
    context: typer.Context,
    bench: BenchOption = BENCH,
    runs: Annotated[
        Path, typer.Option("--runs", metavar="FOLDER", help="Where the run folder is made.")
    ] = RUNS,
) -> None:
    """Run the compliance scenarios against a bench, and write the report.

    Further arguments go to pytest: -k EXPRESSION to choose scenarios, --fault NAME to have the emulated
    intercom break a rule, --attempts N, -x, -v.
    """
    from harness.bench.image import ready_engine
    from harness.bench.model import load

    load(bench)
    ready_engine(_tell)
    arguments = ["--bench", str(bench.resolve()), "--runs", str(runs.resolve()), *context.args]
    # pytest takes this process over: a signal or a terminal's Ctrl-C meets one process, not a chain of two.
    sys.stdout.flush()
    os.chdir(HERE)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", "scenarios", *arguments])


@app.command()
def provision() -> None:
    """Install a container engine where possible, and make the bench's image."""
    from harness.bench.image import ready_engine

    engine, image = ready_engine(_tell)
    typer.echo(f"engine {engine}\nimage {image}")


@bench_commands.command("check")
def bench_check(
    bench: BenchOption = BENCH,
    parts_only: Annotated[
        bool, typer.Option("--parts-only", help="Leave out the trial call; the device stays as it is.")
    ] = False,
) -> None:
    """Look at everything a run needs, line by line, with the remedy for what is missing.

    First every part by itself: file, engine, addresses, cables. When all are there, a trial of the whole: the
    bench is started, the device configured, its button pressed, one call made and ended.
    """
    from harness.bench.check import check

    templates = None if parts_only else HERE / "scenarios" / "sipp"
    raise typer.Exit(0 if check(bench, typer.echo, templates=templates) else USAGE)


@bench_commands.command("new")
def bench_new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bench file to write.")] = Path(
        "my-bench.toml"
    ),
) -> None:
    """Write a bench file by question and answer; ports, boards and addresses are found and tried out."""
    from harness.bench.new import Stopped, new_bench

    try:
        new_bench(file, _Terminal())
    except (Stopped, typer.Abort, KeyboardInterrupt):
        _tell("\nintercom-hil: nothing was written.")
        raise typer.Exit(USAGE) from None


class _Terminal:
    """The person at the terminal."""

    def say(self, text: str) -> None:
        typer.echo(text)

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        answer = typer.prompt(question, default=default, hide_input=secret, show_default=bool(default))
        return str(answer).strip()

    def confirm(self, question: str, default: bool = True) -> bool:
        return typer.confirm(question, default=default)


@app.command(context_settings={**_PASSED_ON, "help_option_names": []})
def emulate(context: typer.Context) -> None:
    """Start the emulated intercom by hand (emulate --help tells its options; --list-faults its faults)."""
    os.execv(sys.executable, [sys.executable, "-m", "harness.emulator", *context.args])


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")] = RUNS / "latest",
) -> None:
    """Render the reports of a run folder again."""
    import reports

    try:
        for path in reports.render(folder):
            typer.echo(path)
    except reports.ReportError as problem:
        raise BenchError(str(problem)) from problem


@app.command()
def requirements() -> None:
    """Print the requirement catalogue with the scenarios that ask for each (docs/requirements.md)."""
    from harness.evidence.traces import traces
    from harness.spec.catalogue import catalogue_markdown

    found = traces(HERE / "scenarios")
    typer.echo(
        catalogue_markdown(
            {name: trace.scenarios for name, trace in found.items()},
            {name: trace.measured for name, trace in found.items() if trace.measured},
        ),
        nl=False,
    )


@judge_commands.command("again")
def judge_again(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")] = RUNS / "latest",
) -> None:
    """Judge the stored timelines of a run again, without a bench; the verdicts must be the same."""
    from harness.judge.again import judge_run_again

    differences = judge_run_again(folder, typer.echo)
    raise typer.Exit(1 if differences else 0)


def _tell(text: str) -> None:
    typer.echo(text, err=True)


def main() -> None:
    """Run the command line; every known problem is one message and an exit status, never a traceback."""
    try:
        app()
    except BenchError as problem:
        _tell(f"intercom-hil: {problem}")
        sys.exit(USAGE)


if __name__ == "__main__":
    main()
