"""What chmod makes of a mode, and who chown names: their operands read as values.

Source: POSIX.1-2024, chmod and chown; the manual of GNU coreutils 9.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OCTAL = re.compile(r"0?[0-7]{3}")
_CLAUSE = re.compile(r"(?P<who>[ugoa]*)(?P<changes>(?:[-+=][rwxX]*)+)")
_CHANGE = re.compile(r"(?P<sign>[-+=])(?P<rights>[rwxX]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_RIGHTS = {"r": 4, "w": 2, "x": 1}
_UMASK = 0o022
"""The mask in which a RUN starts (runc, libcontainer/init_linux.go; the default of Docker)."""
_LONGEST = 200

_NAME = r"[A-Za-z_][\w-]*|\d{1,10}"
"""No dot: GNU chown takes ``app.web`` for ``app:web`` where no user is called so."""
_OWNER = re.compile(rf"(?P<user>{_NAME})?(?P<colon>:(?P<group>{_NAME})?)?")


@dataclass(frozen=True, slots=True)
class Mode:
    """An operand of chmod that says which rights to give; nothing of set-user-ID and the like."""

    text: str

    @property
    def is_octal(self) -> bool:
        """Whether it is a number, which says all there is."""
        return _OCTAL.fullmatch(self.text) is not None

    @property
    def masks(self) -> bool:
        """Whether the mask of the process counts: a right to write, or rights set anew, for
        nobody in particular."""
        return any(
            not clause["who"] and ("w" in clause["changes"] or "=" in clause["changes"])
            for clause in map(_CLAUSE.fullmatch, self.text.split(","))
            if clause is not None
        )

    def of(self, mode: int, is_dir: bool) -> int:
        """Returns what becomes of ``mode``, the last nine bits of one."""
        if self.is_octal:
            return int(self.text, 8)
        for text in self.text.split(","):
            clause = _CLAUSE.fullmatch(text)
            assert clause is not None, "read_mode takes no other text"
            for change in _CHANGE.finditer(clause["changes"]):
                mode = _changed(mode, is_dir, clause["who"], change["sign"], change["rights"])
        return mode


def _changed(mode: int, is_dir: bool, who: str, sign: str, rights: str) -> int:
    classes = "ugo" if not who or "a" in who else who
    given = sum(_RIGHTS[right] for right in set(rights) - {"X"})
    if "X" in rights and (is_dir or mode & 0o111):
        given |= _RIGHTS["x"]
    bits = everything = 0
    for each in set(classes):
        bits |= given << _SHIFTS[each]
        everything |= 7 << _SHIFTS[each]
    if not who:
        bits &= ~_UMASK
    if sign == "+":
        return mode | bits
    return mode & ~bits if sign == "-" else mode & ~everything | bits


def read_mode(text: str) -> Mode | None:
    """Reads an operand of chmod; None for one with bits beyond the nine rights, one that copies
    rights (``g=u``), and what is no mode."""
    if len(text) > _LONGEST:
        return None
    if _OCTAL.fullmatch(text) or all(map(_CLAUSE.fullmatch, text.split(","))):
        return Mode(text)
    return None


@dataclass(frozen=True, slots=True)
class Owner:
    """An operand of chown; ``is_login`` says that the group is the one the user logs in with
    (``app:``). None stands for what stays as it is."""

    user: str | None
    group: str | None
    is_login: bool

    @property
    def has_names(self) -> bool:
        """Whether somebody has to look it up in the image's own files."""
        return not all(each is None or each.isdecimal() for each in (self.user, self.group))

    def flag(self) -> str | None:
        """Returns the value of ``--chown`` that gives files of root to it; None where there is
        none.

        A user alone takes its group along there: by name its own, by number the same number
        (BuildKit, solver/llbsolver/ops/user_linux.go, readUser).
        """
        if self.is_login:
            return None if self.user is None or self.user.isdecimal() else self.user
        return f"{self.user or 0}:{self.group or 0}"


def read_owner(text: str) -> Owner | None:
    """Reads an operand of chown; None for what names nobody, or in a spelling of its own."""
    found = _OWNER.fullmatch(text)
    if found is None or found["user"] is found["group"] is None:
        return None
    is_login = found["colon"] is not None and found["group"] is None
    return Owner(found["user"], found["group"], is_login)
