"""CMakeLists.txt: which programs a build makes, and where an install puts what.

Source: the CMake manual: cmake(1) ("Generate a Project Buildsystem", "Build a Project", "Install a
Project"), cmake-language(7), add_executable, add_library, install, GNUInstallDirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import basename

from optimizer.knowledge.c.recipes import NotKnown
from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made

_MOST_FILES = 200
_TOKEN = re.compile(
    r"(?P<blank>\s+)|(?P<comment>#[^\n]*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<open>\()|(?P<close>\))|(?P<word>(?:[^\s()"#\\]|\\.)+)'
    r"|(?P<other>.)",
    re.DOTALL,
)
_BRACKET = re.compile(r"(#?)\[(=*)\[")
_REFERENCE = re.compile(r"\$(?:ENV|CACHE)?\{([\w./+-]*)\}")
_DIRECTORIES: Mapping[str, str] = {
    "CMAKE_INSTALL_BINDIR": "bin", "CMAKE_INSTALL_SBINDIR": "sbin", "CMAKE_INSTALL_LIBDIR": "lib",
    "CMAKE_INSTALL_LIBEXECDIR": "libexec", "CMAKE_INSTALL_INCLUDEDIR": "include",
    "CMAKE_INSTALL_DATADIR": "share", "CMAKE_INSTALL_DATAROOTDIR": "share",
    "CMAKE_INSTALL_SYSCONFDIR": "etc", "CMAKE_INSTALL_MANDIR": "share/man",
    "CMAKE_INSTALL_DOCDIR": HOLE, "CMAKE_INSTALL_LOCALSTATEDIR": "var",
}  # fmt: skip
"""GNUInstallDirs, for a prefix other than /usr."""
_NOT_INSTALLED = frozenset(("STATIC", "OBJECT", "INTERFACE", "IMPORTED", "ALIAS"))
_MOVES = frozenset(
    ("RUNTIME_OUTPUT_DIRECTORY", "OUTPUT_NAME", "SUFFIX", "PREFIX", "VERSION", "SOVERSION",
     "LIBRARY_OUTPUT_DIRECTORY", "DEBUG_POSTFIX")
)  # fmt: skip
"""Properties of targets that change where or as what they lie."""


@dataclass(slots=True)
class Built:
    """What a build of ``source`` in ``directory`` links and installs below ``prefix``; why that is
    not known, where it is not."""

    source: str
    directory: str
    prefix: str
    linked: list[str] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)
    unknown: str | None = None
    unknown_install: str | None = None
    is_static: bool = False


def read_call(call: Call, made: Made) -> tuple[Built, bool] | None:
    """Returns what a call of cmake or ninja builds, and whether it installs; None for one that only
    configures. Raises `NotKnown`."""
    words = call.words[1:]
    if any(HOLE in word for word in words if not word.startswith("-D")):
        raise NotKnown("what cmake builds is not known before the build")
    installs = "--install" in words or ("install" in words)
    if call.program == "ninja":
        place = resolve(call.directory, _value(words, "-C") or ".")
    elif "--build" in words or "--install" in words:
        named = _value(words, "--build") or _value(words, "--install") or "."
        place = resolve(call.directory, named)
    elif "-P" in words or "-E" in words or "--version" in words:
        raise NotKnown("what the script of cmake leaves")
    else:
        return None
    built = build_of(place, made, _value(words, "--prefix"))
    if built is None:
        raise NotKnown(f"how {place} was configured is not known")
    return built, installs


def _value(words: Sequence[str], name: str) -> str | None:
    for index, word in enumerate(words):
        if word == name and index + 1 < len(words):
            return words[index + 1]
        if word.startswith(f"{name}="):
            return word.partition("=")[2]
    return None


def build_of(place: str, made: Made, prefix: str | None = None) -> Built | None:
    """Returns the build that a command above configured in the directory ``place``."""
    for call in reversed(made.before):
        if call.program != "cmake" or {"--build", "--install", "-P", "-E"} & {*call.words}:
            continue
        source, directory = _places(call)
        if directory == place and HOLE not in source:
            given = dict(_given(call))
            own = prefix or given.get("CMAKE_INSTALL_PREFIX") or "/usr/local"
            built = Built(source, directory, resolve(call.directory, own))
            if "-G" in call.words and "Multi-Config" in " ".join(call.words):
                built.unknown = built.unknown_install = "it builds for several configurations"
            _Reader(made.files, built, given).read(source, directory)
            return built
    return None


def _places(call: Call) -> tuple[str, str]:
    """Returns the directories of the sources and of the build (cmake(1), "Generate")."""
    source, directory, operand = None, None, None
    queue = list(reversed(call.words[1:]))
    while queue:
        word = queue.pop()
        if word in ("-S", "-B", "-G", "-D", "-C", "-T", "-A", "-U", "--preset", "--toolchain"):
            value = queue.pop() if queue else ""
            source = value if word == "-S" else source
            directory = value if word == "-B" else directory
        elif word.startswith("-S") or word.startswith("-B"):
            source = word[2:] if word.startswith("-S") else source
            directory = word[2:] if word.startswith("-B") else directory
        elif not word.startswith("-"):
            operand = word
    return (
        resolve(call.directory, source or operand or "."),
        resolve(call.directory, directory or "."),
    )


def _given(call: Call) -> Iterator[tuple[str, str]]:
    words = call.words
    for index, word in enumerate(words):
        text = words[index + 1] if word == "-D" and index + 1 < len(words) else word[2:]
        if word.startswith("-D") and "=" in text:
            name, _, value = text.partition("=")
            yield name.partition(":")[0], value


@dataclass(slots=True)
class _Reader:
    files: Files
    built: Built
    given: Mapping[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    targets: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By name: what it is (``program``, ``shared`` or ``part``), and its path in the build."""
    seen: int = 0

    def read(self, source: str, directory: str) -> None:
        """Reads the CMakeLists.txt in ``source``, whose build lies in ``directory``."""
        self.seen += 1
        content = self.files.read(resolve(source, "CMakeLists.txt"))
        if content is None or self.seen > _MOST_FILES:
            self._unknown(f"no CMakeLists.txt that can be read lies in {source}")
            return
        depth = 0
        for name, words in _commands(content.decode("utf-8", "replace")):
            depth += {"if": 1, "foreach": 1, "while": 1, "function": 1, "macro": 1}.get(name, 0)
            depth -= name in ("endif", "endforeach", "endwhile", "endfunction", "endmacro")
            expanded = [part for word in words for part in self._expand(word)]
            self._command(name, expanded, source, directory, is_certain=depth <= 0)

    def _unknown(self, why: str) -> None:
        self.built.unknown = self.built.unknown or why
        self.built.unknown_install = self.built.unknown_install or why

    def _command(
        self, name: str, words: list[str], source: str, directory: str, is_certain: bool
    ) -> None:
        match name:
            case "project" if words:
                self.variables["PROJECT_NAME"] = self.variables["CMAKE_PROJECT_NAME"] = words[0]
            case "set" if words:
                plain = is_certain and "CACHE" not in words and "PARENT_SCOPE" not in words
                self.variables[words[0]] = ";".join(words[1:]) if plain else HOLE
            case "add_executable" if words:
                self._target(words, directory, "program", is_certain)
            case "add_library" if words:
                shared = "SHARED" in words or "MODULE" in words
                part = bool(_NOT_INSTALLED & {*words})
                by_default = not shared and not part
                unclear = by_default and "BUILD_SHARED_LIBS" in {**self.variables, **self.given}
                kind = "shared" if shared or unclear else "part"
                self._target(words, directory, kind, is_certain)
            case "add_subdirectory" if words:
                inner = words[1] if len(words) > 1 and words[1] != "EXCLUDE_FROM_ALL" else words[0]
                if HOLE in words[0] + inner or not is_certain:
                    self._unknown(f"a subdirectory in {source} depends on a condition")
                elif "EXCLUDE_FROM_ALL" not in words:
                    self.read(resolve(source, words[0]), resolve(directory, inner))
            case "install":
                self._install(words, source, is_certain)
            case "set_target_properties" | "set_property":
                if _MOVES & {*words}:
                    self._unknown(f"{source} renames or moves a target")
            case (
                "fetchcontent_makeavailable"
                | "externalproject_add"
                | "add_custom_target"
                | ("add_custom_command")
            ) if name.startswith(("fetch", "external")):
                self._unknown(f"{source} builds other projects too")

    def _target(self, words: Sequence[str], directory: str, kind: str, is_certain: bool) -> None:
        name = words[0]
        if {"IMPORTED", "ALIAS"} & {*words}:
            return
        if HOLE in name or not is_certain or (kind != "part" and self._is_moved()):
            self._unknown(f"the target {name.replace(HOLE, '…')} depends on what is not known")
            return
        file_name = f"lib{name}.so" if kind == "shared" else name
        path = resolve(directory, file_name)
        self.targets[name] = (kind, path)
        if kind in ("program", "shared"):
            self.built.linked.append(path)

    def _is_moved(self) -> bool:
        names = {**self.variables, **self.given}
        return (
            any(f"CMAKE_{kind}_OUTPUT_DIRECTORY" in names for kind in ("RUNTIME", "LIBRARY"))
            or "EXECUTABLE_OUTPUT_PATH" in names
        )

    def _install(self, words: list[str], source: str, is_certain: bool) -> None:
        if not words or words[0] in ("EXPORT", "IMPORTED_RUNTIME_ARTIFACTS"):
            return
        if not is_certain or any(HOLE in word for word in words) or words[0] not in (
            "TARGETS", "FILES", "PROGRAMS", "DIRECTORY"
        ):  # fmt: skip
            self.built.unknown_install = (
                self.built.unknown_install or f"an install in {source} depends on what is not known"
            )
            return
        if words[0] == "TARGETS":
            self._install_targets(words[1:])
            return
        names, options = _split(words[1:])
        place = options.get("DESTINATION") or {"BIN": "bin", "DATA": "share"}.get(
            options.get("TYPE", "")
        )
        if place is None or "*" in "".join(names) or "FILES_MATCHING" in words:
            self.built.unknown_install = f"an install in {source} names no place"
            return
        folder = resolve(self.built.prefix, place)
        for name in names:
            # The content of a directory whose name ends in a slash is put there.
            whole = words[0] == "DIRECTORY" and name.endswith("/")
            shown = options.get("RENAME") or basename(name.rstrip("/"))
            self.built.installed.append(folder if whole else resolve(folder, shown))

    def _install_targets(self, words: Sequence[str]) -> None:
        names = []
        for word in words:
            if word in _OPTIONS:
                break
            names.append(word)
        places = _artifact_places(words[len(names) :])
        for name in names:
            kind, path = self.targets.get(name, ("unknown", ""))
            if kind == "part":
                continue
            role, usual = ("RUNTIME", "bin") if kind == "program" else ("LIBRARY", "lib")
            place = places.get(role) or places.get("") or usual
            if kind == "unknown":
                self.built.unknown_install = f"the target {name} is not known"
                return
            file_name = basename(path)
            self.built.installed.append(resolve(resolve(self.built.prefix, place), file_name))

    def _expand(self, word: str) -> list[str]:
        """Puts variables in; a list comes apart where it is not quoted."""
        quoted = word.startswith('"')
        text = word[1:] if quoted else word
        for _ in range(10):
            found = _REFERENCE.search(text)
            if found is None:
                break
            text = text[: found.start()] + self._variable(found) + text[found.end() :]
            if len(text) > 16_384:
                return [HOLE]
        if "$<" in text or "${" in text:
            return [HOLE]
        return [text] if quoted else [part for part in text.split(";") if part]

    def _variable(self, found: re.Match[str]) -> str:
        name = found[1]
        if found[0].startswith("$ENV"):
            return HOLE
        if name in self.given:
            return self.given[name]
        if name in self.variables:
            return self.variables[name]
        if name == "CMAKE_INSTALL_PREFIX":
            return self.built.prefix
        if name in ("CMAKE_SOURCE_DIR", "PROJECT_SOURCE_DIR", "CMAKE_CURRENT_SOURCE_DIR"):
            return self.built.source
        if name in ("CMAKE_BINARY_DIR", "PROJECT_BINARY_DIR", "CMAKE_CURRENT_BINARY_DIR"):
            return self.built.directory
        if name in _DIRECTORIES and self.built.prefix != "/usr":
            return _DIRECTORIES[name]
        return HOLE


_OPTIONS = frozenset(
    ("RUNTIME", "LIBRARY", "ARCHIVE", "DESTINATION", "COMPONENT", "EXPORT", "PUBLIC_HEADER",
     "PRIVATE_HEADER", "INCLUDES", "OBJECTS", "FRAMEWORK", "BUNDLE", "RESOURCE", "PERMISSIONS",
     "CONFIGURATIONS", "OPTIONAL", "EXCLUDE_FROM_ALL", "NAMELINK_ONLY", "NAMELINK_SKIP", "TYPE",
     "RENAME", "FILE_PERMISSIONS", "DIRECTORY_PERMISSIONS", "USE_SOURCE_PERMISSIONS",
     "FILES_MATCHING", "PATTERN", "REGEX", "FILE_SET", "RUNTIME_DEPENDENCIES")
)  # fmt: skip


def _split(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    names: list[str] = []
    options: dict[str, str] = {}
    for index, word in enumerate(words):
        if word in _OPTIONS:
            options.setdefault(word, words[index + 1] if index + 1 < len(words) else "")
        elif not options:
            names.append(word)
    return names, options


def _artifact_places(words: Sequence[str]) -> dict[str, str]:
    """Returns the DESTINATION of each kind of artifact, "" for all."""
    found: dict[str, str] = {}
    role = ""
    for index, word in enumerate(words):
        if word in ("RUNTIME", "LIBRARY", "ARCHIVE", "PUBLIC_HEADER", "INCLUDES", "OBJECTS"):
            role = word
        elif word == "DESTINATION" and index + 1 < len(words):
            found.setdefault(role, words[index + 1])
    return found


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yields the commands, names in lower case, arguments as written, quoted ones with a quotation
    mark in front."""
    text = _without_brackets(text)
    name: str | None = None
    last = ""
    words: list[str] = []
    depth = 0
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind in ("blank", "comment"):
            continue
        if match["open"]:
            depth += 1
            if depth == 1:
                name, words = last.lower(), []
        elif match["close"]:
            depth -= 1
            if depth == 0 and name is not None:
                yield name, words
                name = None
            depth = max(depth, 0)
        elif depth:
            if match["quoted"] is not None:
                words.append('"' + re.sub(r"\\(.)", r"\1", match["quoted"]))
            else:
                words.append(match.group())
        else:
            last = match.group()


def _without_brackets(text: str) -> str:
    """Puts `HOLE` in the place of bracket arguments and nothing in that of bracket comments; one
    that does not close takes the rest with it."""
    parts: list[str] = []
    at = 0
    for match in _BRACKET.finditer(text):
        if match.start() < at:
            continue
        closer = f"]{match[2]}]"
        end = text.find(closer, match.end())
        parts += [text[at : match.start()], "" if match[1] else HOLE]
        at = len(text) if end < 0 else end + len(closer)
    return "".join([*parts, text[at:]])
