"""The commands and their options; what they do is done elsewhere, loaded when it is asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from optimizer.journal import Failure

if TYPE_CHECKING:
    from optimizer.cache.timings import Timings
    from optimizer.surfaces.load import Engine, Request

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
    from optimizer.report.left_out import SUMMARY, TOPIC

    yield from _complete_transforms(incomplete)
    topics = {**refusal_codes(), TOPIC: SUMMARY}
    yield from (each for each in topics.items() if each[0].startswith(incomplete))


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


def _read_secrets(values: Iterable[str] | None) -> list[str] | None:
    from optimizer.surfaces.credentials import wrong_secret

    return _passed_on(values, wrong_secret)


def _read_ssh(values: Iterable[str] | None) -> list[str] | None:
    from optimizer.surfaces.credentials import wrong_ssh

    return _passed_on(values, wrong_ssh)


def _passed_on(
    values: Iterable[str] | None, wrong: Callable[[str, Mapping[str, str]], str | None]
) -> list[str] | None:
    for value in values or ():
        if (message := wrong(value, os.environ)) is not None:
            raise typer.BadParameter(message)
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
ContextOption = Annotated[
    Path | None,
    typer.Option(
        "--context",
        metavar="DIR",
        exists=True,
        file_okay=False,
        help="The build context; when not said, what Compose and Bake files, CI workflows or "
        "scripts of the repository say, else the Dockerfile's folder.",
    ),
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


HistoryOption = Annotated[
    int,
    typer.Option(
        "--history",
        metavar="N",
        min=0,
        max=100_000,
        help="How many commits say how often a file changes; 0 asks no history.",
    ),
]
TimingsOption = Annotated[
    Path | None,
    typer.Option(
        "--timings",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="A build's log, of --progress=rawjson or plain, for what steps cost.",
    ),
]


def _timings(path: Path | None) -> Timings | None:
    if path is None:
        return None
    from optimizer.surfaces.console import refuse
    from optimizer.surfaces.logs import read_log

    log = read_log(path)
    return refuse(log) if isinstance(log, Failure) else log


Select = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID,...",
        help="Only these transforms.",
        callback=_split_ids,
        autocompletion=_complete_transforms,
    ),
]
Without = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ID,...",
        help="All transforms but these.",
        callback=_split_ids,
        autocompletion=_complete_transforms,
    ),
]
Builder = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A builder of docker buildx, or podman, or buildah; when not said, the one that "
        "buildx has in use.",
    ),
]
Network = Annotated[
    str | None,
    typer.Option(metavar="MODE", help="The network of RUN steps: host, none, default."),
]
TimeLimit = Annotated[
    float, typer.Option(metavar="SECONDS", min=1, help="The time that one build may take.")
]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the images that were built.")]
Measure = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=100,
        help="How often each version is built cold and after edits for what time and bytes it "
        "takes; 0 measures nothing.",
    ),
]
Secret = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SECRET",
        callback=_read_secrets,
        help="A secret for RUN --mount=type=secret, as for docker build: id=NAME,src=FILE or "
        "id=NAME,env=VARIABLE; repeatable.",
    ),
]
Ssh = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SSH",
        callback=_read_ssh,
        help="An agent or key for RUN --mount=type=ssh, as for docker build: default, ID=SOCKET "
        "or ID=KEY; repeatable.",
    ),
]
SECONDS = 1800.0
MEASURE = 1

_AUTHOR = re.compile(
    r"(?P<name>[^<>\x00-\x1f\x7f]*[^<>\x00-\x20\x7f]) <(?P<mail>[^<>\s@]+@[^<>\s@]+)>"
)


def _request(
    context: Path | None,
    target: list[str] | None,
    build_arg: list[str] | None,
    platform: list[str] | None,
    select: list[str] | None,
    without: list[str] | None,
) -> Request:
    from optimizer.surfaces.load import Request

    return Request(
        context=context,
        targets=tuple(target or ()),
        build_args=_build_args(build_arg),
        platforms=tuple(platform or ()),
        select=tuple(select or ()),
        without=tuple(without or ()),
    )


def _engine(
    builder: str | None,
    network: str | None,
    seconds: float,
    keep: bool,
    measure: int,
    secret: list[str] | None,
    ssh: list[str] | None,
) -> Engine:
    from optimizer.surfaces.load import Engine

    return Engine(builder, network, seconds, keep, measure, tuple(secret or ()), tuple(ssh or ()))


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
        Literal["diff", "json", "sarif", "markdown", "github", "rdjson"] | None,
        typer.Option(
            "--format",
            help="What to print; diff when not said. Said, it is printed with --write and --check "
            "as well. sarif is for code scanning, github for the annotations of a workflow, "
            "rdjson for reviewdog, markdown for a job summary.",
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
    select: Select = None,
    without: Without = None,
    context: ContextOption = None,
    target: Target = None,
    build_arg: BuildArg = None,
    platform: Platform = None,
    history: HistoryOption = 500,
    timings: TimingsOption = None,
    verify_: Annotated[
        bool, typer.Option("--verify", help="Keep only what builds on a real engine confirm.")
    ] = False,
    builder: Builder = None,
    network: Network = None,
    time_limit: TimeLimit = SECONDS,
    keep: Keep = False,
    measure: Measure = MEASURE,
    secret: Secret = None,
    ssh: Ssh = None,
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

    With --verify, changes that break their promise in a real build are held back, and so are
    those that no build can judge; the others show what was measured beside what was predicted.

    Exit code 0: done; 1: --check, and something would change; 2: a file could not be read, or is
    no Dockerfile; 3: --verify, and the engine is missing or failed.
    """
    from dataclasses import replace

    from optimizer.surfaces import fix as run
    from optimizer.surfaces.config import SAFETIES

    chosen = paths or [Path()]
    if write and check:
        raise typer.BadParameter("--write and --check exclude each other")
    if Path("-") in chosen and (write or len(chosen) > 1):
        raise typer.BadParameter("- is standard input: it stands alone and cannot be written")
    request = replace(
        _request(context, target, build_arg, platform, select, without),
        safety=SAFETIES[safety] if safety else None,
        history=history,
        timings=_timings(timings),
    )
    engine = _engine(builder, network, time_limit, keep, measure, secret, ssh) if verify_ else None
    mode = run.Mode(write, check, format_, output, explain_held)
    raise typer.Exit(run.fix(chosen, request, mode, jobs, engine))


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="A Dockerfile.")],
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people or for programs.")
    ] = "text",
    builder: Builder = None,
    network: Network = None,
    time_limit: TimeLimit = SECONDS,
    keep: Keep = False,
    measure: Measure = MEASURE,
    secret: Secret = None,
    ssh: Ssh = None,
    select: Select = None,
    without: Without = None,
    context: ContextOption = None,
    target: Target = None,
    build_arg: BuildArg = None,
    platform: Platform = None,
) -> None:
    """Build a file before and after its rewrite on a real engine and compare.

    The original is built cold twice, which shows what differs by chance, then the rewrite. What
    keeps its promise is measured. A smoke command of the configuration runs in both images.

    Exit code 0: every promise held; 1: one broke; 2: the original does not build, or is no
    Dockerfile; 3: the engine is missing or failed, or no build could tell (one took too long, or
    the smoke command does not work in the original).
    """
    from optimizer.surfaces import verify as run

    request = _request(context, target, build_arg, platform, select, without)
    engine = _engine(builder, network, time_limit, keep, measure, secret, ssh)
    raise typer.Exit(run.verify(file, request, engine, format_))


@app.command()
def bisect(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="A Dockerfile.")],
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people or for programs.")
    ] = "text",
    builder: Builder = None,
    network: Network = None,
    time_limit: TimeLimit = SECONDS,
    keep: Keep = False,
    secret: Secret = None,
    ssh: Ssh = None,
    select: Select = None,
    without: Without = None,
    context: ContextOption = None,
    target: Target = None,
    build_arg: BuildArg = None,
    platform: Platform = None,
) -> None:
    """Find which change of a rewrite breaks its promise in a real build.

    Builds as many versions as it takes to halve the changes until one is left.
    Exit codes are those of verify.
    """
    from optimizer.surfaces import verify as run

    request = _request(context, target, build_arg, platform, select, without)
    engine = _engine(builder, network, time_limit, keep, 0, secret, ssh)
    raise typer.Exit(run.bisect(file, request, engine, format_))


def _read_author(value: str | None) -> str | None:
    """Reads ``Name <mail>``; what could end a line of a commit is refused."""
    if value is not None and _AUTHOR.fullmatch(value) is None:
        raise typer.BadParameter("an author is written: Name <mail@example.org>")
    return value


def _names(values: Iterable[str] | None) -> tuple[str, ...]:
    parts = (part.strip() for value in values or () for part in value.split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


@app.command()
def pr(
    source: Annotated[
        str,
        typer.Argument(
            metavar="[SOURCE]",
            help="A clone, whose remote is meant, or the address of a repository; the clone of "
            "the current folder when not said.",
        ),
    ] = ".",
    base: Annotated[
        str | None,
        typer.Option(
            metavar="BRANCH", help="The branch to work on; the repository's own when not said."
        ),
    ] = None,
    remote: Annotated[
        str, typer.Option(metavar="NAME", help="The remote of the clone that is meant.")
    ] = "origin",
    group: Annotated[
        bool, typer.Option("--group", help="One pull request for all Dockerfiles together.")
    ] = False,
    dry_run: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            file_okay=False,
            help="Write patches and texts there; push nothing, open nothing.",
        ),
    ] = None,
    fleet: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Many repositories: a file with one on a line, - for standard input, or the "
            "address of an organisation. A run that was ended is gone on with.",
        ),
    ] = None,
    journal: Annotated[Path, typer.Option(metavar="FILE", help="What a fleet remembers.")] = Path(
        "dockopt-fleet.sqlite"
    ),
    jobs: Annotated[
        int, typer.Option(metavar="N", min=1, max=256, help="Repositories of a fleet at once.")
    ] = 4,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Let a Dask cluster visit the repositories of a fleet."
        ),
    ] = None,
    verify_: Annotated[
        bool | None,
        typer.Option(
            "--verify/--no-verify",
            help="Build before anything is pushed; when not said, where an engine is there.",
        ),
    ] = None,
    forge: Annotated[
        Literal["github", "gitlab", "gitea"] | None,
        typer.Option(help="What the host is, where its name does not say; gitea for Forgejo too."),
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the API is, where the host does not say."),
    ] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Open pull requests as drafts.")] = False,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Labels that pull requests are opened with."),
    ] = None,
    reviewers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME,...", help="Who is asked for a review at opening; ORG/TEAM on GitHub."
        ),
    ] = None,
    author: Annotated[
        str | None,
        typer.Option(
            metavar="AUTHOR",
            callback=_read_author,
            help="Whom commits are by, as Name <mail>; git's user.name when not said.",
        ),
    ] = None,
    signoff: Annotated[
        bool, typer.Option("--signoff", help="Add a Signed-off-by trailer to commits.")
    ] = False,
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people or for programs.")
    ] = "text",
    safety: Annotated[
        Literal["same-image", "same-behavior", "changes-image"] | None,
        typer.Option(help="The least promise accepted; changes-image when not said."),
    ] = None,
    select: Select = None,
    without: Without = None,
    history: HistoryOption = 500,
    builder: Builder = None,
    network: Network = None,
    time_limit: TimeLimit = SECONDS,
    measure: Measure = MEASURE,
) -> None:
    """Open or update pull requests, one for each Dockerfile, one commit for each change.

    Works in a clone of its own; the one that you are in stays as it is. Run again, it updates
    the same pull requests, leaves alone what people added commits to or closed, and closes those
    in which nothing is left to change. Where an engine is there, what would be pushed is built and
    compared first, and what breaks its promise is not pushed; --no-verify builds nothing. Labels,
    reviewers and --draft count at opening: later they are people's. Tokens come from the
    environment (GITHUB_TOKEN, GITLAB_TOKEN, GITEA_TOKEN, or DOCKOPT_TOKEN for any) or from git's
    credential helpers.

    Exit code 0: done; 2: what was named is not there; 3: git, the forge or the engine failed.
    """
    from dataclasses import replace

    from optimizer.forge.connect import Wanted
    from optimizer.surfaces.config import SAFETIES
    from optimizer.surfaces.pr import command
    from optimizer.surfaces.pr.publish import Looks
    from optimizer.surfaces.pr.visit import Options

    request = _request(None, None, None, None, select, without)
    named = _AUTHOR.fullmatch(author) if author is not None else None
    options = Options(
        replace(request, safety=SAFETIES[safety] if safety else None, history=history),
        base,
        remote,
        group,
        Wanted(forge, api),
        (named["name"], named["mail"]) if named else None,
        signoff,
        Looks(draft, _names(labels), _names(reviewers)),
        dry_run.resolve() if dry_run is not None else None,
        "auto" if verify_ is None else "yes" if verify_ else "no",
        _engine(builder, network, time_limit, False, measure, None, None),
    )
    if fleet is None:
        raise typer.Exit(command.pull_requests(source, options, format_))
    from optimizer.surfaces.pr.fleet import Fleet, visit_all

    raise typer.Exit(visit_all(Fleet(fleet, journal, jobs, scheduler), options))


@app.command()
def cache(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A Dockerfile; - reads standard input.")
    ],
    change: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A file of the context that is edited: shows which steps run again; repeatable.",
        ),
    ] = None,
    format_: Annotated[
        Literal["text", "json"], typer.Option("--format", help="For people or for programs.")
    ] = "text",
    context: ContextOption = None,
    target: Target = None,
    build_arg: BuildArg = None,
    platform: Platform = None,
    history: HistoryOption = 500,
    timings: TimingsOption = None,
) -> None:
    """Show what runs each step again, how often it did in the history, and what that cost.

    Shown for the file as it is, and as `dockopt fix` would make it. Without a history that says
    enough, a hundred assumed commits stand in for it; without --timings, seconds are estimates.
    """
    from optimizer.surfaces import cache as run
    from optimizer.surfaces.load import Request

    request = Request(
        context=context,
        targets=tuple(target or ()),
        build_args=_build_args(build_arg),
        platforms=tuple(platform or ()),
        history=history,
        timings=_timings(timings),
    )
    question = run.Question(file, tuple(change or ()), format_)
    raise typer.Exit(run.cache(question, request))


@app.command()
def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[ID]",
            help="A transform, a refusal code or left-out; all of them when there is none.",
            autocompletion=_complete_topics,
        ),
    ] = None,
) -> None:
    """List the transforms and refusal codes, or print one page."""
    from optimizer.catalog import refusal_codes, transforms
    from optimizer.report import left_out, pages
    from optimizer.surfaces.console import put, stop

    known = {transform.id: transform for transform in transforms()}
    codes = refusal_codes()
    if topic is None:
        text = pages.listing([*known.values()], codes)
    elif topic in known:
        text = pages.page(known[topic])
    elif topic in codes:
        text = pages.code_page(topic, codes[topic], [*known.values()])
    elif topic == left_out.TOPIC:
        text = pages.left_out_page()
    else:
        from difflib import get_close_matches

        close = get_close_matches(topic, [*known, *codes, left_out.TOPIC])
        hint = f"; close to it: {', '.join(close)}" if close else ""
        stop(f"no transform and no refusal code is called {topic!r}{hint}")
    put(text.encode())


@app.command("print")
def print_(
    what: Annotated[
        Literal["instructions", "stages", "effects", "cache"],
        typer.Argument(
            metavar="WHAT",
            help="instructions: what the parser sees; stages: steps, states and their graph; "
            "effects: what each step reads and writes; cache: what the cache key of each step "
            "holds.",
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
    context: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="For effects and cache: the build context; the file's folder when not said.",
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH",
            help="For cache: a file of the context that changes; repeatable.",
        ),
    ] = None,
) -> None:
    """Look inside the analysis of one file."""
    from optimizer.model.stages import Invocation
    from optimizer.surfaces.show import show

    invocation = Invocation(target, _build_args(build_arg), platform)
    raise typer.Exit(show(what, file, format_, invocation, context, change or ()))


@app.command()
def lsp() -> None:
    """Serve an editor: the Language Server Protocol on standard input and output.

    Nothing is built and no process of the workspace is run, unless the user asks for a
    verification and the editor says that the workspace is trusted.
    """
    from optimizer.surfaces.lsp.serve import serve

    serve()
