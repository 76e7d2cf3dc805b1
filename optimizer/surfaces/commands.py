"""The commands and their options; what they do is done elsewhere, loaded when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(
    help="Rewrites Dockerfiles so that their layer cache is reused.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from optimizer.surfaces.console import put
        from optimizer.surfaces.version import version

        put(f"dockopt {version()}\n".encode())
        raise typer.Exit


def _complete_transforms(incomplete: str) -> Iterator[tuple[str, str]]:
    """Completes the last of several ids that commas separate."""
    from optimizer.catalog import transforms

    done, comma, last = incomplete.rpartition(",")
    for transform in transforms():
        if transform.id.startswith(last):
            yield f"{done}{comma}{transform.id}", transform.summary


def _complete_topics(incomplete: str) -> Iterator[tuple[str, str]]:
    from optimizer.catalog import refusal_codes

    yield from _complete_transforms(incomplete)
    yield from (each for each in refusal_codes().items() if each[0].startswith(incomplete))


def _split_ids(values: Iterable[str] | None) -> list[str] | None:
    """Reads ``ID,...`` and refuses what is no transform."""
    ids = [part.strip() for value in values or () for part in value.split(",") if part.strip()]
    if not ids:
        return None
    from optimizer.catalog import UnknownTransform, transforms

    try:
        transforms(select=ids)
    except UnknownTransform as error:
        known = ", ".join(transform.id for transform in transforms())
        raise typer.BadParameter(f"{error.args[0]!r} is none of {known}") from None
    return ids


def _read_build_args(values: Iterable[str] | None) -> list[str] | None:
    for value in values or ():
        if not value.partition("=")[0]:
            raise typer.BadParameter(f"{value!r} has no name")
    return [*values] if values else None


def _build_args(values: Iterable[str] | None) -> dict[str, str]:
    """Reads ``K=V``; ``K`` takes the environment's value, as for docker build, if there is one."""
    pairs = [value.partition("=") for value in values or ()]
    return {
        name: value if equals else os.environ[name]
        for name, equals, value in pairs
        if equals or name in os.environ
    }


Target = Annotated[
    list[str] | None, typer.Option(metavar="STAGE", help="The stage that is built; repeatable.")
]
BuildArg = Annotated[
    list[str] | None,
    typer.Option(
        metavar="K=V",
        callback=_read_build_args,
        help="A build argument; K alone takes the environment's value; repeatable.",
    ),
]
Platform = Annotated[
    list[str] | None,
    typer.Option(metavar="P", help="The platform that is built for; repeatable."),
]


@app.callback()
def _dockopt(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None: ...


@app.command()
def fix(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Dockerfiles, or folders to search for them; the current folder when there is "
            "none. - reads standard input.",
        ),
    ] = None,
    write: Annotated[
        bool, typer.Option("--write", "-w", help="Write the files instead of printing the patch.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Print the summary only; exit 1 when something would change."),
    ] = False,
    format_: Annotated[
        Literal["diff", "json"] | None,
        typer.Option(
            "--format",
            help="What to print; diff when not said. Said, it is printed with --write and --check "
            "as well.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Print there instead of on standard output."),
    ] = None,
    safety: Annotated[
        Literal["same-image", "same-behavior", "changes-image"] | None,
        typer.Option(help="The least promise accepted; changes-image when not said."),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID,...",
            help="Only these transforms.",
            callback=_split_ids,
            autocompletion=_complete_transforms,
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID,...",
            help="All transforms but these.",
            callback=_split_ids,
            autocompletion=_complete_transforms,
        ),
    ] = None,
    context: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="The build context; when not said, what Compose and Bake files, CI workflows or "
            "scripts of the repository say, else the Dockerfile's folder.",
        ),
    ] = None,
    target: Target = None,
    build_arg: BuildArg = None,
    platform: Platform = None,
    explain_held: Annotated[
        bool, typer.Option("--explain-held", help="Show everything that was held back.")
    ] = False,
    jobs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help="Files in parallel; one by one when they are not many."
        ),
    ] = None,
) -> None:
    """Propose rewrites and print them as one patch.

    Standard output is a patch for `git apply` or `patch -p1` at the repository root;
    standard error says what was found, why it pays and what it promises.
    """
    from optimizer.surfaces import fix as run
    from optimizer.surfaces.config import SAFETIES
    from optimizer.surfaces.load import Request

    chosen = paths or [Path()]
    if write and check:
        raise typer.BadParameter("--write and --check exclude each other")
    if Path("-") in chosen and (write or len(chosen) > 1):
        raise typer.BadParameter("- is standard input: it stands alone and cannot be written")
    request = Request(
        context=context,
        targets=tuple(target or ()),
        build_args=_build_args(build_arg),
        platforms=tuple(platform or ()),
        select=tuple(select or ()),
        without=tuple(without or ()),
        safety=SAFETIES[safety] if safety else None,
    )
    mode = run.Mode(write, check, format_, output, explain_held)
    raise typer.Exit(run.fix(chosen, request, mode, jobs))


@app.command()
def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="A transform or a refusal code; all of them when there is none.",
            autocompletion=_complete_topics,
        ),
    ] = None,
) -> None:
    """List the transforms and refusal codes, or print one page."""
    from optimizer.catalog import refusal_codes, transforms
    from optimizer.report import pages
    from optimizer.surfaces.console import put, stop

    known = {transform.id: transform for transform in transforms()}
    codes = refusal_codes()
    if topic is None:
        text = pages.listing([*known.values()], codes)
    elif topic in known:
        text = pages.page(known[topic])
    elif topic in codes:
        text = pages.code_page(topic, codes[topic], [*known.values()])
    else:
        from difflib import get_close_matches

        close = get_close_matches(topic, [*known, *codes])
        hint = f"; close to it: {', '.join(close)}" if close else ""
        stop(f"no transform and no refusal code is called {topic!r}{hint}")
    put(text.encode())


@app.command("print")
def print_(
    what: Annotated[
        Literal["instructions", "stages"],
        typer.Argument(
            metavar="WHAT",
            help="instructions: what the parser sees; stages: steps, states and their graph.",
        ),
    ],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Dockerfile; - reads standard input.")
    ],
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people or for programs.")
    ] = "text",
    target: Annotated[
        str | None, typer.Option(metavar="STAGE", help="The stage that is built.")
    ] = None,
    build_arg: BuildArg = None,
    platform: Annotated[
        str | None, typer.Option(metavar="P", help="The platform that is built for.")
    ] = None,
) -> None:
    """Look inside the analysis of one file."""
    from optimizer.model.stages import Invocation
    from optimizer.surfaces.show import show

    invocation = Invocation(target, _build_args(build_arg), platform)
    raise typer.Exit(show(what, file, format_, invocation))
