"""pip's requirements files: their lines, and the options and requirements that stand on them.

Sources: pypa/pip src/pip/_internal/req/req_file.py (functions named below) and
constructors.py. Nothing is opened here; the text goes in.
"""

from __future__ import annotations

import codecs
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

LineKind: TypeAlias = Literal[
    "requirements", "constraints", "editable", "find-links", "index", "requirement", "option"
]

# req_file.py, BOMS, in its order; COMMENT_RE; ENV_VAR_RE; PEP263_ENCODING_RE.
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The look behind keeps long runs of spaces linear; what matches is the same.
_COMMENT = re.compile(r"(?:^|(?<!\s)\s+)#.*$")
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Z0-9_]+)\}")
_CODING = re.compile(rb"coding[:=]\s*([-\w.]+)")

# req_file.py, SUPPORTED_OPTIONS: the ones that name files.
_FILE_OPTIONS: Mapping[str, LineKind] = {
    "-r": "requirements", "--requirement": "requirements",
    "-c": "constraints", "--constraint": "constraints",
    "-e": "editable", "--editable": "editable",
    "-f": "find-links", "--find-links": "find-links",
    "-i": "index", "--index-url": "index", "--pypi-url": "index", "--extra-index-url": "index",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line: what it is, the file, path or requirement it names, and where it starts."""

    kind: LineKind
    value: str
    number: int


class RequirementsError(Exception):
    """The file cannot be read as a requirements file: ``line`` and what is wrong with it."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def decode(content: bytes) -> str:
    """Decodes as _decode_req_file does. Raises `RequirementsError`.

    Where pip falls back on the locale's encoding, bytes that are no UTF-8 are
    kept as surrogates: they can only stand in comments and names of files.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _decode(content[len(mark) :], encoding)
    for line in content.split(b"\n", 2)[:2]:
        if line[:1] == b"#" and (match := _CODING.search(line)):
            return _decode(content, match[1].decode("ascii"))
    return content.decode("utf-8", "surrogateescape")


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except (LookupError, UnicodeDecodeError) as error:
        raise RequirementsError(f"is not text in {encoding}: {error}", 1) from error


def read_lines(text: str, env: Mapping[str, str]) -> Iterator[Line]:
    """Yields the logical lines, ${VARIABLES} filled in where known. Raises `RequirementsError`.

    pip splits the text with str.splitlines, so this does too.

    Mirrors preprocess (join_lines, ignore_comments, expand_env_variables) and
    break_args_options.
    """
    for number, joined in _joined(text):
        line = _COMMENT.sub("", joined).strip()
        if line:
            line = _VARIABLE.sub(lambda match: env.get(match["name"]) or match[0], line)
            yield from _parse(line, number)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), start=1):
        comment = _COMMENT.match(line) is not None
        if line.endswith("\\") and not comment:
            first = first if parts else number
            parts.append(line.strip("\\"))
            continue
        yield (first if parts else number), "".join([*parts, " " + line if comment else line])
        parts = []
    if parts:
        yield first, "".join(parts)


def _parse(line: str, number: int) -> Iterator[Line]:
    words = line.split(" ")
    start = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    requirement = " ".join(words[:start]).strip()
    if requirement:
        yield Line("requirement", requirement, number)
        return
    import shlex

    try:
        options = shlex.split(" ".join(words[start:]))
    except ValueError as error:
        raise RequirementsError(f"has options that cannot be split: {error}", number) from error
    yield from _options(options, number)


def _options(words: list[str], number: int) -> Iterator[Line]:
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        name, equals, value = word.partition("=")
        if word[:1] == "-" and word[:2] != "--" and len(word) > 2:
            name, equals, value = word[:2], "=", word[2:]
        kind = _FILE_OPTIONS.get(_full_name(name))
        if kind is None:
            yield Line("option", word, number)
            continue
        if not equals:
            if position == len(words):
                raise RequirementsError(f"has {name} without a value", number)
            value = words[position]
            position += 1
        yield Line(kind, value, number)


def _full_name(name: str) -> str:
    """optparse takes an abbreviation that fits one option only."""
    if name in _FILE_OPTIONS or not name.startswith("--") or len(name) < 4:
        return name
    fitting = [option for option in _FILE_OPTIONS if option.startswith(name)]
    return fitting[0] if len(fitting) == 1 else name


def has_variable(text: str) -> bool:
    """Tells whether a ${VARIABLE} is left that pip might fill in."""
    return _VARIABLE.search(text) is not None


_ARCHIVE = re.compile(
    r"\.(?:zip|whl|tar\.bz2|tbz|tar\.gz|tgz|tar|tar\.xz|txz|tlz|tar\.lz\w*)$", re.I
)
_URL = re.compile(r"^(?:https?|ftp|file|(?:git|hg|svn|bzr)(?:\+[a-z]+)?):", re.I)


def local_path(requirement: str) -> str | None:
    """Returns the path of a requirement that is a file or directory, else None.

    constructors.py: parse_req_from_line splits off the marker and the extras;
    _looks_like_path, is_archive_file and `name @ file:///path` (PEP 508).
    """
    url = _URL.match(requirement) is not None
    bare = requirement.split("; " if url else ";", 1)[0].strip()
    name, at, target = bare.partition("@")
    if at and not url and "/" not in name and not name.startswith("."):
        bare = target.strip()
        if not bare.lower().startswith("file:"):
            return None
    if bare.lower().startswith("file:"):
        from urllib.parse import unquote, urlsplit

        return unquote(urlsplit(bare).path) or None
    if _URL.match(bare):
        return None
    path = without_extras(bare)
    looks_like_path = "/" in path or path.startswith(".")
    return path if looks_like_path or _ARCHIVE.search(path) else None


def without_extras(path: str) -> str:
    """Takes the extras off ``path[a,b]`` (constructors.py, strip_extras)."""
    start = path.rfind("[")
    return path[:start].rstrip() if start > 0 and path.find("]", start) == len(path) - 1 else path


def is_address(requirement: str) -> bool:
    """Tells whether a requirement is a URL (vcs/versioncontrol.py, is_url)."""
    return _URL.match(requirement) is not None


def clone_directory(requirement: str) -> str:
    """Returns where pip clones an editable requirement, below its source directory.

    req_install.py, ensure_build_location: a directory of the project's canonical name, which
    older versions of pip only put in lower case.
    """
    match = re.search(r"[#&]egg=([\w.-]+)", requirement) or re.match(
        r"([\w.-]+)(?:\[[^\]]*\])?\s*@", requirement
    )
    if match is None or re.search(r"[_.]|--", match[1]):
        return "src"
    return f"src/{match[1].lower()}"


def is_archive(path: str) -> bool:
    """Tells whether pip takes a file at ``path`` for an archive (utils/filetypes.py)."""
    return _ARCHIVE.search(posixpath.basename(path)) is not None


def is_remote(name: str) -> bool:
    """Tells whether a requirements file is fetched over the network (get_file_content)."""
    return re.match(r"https?:", name, re.I) is not None
