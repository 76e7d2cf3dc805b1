"""The server, with one more request: how much it holds. Started as a program."""

from __future__ import annotations

import gc
import os
import sys

from optimizer.surfaces.lsp.server import make_server


def main() -> None:
    server = make_server(os._exit)

    @server.feature("test/held")
    async def held(*_: object) -> list[int]:
        """Returns how many objects the collector knows, and how many blocks of memory Python
        has given out, which includes those for text."""
        return await server.on_worker(count)

    server.start_io(sys.stdin.buffer, sys.stdout.buffer)


def count() -> list[int]:
    gc.collect()
    return [len(gc.get_objects()), sys.getallocatedblocks()]


if __name__ == "__main__":
    main()
