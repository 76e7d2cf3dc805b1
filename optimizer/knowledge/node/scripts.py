"""What the scripts that an install runs read of the project: its own, and its dependencies'.

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
from functools import partial
from typing import NoReturn

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import JsonManifest, Survey, ancestors, hold, homes, resolve

# npm/cli lib/commands/{ci,install}.js (the first seven) and arborist/reify.js (the last three).
ROOT_EVENTS = (
    "preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare",
    "predependencies", "dependencies", "postdependencies",
)  # fmt: skip
# npm/cli arborist/rebuild.js: workspace members and linked directories.
LINK_EVENTS = ("preinstall", "install", "postinstall", "prepare")
BUILD_EVENTS = ("preinstall", "install", "postinstall")
"""What runs for a package that is built: yarnpkg/berry scriptUtils.ts and PackageInstallScripts
of yarn 1 for dependencies, and Yarn 2 and later for every workspace."""
# yarn 1.22 cli/commands/install.js (wrapLifecycle); members run none (tried).
YARN_EVENTS = (*BUILD_EVENTS, "prepublish", "prepare")
# pnpm: exec/lifecycle (runLifecycleHooksConcurrently) and plugin-commands-installation/src/
# installDeps.ts (pnpm:devPreinstall); for the root and for every member. It runs prepublish in
# `pnpm rebuild` alone (tried with 6, 8, 9 and 10).
PNPM_EVENTS = ("pnpm:devPreinstall", *BUILD_EVENTS, "preprepare", "prepare", "postprepare")
# bun's documentation, "Lifecycle scripts"; for the root and for every member.
BUN_EVENTS = (*BUILD_EVENTS, "preprepare", "prepare", "postprepare")


@dataclass(frozen=True, slots=True)
class Run:
    """A script while it is looked at: ``event`` of ``manifest``, with ``directory`` current.

    ``install`` answers for an install that the script itself runs.
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
    """npm/cli run-script/lib/run-script-pkg.js: binding.gyp alone means `node-gyp rebuild`; so do
    the others."""
    path = resolve(run.directory, "binding.gyp")
    if scripts.get("install") or scripts.get("preinstall") or not run.survey.has_file(path):
        return
    if run.manifest.data.get("gypfile") is not False:
        hold(
            "install-script-reads-source",
            f"{path} makes {run.call.program} run `node-gyp rebuild`, which compiles sources of "
            "the project.",
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
_FINDERS = frozenset(("npx", "pnpx", "bunx", "cross-env", "exec", "command"))
# npm-exec; pnpm's and Yarn's references (exec, dlx); bun's documentation (bunx).
_FINDING = frozenset(
    (("npm", "exec"), ("npm", "x"), ("pnpm", "exec"), ("pnpm", "dlx"), ("yarn", "exec"),
     ("yarn", "dlx"), ("bun", "x"))
)  # fmt: skip


def _without_wrappers(words: Sequence[str]) -> list[str]:
    """Takes off what only finds or prepares the program: npx, npm exec, cross-env, VAR=value."""
    rest = list(words)
    while rest:
        if _ASSIGNMENT.match(rest[0]) or rest[0] in _FINDERS:
            rest.pop(0)
        elif tuple(rest[:2]) in _FINDING:
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
    from optimizer.knowledge.node import prisma

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


def _playwright(run: Run, arguments: Sequence[str]) -> None:
    """playwright, registry/index.ts: browsers go to the user's cache, and with --with-deps
    apt-get installs what they need."""
    if arguments[:1] not in (["install"], ["install-deps"]):
        run.hold(f"`playwright {' '.join(arguments)}`, and what that reads is not known")
    for home in homes(run.call, run.survey.files):
        run.survey.write(f"{home}/.cache")
    if arguments[0] == "install-deps" or "--with-deps" in arguments:
        run.survey.write("/etc", "/usr", "/var")


def _force_resolutions(run: Run, arguments: Sequence[str]) -> None:
    """npm-force-resolutions 0.0.10, core.cljs: reads package.json, rewrites package-lock.json."""
    lock = resolve(run.directory, "package-lock.json")
    if run.survey.read(lock):
        run.survey.rewrite(lock)


def _npm(run: Run, arguments: Sequence[str]) -> None:
    from optimizer.knowledge.node.npm_config import read_command_line

    line = read_command_line(arguments)
    if line.command in ("install", "ci") and not line.unknown:
        run.install(Call(("npm", *arguments), run.directory, run.call.env))
    elif line.command == "run" and line.arguments and not {*line.options} - {"loglevel"}:
        _run_script(run, "npm run", line.arguments[0])
    else:
        _hold_for_manager(run, "npm", arguments)


# The verbs of yarn, pnpm and bun that install what package.json names, and the switches that a
# script may have before its name: their command references.
_INSTALLS = frozenset(("install", "i", "ci", "fetch"))
_QUIET = frozenset(("-s", "--silent"))


def _manager(program: str, run: Run, arguments: Sequence[str]) -> None:
    """yarn, pnpm, bun: without ``run``, a word is a script of package.json or else a program."""
    rest = [word for word in arguments if word not in _QUIET]
    scripts = run.manifest.data["scripts"]
    if rest[:1] == ["run"] and len(rest) > 1:
        _run_script(run, f"{program} run", rest[1])
    elif not rest or rest[0] in _INSTALLS or rest[0].startswith("-"):
        run.install(Call((program, *arguments), run.directory, run.call.env))
    elif isinstance(scripts.get(rest[0]), str):
        _run_script(run, program, rest[0])
    elif posixpath.basename(rest[0]) in _COMMANDS and rest[0] not in _MANAGERS:
        _survey_command(run, rest)
    else:
        _hold_for_manager(run, program, arguments)


def _hold_for_manager(run: Run, program: str, arguments: Sequence[str]) -> NoReturn:
    shown = " ".join([program, *arguments])
    run.hold(f"`{shown}`, and what that reads of the project is not known")


def _run_script(run: Run, how: str, name: str) -> None:
    """npm run NAME: run-script runs preNAME and postNAME too (docs: npm-run-script)."""
    scripts = run.manifest.data["scripts"]
    if run.directory != posixpath.dirname(run.manifest.path) or name not in scripts:
        run.hold(f"`{how} {name}`, which is not a script of that package.json")
    if name in run.seen:
        run.hold(f"`{how} {name}`, which runs itself")
    for event in (f"pre{name}", name, f"post{name}"):
        if isinstance(scripts.get(event), str):
            survey_script(replace(run, event=event, seen=run.seen | {name}))


_MANAGERS = ("yarn", "yarnpkg", "pnpm", "bun")

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
    "playwright": _playwright,
    "npm-force-resolutions": _force_resolutions,
    "npm": _npm,
    **{program: partial(_manager, program) for program in _MANAGERS},
}  # fmt: skip


def _prisma_client(run: Run, name: str) -> None:
    """@prisma/client before 7, scripts/postinstall.js: runs `prisma generate` in INIT_CWD."""
    if run.call.env.get("PRISMA_SKIP_POSTINSTALL_GENERATE"):
        return
    from optimizer.knowledge.node import prisma

    why = f"The install script of {name}"
    # Without a schema it says so and ends well, for projects that generate later.
    with run.survey.at_will():
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
    from optimizer.knowledge.node.javascript import stands_alone

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
