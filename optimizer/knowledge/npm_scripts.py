"""What the scripts that an npm install runs read of the project: its own, and its dependencies'.

Two tables: the commands that lifecycle scripts of projects often are, and the
packages whose own install scripts look at the project that installs them. A
command of the project that is not in the first table is an obstacle; a package
that is not in the second is named in a sentence for the reviewer.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import JsonManifest, Survey, ancestors, hold, resolve

# npm/cli lib/commands/{ci,install}.js (the first seven) and arborist/reify.js (the last three).
ROOT_EVENTS = (
    "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare",
    "predependencies", "dependencies", "postdependencies",
)  # fmt: skip
# npm/cli arborist/rebuild.js: workspace members and linked directories.
LINK_EVENTS = ("preinstall", "install", "postinstall", "prepare")


@dataclass(frozen=True, slots=True)
class Run:
    """A script while it is looked at: ``event`` of ``manifest``, with ``directory`` current.

    ``install`` answers for an npm install that the script itself runs.
    """

    survey: Survey
    manifest: JsonManifest
    event: str
    directory: str
    call: Call
    install: Callable[[Call], None]
    seen: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        """The script as it stands in the manifest."""
        return str(self.manifest.data["scripts"][self.event])

    @property
    def why(self) -> str:
        """Who runs the command, for reasons."""
        return f"`{self.event}` in {self.manifest.path}"

    def hold(self, what: str, unblock: str | None = None) -> NoReturn:
        """Ends the survey because of this script."""
        hold(
            "install-script-reads-source",
            f"{self.why} runs {what}.",
            unblock
            or "Install with --ignore-scripts and run the script after the sources are copied.",
            self.manifest.path,
            self.manifest.line_of_key(self.event),
        )


def survey_scripts(run: Run, events: Iterable[str]) -> None:
    """Notes what the scripts for ``events`` in the manifest read. Holds for one not known."""
    scripts = run.manifest.data.get("scripts")
    scripts = scripts if isinstance(scripts, Mapping) else {}
    for event in events:
        if isinstance(scripts.get(event), str):
            survey_script(replace(run, event=event))
    _survey_gyp(run, scripts)


def _survey_gyp(run: Run, scripts: Mapping[str, object]) -> None:
    """npm/cli run-script/lib/run-script-pkg.js: binding.gyp alone means `node-gyp rebuild`."""
    path = resolve(run.directory, "binding.gyp")
    if scripts.get("install") or scripts.get("preinstall") or not run.survey.has_file(path):
        return
    if run.manifest.data.get("gypfile") is not False:
        hold(
            "install-script-reads-source",
            f"{path} makes npm run `node-gyp rebuild`, which compiles sources of the project.",
            "Install with --ignore-scripts and run `npm rebuild` after the sources are copied.",
            path,
        )


def survey_script(run: Run) -> None:
    """Notes what one script reads, command by command."""
    commands = split_script(run.text)
    if commands is None:
        run.hold(f"`{run.text}`, which dockopt does not follow")
    for words in commands:
        if words[0] == "cd" and len(words) == 2:
            run = replace(run, directory=resolve(run.directory, words[1]))
            continue
        _survey_command(run, words)


def split_script(text: str) -> list[list[str]] | None:
    """Splits a script at ``&&``, ``||`` and ``;``. None where the shell would do anything else."""
    if re.search(r"[`$<>(){}\n]", text):
        return None
    import shlex

    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars="&|;")
        lexer.whitespace_split, lexer.commenters = True, ""
        tokens = list(lexer)
    except ValueError:
        return None
    commands: list[list[str]] = [[]]
    for token in tokens:
        if token in ("&&", "||", ";"):
            commands.append([])
        elif token.strip("&|;"):
            commands[-1].append(token)
        else:
            return None
    return [words for words in commands if words]


def _survey_command(run: Run, words: Sequence[str]) -> None:
    words = _without_wrappers(words)
    if not words:
        return
    name = posixpath.basename(re.sub(r"(?<=.)@[^/@]*$", "", words[0]))
    command = _COMMANDS.get(name)
    if command is None:
        shown = " ".join(words)
        run.hold(f"`{shown}`, and what that reads of the project is not known")
    command(run, words[1:])


_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def _without_wrappers(words: Sequence[str]) -> list[str]:
    """Takes off what only finds or prepares the program: npx, npm exec, cross-env, VAR=value."""
    rest = list(words)
    while rest:
        if _ASSIGNMENT.match(rest[0]) or rest[0] in ("npx", "cross-env", "exec", "command"):
            rest.pop(0)
        elif rest[0] == "npm" and rest[1:2] in (["exec"], ["x"]):
            del rest[:2]
        elif rest[0] in ("-y", "--yes", "--no", "--no-install", "--", "-q", "--quiet"):
            rest.pop(0)
        else:
            break
    return rest


def _reads_nothing(run: Run, arguments: Sequence[str]) -> None:
    pass


def _prisma(run: Run, arguments: Sequence[str]) -> None:
    if arguments[:1] != ["generate"]:
        shown = " ".join(["prisma", *arguments])
        run.hold(f"`{shown}`, and what that reads of the project is not known")
    from optimizer.knowledge import prisma

    prisma.survey_generate(run.survey, run.directory, run.manifest, arguments[1:], run.why)


def _patch_package(run: Run, arguments: Sequence[str]) -> None:
    """patch-package 8.0: dist/index.js (--patch-dir, names of packages), dist/applyPatches.js."""
    folder, position = "patches", 0
    while position < len(arguments):
        word = arguments[position]
        if word == "--patch-dir" and position + 1 < len(arguments):
            position += 1
            folder = arguments[position]
        elif word.startswith("--patch-dir="):
            folder = word.partition("=")[2]
        elif not word.startswith("-"):
            run.hold(f"`patch-package {word}`, which writes a patch into the project")
        position += 1
    path = resolve(run.directory, folder)
    if run.survey.has_dir(path):
        run.survey.tree(path)


def _git_hooks(run: Run, arguments: Sequence[str]) -> None:
    hold_for_git_hooks(run, f"{run.why} sets up git hooks")


def hold_for_git_hooks(run: Run, who: str) -> None:
    """Holds where a .git directory was copied: without one the hook managers do nothing.

    Sources: husky 9.1 index.js and 8.0 lib/index.js (both stop without .git),
    simple-git-hooks 2.14 simple-git-hooks.js (_setHook, _removeHook),
    lefthook (`lefthook install` stops outside a repository), pre-commit 1.2 install.js.
    """
    if run.call.env.get("HUSKY") == "0":
        return
    for place in ancestors(run.directory):
        path = resolve(place, ".git")
        if run.survey.files.kind(path):
            hold(
                "install-script-sets-git-hooks",
                f"{who} in {path}, which the build context brings.",
                "Add .git to .dockerignore if the build does not need it, "
                "or install with --ignore-scripts.",
                path,
            )


def _force_resolutions(run: Run, arguments: Sequence[str]) -> None:
    """npm-force-resolutions 0.0.10, core.cljs: reads package.json, rewrites package-lock.json."""
    lock = resolve(run.directory, "package-lock.json")
    if run.survey.read(lock):
        run.survey.rewrite(lock)


def _npm(run: Run, arguments: Sequence[str]) -> None:
    from optimizer.knowledge.npm_config import read_command_line

    line = read_command_line(arguments)
    if line.command in ("install", "ci") and not line.unknown:
        run.install(Call(("npm", *arguments), run.directory, run.call.env))
    elif line.command == "run" and line.arguments and not {*line.options} - {"loglevel"}:
        _run_script(run, line.arguments[0])
    else:
        shown = " ".join(["npm", *arguments])
        run.hold(f"`{shown}`, and what that reads of the project is not known")


def _run_script(run: Run, name: str) -> None:
    """npm run NAME: run-script runs preNAME and postNAME too (docs: npm-run-script)."""
    scripts = run.manifest.data["scripts"]
    if run.directory != posixpath.dirname(run.manifest.path) or name not in scripts:
        run.hold(f"`npm run {name}`, which is not a script of that package.json")
    if name in run.seen:
        run.hold(f"`npm run {name}`, which runs itself")
    for event in (f"pre{name}", name, f"post{name}"):
        if isinstance(scripts.get(event), str):
            survey_script(replace(run, event=event, seen=run.seen | {name}))


_COMMANDS: Mapping[str, Callable[[Run, Sequence[str]], None]] = {
    # The shell's own (POSIX.1, special and regular built-in utilities).
    **dict.fromkeys(("echo", "true", "false", ":", "exit", "printf"), _reads_nothing),
    # is-ci 3.0 bin.js: looks at the environment only.
    "is-ci": _reads_nothing,
    # only-allow 1.2 bin.js: looks at npm_config_user_agent and INIT_CWD.
    "only-allow": _reads_nothing,
    # @nestjs/opencollective and opencollective-postinstall: print a message from package.json.
    **dict.fromkeys(
        ("opencollective", "opencollective-postinstall"), _reads_nothing
    ),
    **dict.fromkeys(("husky", "husky-run", "simple-git-hooks", "lefthook"), _git_hooks),
    "patch-package": _patch_package,
    "prisma": _prisma,
    "npm-force-resolutions": _force_resolutions,
    "npm": _npm,
}  # fmt: skip


def _prisma_client(run: Run, name: str) -> None:
    """@prisma/client before 7, scripts/postinstall.js: runs `prisma generate` in INIT_CWD."""
    if run.call.env.get("PRISMA_SKIP_POSTINSTALL_GENERATE"):
        return
    from optimizer.knowledge import prisma

    why = f"The install script of {name}"
    for directory in dict.fromkeys((run.call.directory, run.directory)):
        prisma.survey_generate(run.survey, directory, run.manifest, (), why)


# cosmiconfig: the places searched for the name puppeteer; package.json is read anyway.
_PUPPETEER_DATA = (".puppeteerrc", ".puppeteerrc.json", ".puppeteerrc.yaml", ".puppeteerrc.yml")
_PUPPETEER_CODE = tuple(
    f"{stem}.{ending}"
    for stem in (".puppeteerrc", "puppeteer.config")
    for ending in ("js", "ts", "mjs", "cjs")
)


def _puppeteer(run: Run, name: str) -> None:
    """puppeteer 19 and 23, getConfiguration.js: cosmiconfig from the package up to the root."""
    from optimizer.knowledge.javascript import stands_alone

    survey = run.survey
    for place in ancestors(run.directory):
        for config in (*_PUPPETEER_DATA, *(f".config/{data[1:]}" for data in _PUPPETEER_DATA)):
            survey.read(resolve(place, config))
        for config in (*_PUPPETEER_CODE, *(f".config/{c[1:]}" for c in _PUPPETEER_CODE[:4])):
            path = resolve(place, config)
            if not survey.has_file(path):
                continue
            text = survey.content(path).decode("utf-8", "replace")
            if not stands_alone(text):
                _hold_dependency(name, f"reads {path}, which loads other files", path)
            survey.write(resolve(place, ".cache"))


def _msw(run: Run, name: str) -> None:
    """msw 1.3 and 2.15, config/scripts/postinstall: copies its worker to msw.workerDirectory."""
    settings = run.manifest.data.get("msw")
    if isinstance(settings, Mapping) and settings.get("workerDirectory"):
        _hold_dependency(
            name,
            "writes its worker script into the directory that msw.workerDirectory names",
            run.manifest.path,
            run.manifest.line_of_key("msw"),
        )


def _nx(run: Run, name: str) -> None:
    """nx 20.8, bin/post-install.js: with nx.json it builds and caches the project graph."""
    path = resolve(run.directory, "nx.json")
    if run.survey.has_file(path):
        _hold_dependency(name, f"finds {path} and builds the project graph from all sources", path)


def _hook_manager(run: Run, name: str) -> None:
    hold_for_git_hooks(run, f"The install script of {name} sets up git hooks")


def _hold_dependency(name: str, what: str, path: str, line: int | None = None) -> NoReturn:
    hold(
        "install-script-reads-source",
        f"The install script of {name} {what}.",
        "Install with --ignore-scripts and run the script after the sources are copied.",
        path,
        line,
    )


_DEPENDENCIES: Mapping[str, Callable[[Run, str], None]] = {
    "@prisma/client": _prisma_client,
    "puppeteer": _puppeteer,
    "msw": _msw,
    "nx": _nx,
    # husky 4.3 package.json (install), yorkie 2.0 bin/install.js, ghooks 2.0 bin/module-install,
    # pre-commit 1.2 install.js, git-commit-msg-linter 5.0 install.js, lefthook 1.13 postinstall.js,
    # simple-git-hooks 2.14 postinstall.js.
    **dict.fromkeys(
        ("husky", "yorkie", "ghooks", "pre-commit", "git-commit-msg-linter", "lefthook",
         "@evilmartians/lefthook", "@arkweid/lefthook", "simple-git-hooks"),
        _hook_manager,
    ),
}  # fmt: skip


def survey_dependencies(run: Run, names: Iterable[str], known: bool) -> None:
    """Notes what the install scripts of the dependencies ``names`` read of the project.

    ``known`` says that exactly these have install scripts; otherwise they are
    all the dependencies that can be named.
    """
    others = []
    for name in sorted(set(names)):
        if name in _DEPENDENCIES:
            _DEPENDENCIES[name](run, name)
        else:
            others.append(name)
    if not known:
        run.survey.assume(
            "Install scripts of dependencies are taken to read nothing of the project."
        )
    elif others:
        more = f" and {len(others) - 4} more" if len(others) > 5 else ""
        shown = ", ".join(others if not more else others[:4])
        run.survey.assume(
            f"The install scripts of {shown}{more} are taken to read nothing of the project."
        )
