"""What a container of an image runs once it is started."""

from __future__ import annotations

from dataclasses import dataclass

from optimizer.knowledge.installs import Call


@dataclass(frozen=True, slots=True)
class Running:
    """What ENTRYPOINT, CMD and HEALTHCHECK start, and what that starts in turn.

    ``calls`` are the commands, as far as they can be followed: those of the instructions, of the
    project's own entry scripts, and of package scripts (``npm start``) that they name; the words
    may hold `HOLE`. ``programs`` are the names of all programs that those and the project's own
    code start (``git``, ``convert``). ``needs_shell`` says that one of them goes through
    ``/bin/sh``. ``opaque`` says why programs that are not named may be started too, None where that
    is ruled out. ``is_set`` is False where the file sets neither ENTRYPOINT nor CMD, so the base
    image's count. ``shown_by`` says for each of ``calls`` where it stands (``CMD in line 9``,
    ``compose.yaml:12``, ``/app/entrypoint.sh:4``).
    """

    calls: tuple[Call, ...] = ()
    programs: frozenset[str] = frozenset()
    needs_shell: bool = False
    opaque: str | None = None
    is_set: bool = True
    shown_by: tuple[str, ...] = ()
