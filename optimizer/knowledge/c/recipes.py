"""The recipes of a Makefile: which programs the goals of one call link, and what they install."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import basename

from optimizer.knowledge.artefacts import is_pattern
from optimizer.knowledge.c.compilers import COMPILER, read_compilation
from optimizer.knowledge.c.makefile import Makefile, Rule, read_makefile
from optimizer.knowledge.commands.line import Syntax, Unknown
from optimizer.knowledge.installs import HOLE, Files
from optimizer.knowledge.manifests import resolve

NAMES = ("GNUmakefile", "makefile", "Makefile")
"""The GNU make manual, "What Name to Give Your Makefile", in this order."""
_HARMLESS = re.compile(
    r"-j(?:\d*|\0)|-l\d*|--jobs(?:=\d+)?|-[skBiwSr]+|--silent|--quiet|--keep-going"
    r"|--no-print-directory|--always-make|-O\w*"
)
"""Options that change nothing of what is made (make(1))."""
_MOST_TARGETS = 2_000
_DEEPEST = 4

_LEAVES_NOTHING = frozenset(
    ("echo", "printf", "true", ":", "test", "[", "rm", "mkdir", "chmod", "chown", "ar", "ranlib",
     "strip", "exit", "rmdir", "which", "command", "sleep", "pwd", "cat", "ls", "date", "as")
)  # fmt: skip
"""Programs that make nothing which is run: messages, directories, static libraries."""
_INSTALL = Syntax(
    "-b -c -C|--compare -D -d|--directory -g|--group= -m|--mode= -o|--owner= -p -s|--strip"
    " -t|--target-directory= -T|--no-target-directory -v|--verbose"
)
_COPY = Syntax("-a|--archive -f|--force -p -r|-R|--recursive -v|--verbose -u|--update -L -P -d"
               " -t|--target-directory= -T|--no-target-directory")  # fmt: skip
_LINK = Syntax("-s|--symbolic -f|--force -n|--no-dereference -v|--verbose -r|--relative")
_ALWAYS_THERE = re.compile(
    r"/|(?:/usr|/usr/local|/opt)?/?(?:bin|sbin|lib|lib64|etc|share|include|man|games)?"
    r"|/etc(?:/[\w-]+)?|/var(?:/lib|/log)?|.*/(?:bin|sbin|lib|lib64|libexec|include|share|man\d?|etc)"
)
"""Places that are directories where anything is installed (GNU Coding Standards, "Directory
Variables")."""


class NotKnown(Exception):
    """Says why what make does is not known."""


@dataclass(slots=True)
class Recipes:
    """What one call of make does, while it is followed."""

    files: Files
    directory: str
    makefile: Makefile
    depth: int = 0
    linked: dict[str, None] = field(default_factory=dict)
    installed: dict[str, None] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    static: list[bool] = field(default_factory=list)
    libc_alone: list[tuple[str, ...] | None] = field(default_factory=list)
    """By the link: as in `Compilation`."""
    _seen: set[str] = field(default_factory=set)

    def follow(self, goals: Sequence[str]) -> None:
        """Follows the goals, the first target where there is none. Raises `NotKnown`."""
        if self.makefile.partly is not None:
            raise NotKnown(f"the Makefile of {self.directory} is not plain: {self.makefile.partly}")
        wanted = list(goals) or [self._first()]
        for goal in wanted:
            self._target(goal)

    def _first(self) -> str:
        if named := self.makefile.expand("$(.DEFAULT_GOAL)").strip():
            return named
        for rule in self.makefile.rules:
            for target in self.makefile.expand(rule.targets).split():
                if "%" not in target and (not target.startswith(".") or "/" in target):
                    return target
        raise NotKnown(f"the Makefile of {self.directory} has no target")

    def _target(self, name: str) -> None:
        waiting = [name]
        while waiting:
            target = waiting.pop()
            if target in self._seen:
                continue
            self._seen.add(target)
            if len(self._seen) > _MOST_TARGETS:
                raise NotKnown("the Makefile has too many targets")
            waiting += self._one(target)

    def _one(self, target: str) -> list[str]:
        """Carries a target out; returns what it depends on."""
        rules = self._rules_of(target)
        if HOLE in target and not rules:
            return []
        needed: list[str] = []
        has_recipe = False
        for rule, stem in rules:
            if not rule.certain:
                raise NotKnown(f"the rule for {target} depends on a condition")
            own = self._prerequisites(rule, target, stem)
            needed += own
            has_recipe = has_recipe or bool(rule.recipe)
            automatic = {"@": target, "<": own[0] if own else "", "^": " ".join(own), "?": HOLE,
                         "*": stem or HOLE, "+": " ".join(own), "@F": basename(target),
                         "@D": target.rpartition("/")[0] or "."}  # fmt: skip
            for line in rule.recipe:
                self._line(self.makefile.expand(line, automatic))
        if not has_recipe:
            self._implicit(target, needed, bool(rules))
        return needed

    def _rules_of(self, target: str) -> list[tuple[Rule, str]]:
        explicit: list[tuple[Rule, str]] = []
        patterns: list[tuple[Rule, str]] = []
        for rule in self.makefile.rules:
            for each in self.makefile.expand(rule.targets).split():
                if each == target and HOLE not in target:
                    explicit.append((rule, ""))
                elif HOLE in each or HOLE in target:
                    # Either may stand for the other.
                    patterns += [(rule, HOLE)] if "%" in each or HOLE in each else []
                elif "%" in each and (stem := _stem(each, target)) is not None:
                    patterns.append((rule, stem))
        if any(rule.recipe for rule, _ in explicit):
            return explicit
        known = [pair for pair in patterns if pair[1] != HOLE]
        return [*explicit, *(known[:1] if known and HOLE not in target else patterns)]

    def _prerequisites(self, rule: Rule, target: str, stem: str) -> list[str]:
        text = self.makefile.expand(rule.prerequisites.replace("|", " "), {"@": target})
        return [word.replace("%", stem) if stem else word for word in text.split()]

    def _implicit(self, target: str, needed: Sequence[str], is_named: bool) -> None:
        """ "Catalogue of Built-In Rules": objects and programs from sources of their name."""
        path = resolve(self.directory, target)
        if HOLE in target or target.endswith((".o", ".h", ".hpp", ".c", ".cc", ".cpp", ".d")):
            return
        if self.files.kind(path) is not None:
            return
        objects = [word for word in needed if word.endswith((".o", ".c", ".cc", ".cpp"))]
        sources = (self.files.kind(f"{path}{end}") for end in (".c", ".cc", ".cpp", ".C"))
        named_alike = f"{target}.o" in objects or any(kind == "file" for kind in sources)
        if named_alike:
            self.linked[path] = None
            flags = " ".join(
                self.makefile.expand(f"$({n})") for n in ("LDFLAGS", "CFLAGS", "LDLIBS")
            )
            self.static.append("-static" in flags.split())
            self.libc_alone.append(None)
        elif not is_named:
            raise NotKnown(f"the Makefile of {self.directory} has no rule for {target}")

    def _line(self, line: str) -> None:
        text = line.lstrip("@-+ \t")
        if not text or text.startswith("#"):
            return
        for words in _commands(text):
            self._command(words, text)

    def _command(self, words: Sequence[str], text: str) -> None:
        program = words[0].rpartition("/")[2]
        if HOLE in words[0]:
            raise NotKnown(f"`{_shown(text)}` runs a program that is not known")
        if program in _LEAVES_NOTHING:
            if program == "mkdir":
                self.folders.update(resolve(self.directory, w) for w in words[1:] if w[0] != "-")
        elif COMPILER.fullmatch(program):
            self._compiled(words, text)
        elif program in ("install", "cp", "mv", "ln"):
            self._placed(program, words, text)
        elif program in ("make", "gmake"):
            self._submake(words, text)
        else:
            raise NotKnown(f"what `{_shown(text)}` in the Makefile leaves is not known")

    def _compiled(self, words: Sequence[str], text: str) -> None:
        found = read_compilation(words)
        if found.output is None:
            return
        if HOLE in found.output:
            raise NotKnown(f"the name of what `{_shown(text)}` makes is not known")
        self.linked[resolve(self.directory, found.output)] = None
        self.static.append(found.is_static)
        self.libc_alone.append(found.libc_alone)

    def _placed(self, program: str, words: Sequence[str], text: str) -> None:
        syntax = {"install": _INSTALL, "ln": _LINK}.get(program, _COPY)
        try:
            line = syntax.read(words[1:])
        except Unknown:
            raise NotKnown(f"what `{_shown(text)}` in the Makefile leaves is not known") from None
        if line.has("-d") and program == "install":
            self.folders.update(resolve(self.directory, word) for word in line.operands)
            return
        into = line.value("-t")
        sources = line.operands if into is not None else line.operands[:-1]
        if not sources:
            raise NotKnown(f"what `{_shown(text)}` in the Makefile leaves is not known")
        written = into if into is not None else line.operands[-1]
        target = resolve(self.directory, written)
        is_folder = (
            into is not None
            or len(sources) > 1
            or written.endswith("/")
            or target in self.folders
            or _ALWAYS_THERE.fullmatch(target) is not None
            or self.files.kind(target) == "dir"
        )
        is_folder = is_folder and not line.has("-T")
        landed = [target]
        if is_folder:
            landed = [resolve(target, basename(source.rstrip("/"))) for source in sources]
        if any(HOLE in path or is_pattern(path) for path in landed):
            raise NotKnown(f"where `{_shown(text)}` puts things is not known")
        self.installed.update(dict.fromkeys(landed))

    def _submake(self, words: Sequence[str], text: str) -> None:
        if self.depth >= _DEEPEST:
            raise NotKnown("its Makefiles call each other too deeply")
        inner = read_call(words, self.directory, {}, self.files, self.depth + 1)
        self.linked.update(inner.linked)
        self.installed.update(inner.installed)
        self.static += inner.static
        self.libc_alone += inner.libc_alone


def _stem(pattern: str, target: str) -> str | None:
    before, _, after = pattern.partition("%")
    if target.startswith(before) and target.endswith(after) and len(target) > len(before + after):
        return target[len(before) : len(target) - len(after)]
    return None


def _shown(text: str) -> str:
    line = " ".join(text.replace(HOLE, "…").split())
    return line if len(line) <= 60 else line[:59] + "…"


def _commands(text: str) -> Iterator[list[str]]:
    """Yields the words of the commands of a recipe's line. Raises `NotKnown` for shell grammar
    other than lists of plain commands."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    try:
        tokens = list(lexer)
    except ValueError:
        raise NotKnown(f"`{_shown(text)}` in the Makefile is not plain") from None
    redirected = ""
    for token in tokens:
        if redirected:
            if token != "/dev/null" and redirected != ">&":
                raise NotKnown(f"`{_shown(text)}` in the Makefile writes a file")
            redirected = ""
        elif token in ("&&", ";", "||"):
            if words:
                yield words
            words = []
        elif token in (">", ">>", ">&"):
            redirected = token
            words = words[:-1] if words[-1:] in (["1"], ["2"]) else words
        elif re.fullmatch(r"[;&|<>()]+", token):
            raise NotKnown(f"`{_shown(text)}` in the Makefile is not plain")
        elif re.match(r"[A-Za-z_]\w*=", token) and not words:
            continue
        elif token in ("for", "if", "while", "case", "cd", "do", "then", "{", "eval", "exec"):
            raise NotKnown(f"`{_shown(text)}` in the Makefile is not plain")
        else:
            words.append(token)
    if words:
        yield words


def read_call(
    words: Sequence[str], directory: str, env: Mapping[str, str], files: Files, depth: int = 0
) -> Recipes:
    """Follows a call of make in ``directory``. Raises `NotKnown`."""
    goals: list[str] = []
    given: dict[str, str] = {}
    named: str | None = None
    queue = list(reversed(words[1:]))
    while queue:
        word = queue.pop()
        if match := re.fullmatch(r"([\w.-]+)(?:\?|:{0,3})?=(.*)", word, re.DOTALL):
            given[match[1]] = match[2]
        elif word in ("-C", "--directory") and queue:
            directory = resolve(directory, queue.pop())
        elif word.startswith("-C") or word.startswith("--directory="):
            directory = resolve(directory, word.partition("=")[2] or word[2:])
        elif word in ("-f", "--file", "--makefile") and queue:
            named = queue.pop()
        elif _HARMLESS.fullmatch(word):
            if word in ("-j", "--jobs") and queue and re.fullmatch(r"\d+|\0", queue[-1]):
                queue.pop()
        elif word.startswith("-"):
            raise NotKnown(f"make has the option {word}")
        else:
            goals.append(word)
    if HOLE in directory or any(HOLE in goal for goal in goals) or (named and HOLE in named):
        raise NotKnown("what make builds is not known before the build")
    names = [named] if named else NAMES
    content = next((c for n in names if (c := files.read(resolve(directory, n))) is not None), None)
    if content is None:
        raise NotKnown(f"no Makefile was copied to {directory}")
    makefile = read_makefile(
        content.decode("utf-8", "replace"), given, {**env, "CURDIR": directory}
    )
    found = Recipes(files, directory, makefile, depth)
    found.follow(goals)
    return found
