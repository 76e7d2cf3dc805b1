"""dockopt on a pseudo-terminal: what is seen there, and what is left."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WAIT = 120
CONTROL = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])")


@dataclass
class Screen:
    """As much of a terminal as what is drawn here uses."""

    columns: int
    rows: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    cursor_shown: bool = True
    drawn: int = 0
    """Times that a line was drawn over."""

    def feed(self, text: str) -> None:
        position = 0
        while position < len(text):
            match = CONTROL.match(text, position)
            if match is not None:
                self._obey(match[1], match[2])
                position = match.end()
                continue
            self._put(text[position])
            position += 1

    @property
    def text(self) -> str:
        return "\n".join(self.rows).rstrip()

    def _obey(self, parameters: str, what: str) -> None:
        if what == "m":
            return
        if (parameters, what) in (("?25", "l"), ("?25", "h")):
            self.cursor_shown = what == "h"
        elif what == "A":
            self.row -= int(parameters or 1)
            self.drawn += 1
        elif (parameters, what) == ("2", "K"):
            self.rows[self.row] = ""
        else:
            raise AssertionError(f"the terminal is asked for ESC [{parameters}{what}")

    def _put(self, character: str) -> None:
        if character == "\r":
            self.column = 0
        elif character == "\n":
            self.row += 1
            if self.row == len(self.rows):
                self.rows.append("")
        else:
            assert character.isprintable(), repr(character)
            if self.column == self.columns:
                self._put("\n")
                self._put("\r")
            line = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = line[: self.column] + character + line[self.column + 1 :]
            self.column += 1


@dataclass
class Session:
    """dockopt on a pseudo-terminal of its own."""

    process: subprocess.Popen[bytes]
    master: int
    screen: Screen

    def until(self, seen: Callable[[Screen], bool]) -> None:
        deadline = time.monotonic() + WAIT
        while not seen(self.screen):
            assert time.monotonic() < deadline, self.screen.text
            assert self._read(), self.screen.text

    def end(self) -> int:
        deadline = time.monotonic() + WAIT
        while self._read():
            assert time.monotonic() < deadline, self.screen.text
        os.close(self.master)
        return self.process.wait(WAIT)

    def _read(self) -> bool:
        """Takes what was written; False where nobody will write any more."""
        if not select.select([self.master], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.master, 1 << 16)
        except OSError:
            return False
        self.screen.feed(data.decode())
        return bool(data)


def start(
    folder: Path, columns: int, environment: Mapping[str, str], *words: str, name: str = "xterm"
) -> Session:
    """Starts dockopt in ``folder`` on a terminal of that width, called ``name``."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    inherited = {k: v for k, v in environment.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    process = subprocess.Popen(
        # Ctrl-C comes from the terminal that controls the session.
        ["setsid", "--ctty", sys.executable, "-m", "optimizer", *words],
        cwd=folder,
        env={**inherited, "PYTHONPATH": str(ROOT), "TERM": name},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    return Session(process, master, Screen(columns))
