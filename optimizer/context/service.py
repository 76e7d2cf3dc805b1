"""How a Compose service, or a command of CI and scripts, runs the image that is built."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of the host that is put over one of the container: ``source`` as the file
    has it, ``target`` in the container."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Service:
    """What a service says of its container, beside what the image says itself.

    ``found_by`` is the place (``compose.yaml:services.api``), ``line`` the line of its name in
    that file, and ``lines`` are those of its keys; a command that other files run in the image has
    its own place (``Makefile:12``) and no line beside it. ``entrypoint``, ``command`` and
    ``health`` are words, None where it leaves them to the image; ``health`` is empty where it turns
    the check off. Texts may hold `UNKNOWN`. ``is_interactive`` says that it asks for a terminal
    and keeps standard input open, ``watches`` that it has a ``develop`` section that copies sources
    into the running container.
    """

    found_by: str
    line: int = 1
    entrypoint: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    health: tuple[str, ...] | None = None
    binds: tuple[Bind, ...] = ()
    is_interactive: bool = False
    watches: bool = False
    lines: tuple[tuple[str, int], ...] = field(default=(), compare=False)

    @property
    def is_of_compose(self) -> bool:
        """Says whether a Compose file declares it."""
        return ":services." in self.found_by

    def place(self, key: str) -> str:
        """Returns the file and the line of a key: ``compose.yaml:12``."""
        if not self.is_of_compose:
            return self.found_by
        return f"{self.found_by.partition(':services.')[0]}:{dict(self.lines).get(key, self.line)}"

    def over(self, base: Service) -> Service:
        """Merges as compose-go does (override/merge.go): commands replace, volumes join by their
        targets."""
        own = {bind.target for bind in self.binds}
        return replace(
            self,
            entrypoint=base.entrypoint if self.entrypoint is None else self.entrypoint,
            command=base.command if self.command is None else self.command,
            health=base.health if self.health is None else self.health,
            binds=self.binds + tuple(bind for bind in base.binds if bind.target not in own),
            is_interactive=self.is_interactive or base.is_interactive,
            watches=self.watches or base.watches,
        )
