"""The process of the server: its streams, and when it ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

from optimizer.surfaces.lsp.server import Server, make_server

CLIENT_SECONDS = 2.0
"""How often it is looked whether the client still lives. The protocol wants the server to end
with it (3.17, ``processId`` of ``initialize``); most ends close the streams, which is seen at
once."""


def serve() -> NoReturn:
    """Serves the client on standard input and output until it goes."""
    _leave_out_current_folder()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="dockopt: %(message)s")
    # It logs a stack for every answer that is an error; `Server.report_server_error` has the rest.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    output = _own_output()

    def end(code: int) -> NoReturn:
        """Ends at once: neither a look that is under way nor a client that keeps its end open
        holds anything up."""
        server.judging.end()
        os._exit(code)

    server = make_server(end)
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda number, _: end(128 + number))
    threading.Thread(target=_end_with_client, args=(server, end), daemon=True).start()
    server.start_io(sys.stdin.buffer, output)
    end(1)


def _leave_out_current_folder() -> None:
    """Takes the current folder out of the places of modules, where `python -m` puts it: it is the
    workspace."""
    here, own = Path.cwd().resolve(), Path(__file__).resolve().parents[3]
    if here != own:
        sys.path[:] = [each for each in sys.path if Path(each).resolve() != here]


def _own_output() -> BinaryIO:
    """Returns standard output for messages alone: what else is printed goes to standard error."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return output


def _end_with_client(server: Server, end: Callable[[int], NoReturn]) -> None:
    """Ends the process when the client has gone without a word, or was gone before it was named."""
    parent = os.getppid()
    while True:
        time.sleep(CLIENT_SECONDS)
        client = server.process_id
        if os.getppid() != parent or (client is not None and not _lives(client)):
            end(1)


def _lives(process: int) -> bool:
    """Tells whether there is such a process; what is no number of one is none to wait for."""
    if not 0 < process < 1 << 31:
        return True
    try:
        os.kill(process, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True
