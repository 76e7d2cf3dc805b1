"""Which commands a call of a package script comes to: `npm run build`, followed to its leaves.

Sources: npm's docs (npm-run-script: preX and postX run around X; --workspace, --prefix), the
command references of Yarn 1 and 4, pnpm and Bun, and the READMEs of npm-run-all, concurrently,
cross-env, dotenv-cli, Turborepo and Lerna.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Final

from optimizer.knowledge.installs import Call, Files
from optimizer.knowledge.manifests import Held, resolve
from optimizer.knowledge.node.layout import Package, package_at, packages_of
from optimizer.knowledge.node.npm_config import read_command_line
from optimizer.knowledge.node.options import names
from optimizer.knowledge.node.scripts import split_script

MOST_COMMANDS: Final = 200
"""Commands that one script is followed into."""
_DEEPEST: Final = 12

_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
MANAGERS = frozenset(("npm", "yarn", "yarnpkg", "pnpm", "bun"))
_QUIET = frozenset(("-s", "--silent", "--quiet", "-q", "--if-present", "--no-install", "-y",
                    "--yes", "--stream", "--no-bail", "--color", "--verbose"))  # fmt: skip
# The managers' own commands, which win over scripts of the same name (their command references).
_OWN_COMMANDS = names(
    """
    install i ci add remove rm uninstall update up upgrade audit cache config init link
    unlink list ls login logout outdated pack publish why version dedupe rebuild prune
    deploy fetch import patch store create dlx exec x set plugin workspaces workspace
    """
)


class Unfollowed(Exception):
    """A script does something that is not followed; ``args[0]`` says what."""


def leaves(call: Call, files: Files) -> tuple[Call, ...]:
    """Returns the commands that ``call`` comes to, in order; itself where it runs no script.

    Variables that a script sets for a command are in its ``env``. Raises `Unfollowed`.
    """
    try:
        found = _Follow(files).leaves(call, 0)
        result = []
        for leaf in found:
            result.append(leaf)
            if len(result) > MOST_COMMANDS:
                raise Unfollowed(f"`{' '.join(call.words)}` runs over {MOST_COMMANDS} commands")
        return tuple(result)
    except Held as held:
        raise Unfollowed(held.obstacle.reason) from None


@dataclass(frozen=True, slots=True)
class _Follow:
    files: Files

    def leaves(self, call: Call, depth: int) -> Iterator[Call]:
        if depth > _DEEPEST:
            raise Unfollowed(f"`{' '.join(call.words)}` runs itself")
        call = _unwrapped(call)
        if not call.words:
            return
        row = _ROWS.get(call.program)
        if row is None:
            yield call
            return
        yield from row(self, call, depth)

    def script(self, directory: str, name: str, rest: Sequence[str], call: Call, depth: int,
               optional: bool = False) -> Iterator[Call]:  # fmt: skip
        """Follows a script of the package in ``directory``, with the words ``rest`` behind it.

        preX and postX count as run with every manager, although pnpm 7 and 8 and Yarn since 2 leave
        them out (their references): what is not written is not missed.
        """
        package = package_at(self.files, directory)
        if package is None or name not in package.scripts:
            if optional:
                return
            raise Unfollowed(f"{directory} has no package.json with a script called {name}")
        events = [e for e in (f"pre{name}", name, f"post{name}") if e in package.scripts]
        for event in events:
            more = rest if event == name else ()
            yield from self._text(package, event, more, call.env, depth)

    def _text(self, package: Package, event: str, more: Sequence[str], env: Mapping[str, str],
              depth: int) -> Iterator[Call]:  # fmt: skip
        text = package.scripts[event]
        commands = split_script(text)
        if commands is None:
            raise Unfollowed(f"`{event}` in {package.path} runs `{text}`, which is not followed")
        directory = package.directory
        for number, words in enumerate(commands, 1):
            if words[0] == "cd" and len(words) == 2:
                directory = resolve(directory, words[1])
                continue
            added = tuple(more) if number == len(commands) else ()
            yield from self.leaves(Call((*words, *added), directory, env), depth + 1)

    def npm(self, call: Call, depth: int) -> Iterator[Call]:
        words = [word for word in call.words[1:] if word not in _QUIET]
        line = read_command_line(words)
        plain = [word for word in words if not word.startswith("-")]
        directory = resolve(call.directory, line.options.get("prefix", "."))
        optional = "--if-present" in call.words
        if line.command == "run" and line.arguments:
            name, rest = line.arguments[0], line.arguments[1:]
        elif plain[:1] and plain[0] in ("start", "test", "stop"):
            name, rest = plain[0], tuple(plain[1:])
        else:
            yield call
            return
        if "workspace" in line.options or line.on("workspaces"):
            if sum(word in ("-w", "--workspace") for word in words) > 1:
                raise Unfollowed(f"`{' '.join(call.words)}` names several workspaces")
            named = line.options.get("workspace")
            for place in self._members(directory, named, name):
                yield from self.script(place, name, rest, call, depth, optional or named is None)
            return
        yield from self.script(directory, name, rest, call, depth, optional)

    def yarn(self, call: Call, depth: int) -> Iterator[Call]:
        words = [word for word in call.words[1:] if word not in _QUIET]
        directory = call.directory
        if words[:1] == ["--cwd"] and len(words) > 1:
            directory, words = resolve(directory, words[1]), words[2:]
        match words:
            case ["workspace", named, "run", name, *rest] | ["workspace", named, name, *rest] if (
                name not in _OWN_COMMANDS
            ):
                for place in self._members(directory, named, name):
                    yield from self.script(place, name, rest, call, depth)
            case ["workspaces", "run", name, *rest]:
                for place in self._members(directory, None, name):
                    yield from self.script(place, name, rest, call, depth)
            case ["workspaces", "foreach", *_]:
                raise Unfollowed(f"`{' '.join(call.words)}` runs in workspaces that it chooses")
            case ["run", name, *rest]:
                yield from self._named(directory, name, rest, call, depth)
            case [name, *rest] if name not in _OWN_COMMANDS and not name.startswith("-"):
                yield from self._named(directory, name, rest, call, depth)
            case _:
                yield call

    def pnpm(self, call: Call, depth: int) -> Iterator[Call]:
        words = [word for word in call.words[1:] if word not in _QUIET]
        directory, everywhere, named = call.directory, False, None
        while words and words[0].startswith("-"):
            word = words.pop(0)
            option, _, value = word.partition("=")
            if option in ("-r", "--recursive"):
                everywhere = True
            elif option in ("-C", "--dir", "-F", "--filter") and (value or words):
                value = value or words.pop(0)
                if option in ("-C", "--dir"):
                    directory = resolve(directory, value)
                elif named is not None or re.search(r"[*^!\[{]|\.\.\.", value):
                    raise Unfollowed(f"`{' '.join(call.words)}` runs in packages that it chooses")
                else:
                    named = value
            else:
                raise Unfollowed(f"`{' '.join(call.words)}` has {word}, which is not followed")
        if words[:1] == ["run"]:
            del words[0]
        if not words or words[0] in _OWN_COMMANDS:
            yield call
        elif everywhere or named is not None:
            for place in self._members(directory, named, words[0]):
                yield from self.script(place, words[0], words[1:], call, depth, named is None)
        else:
            yield from self._named(directory, words[0], words[1:], call, depth)

    def bun(self, call: Call, depth: int) -> Iterator[Call]:
        words = [word for word in call.words[1:] if word not in (*_QUIET, "--bun", "-b")]
        if words[:1] == ["run"] and len(words) > 1:
            yield from self._named(call.directory, words[1], words[2:], call, depth)
        elif words[:1] == ["--filter"] or words[:1] == ["-F"]:
            raise Unfollowed(f"`{' '.join(call.words)}` runs in packages that it chooses")
        else:
            yield call

    def _named(self, directory: str, name: str, rest: Sequence[str], call: Call,
               depth: int) -> Iterator[Call]:  # fmt: skip
        """A script, or else a program of the packages (yarn, pnpm and bun look for both)."""
        package = package_at(self.files, directory)
        if package is not None and name in package.scripts:
            yield from self.script(directory, name, rest, call, depth)
        else:
            yield from self.leaves(Call((name, *rest), directory, call.env), depth + 1)

    def _members(self, directory: str, named: str | None, script: str) -> Sequence[str]:
        """Returns the directories of the workspace members that are meant, for all of them those
        that have the script."""
        members = packages_of(self.files, directory)[1:]
        if named is None:
            return [each.directory for each in members if script in each.scripts]
        at = resolve(directory, named)
        found = [e.directory for e in members if e.name == named or e.directory == at]
        if len(found) != 1:
            raise Unfollowed(f"{directory} has no workspace that is called {named}")
        return found

    def several(self, call: Call, depth: int) -> Iterator[Call]:
        """npm-run-all, run-s, run-p: names and patterns of scripts."""
        package = package_at(self.files, call.directory)
        words = [word for word in call.words[1:] if not word.startswith("-")]
        for word in words:
            pattern = word.partition(" ")[0].replace("**", "*")
            names = [n for n in (package.scripts if package else ()) if fnmatchcase(n, pattern)]
            if not names:
                raise Unfollowed(f"`{' '.join(call.words)}` names no script that is known")
            for name in names:
                yield from self.script(call.directory, name, (), call, depth)

    def concurrently(self, call: Call, depth: int) -> Iterator[Call]:
        words = list(call.words[1:])
        while words:
            word = words.pop(0)
            if word in ("-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-m"):
                words = words[1:]
                continue
            if word.startswith("-"):
                continue
            if word.startswith("npm:"):
                yield from self.several(
                    replace(call, words=("run-s", word.removeprefix("npm:"))), depth
                )
                continue
            commands = split_script(word)
            if commands is None:
                raise Unfollowed(f"`{word}` is not followed")
            for each in commands:
                yield from self.leaves(replace(call, words=tuple(each)), depth + 1)

    def everywhere(self, call: Call, depth: int) -> Iterator[Call]:
        """turbo and lerna: the script in every package that has it."""
        words = [word for word in call.words[1:] if word != "run"]
        if any(word.startswith("-") for word in words) or len(words) != 1:
            raise Unfollowed(f"`{' '.join(call.words)}` runs in packages that it chooses")
        for place in self._members(call.directory, None, words[0]):
            yield from self.script(place, words[0], (), call, depth, optional=True)


def _unwrapped(call: Call) -> Call:
    """Takes off what only finds or prepares a program, and notes the variables that it sets."""
    words, env = list(call.words), dict(call.env)
    while words:
        match = _ASSIGNMENT.fullmatch(words[0])
        head = posixpath.basename(words[0])
        if match:
            env[match[1]] = match[2]
            del words[0]
        elif head in ("npx", "pnpx", "bunx", "cross-env", "cross-env-shell", "env", "exec",
                      "command", "time"):  # fmt: skip
            del words[0]
        elif head in MANAGERS and words[1:2] and words[1] in ("exec", "dlx", "x"):
            del words[:2]
        elif words[0] in ("-y", "--yes", "--no", "--no-install", "--", "-q", "--quiet"):
            del words[0]
        elif head in ("dotenv", "dotenvx", "env-cmd", "dotenv-flow") and "--" in words:
            del words[: words.index("--") + 1]
        elif head == "shx":
            del words[0]
        elif head == "node" and words[1:2] and _bin_of(words[1]) is not None:
            words[:2] = [_bin_of(words[1]) or ""]
        else:
            break
    if words:
        words[0] = _bin_of(words[0]) or words[0]
    return Call(tuple(words), call.directory, env)


def _bin_of(word: str) -> str | None:
    """Returns the name of a program that is named by its place in node_modules."""
    match = re.search(r"(?:^|/)node_modules/\.bin/([^/]+)$", word)
    if match:
        return match[1]
    match = re.search(r"(?:^|/)node_modules/((?:@[^/]+/)?[^/]+)/.+\.[cm]?js$", word)
    return match[1].rpartition("/")[2] if match and not match[1].startswith(".") else None


_ROWS: Mapping[str, Callable[[_Follow, Call, int], Iterator[Call]]] = {
    "npm": _Follow.npm,
    "yarn": _Follow.yarn,
    "yarnpkg": _Follow.yarn,
    "pnpm": _Follow.pnpm,
    "bun": _Follow.bun,
    **dict.fromkeys(("npm-run-all", "npm-run-all2", "run-s", "run-p"), _Follow.several),
    "concurrently": _Follow.concurrently,
    "turbo": _Follow.everywhere,
    "lerna": _Follow.everywhere,
}
