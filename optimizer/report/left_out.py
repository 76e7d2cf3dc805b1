"""The page of what dockopt leaves as it is on purpose: `dockopt explain left-out`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TOPIC: Final = "left-out"
SUMMARY: Final = "What is left as it is on purpose, and why"

LEFT_OUT: Mapping[str, str] = {
    "Merging RUNs": "One edit then runs all of them again, and what the shell carries from one "
    "command to the next (`cd`, `set`, `umask`) reaches the others. A layer more costs next to "
    "nothing: overlayfs takes 128 of them.",
    "RUN with `&&` to a here-document": "A here-document goes on behind a command that fails, "
    "unless it says `set -e`: a broken build then passes.",
    "Pinning the versions of system packages": "Distributions take old versions out of their "
    "repositories, so the build fails one day. A base image by digest, or a snapshot repository, "
    "pins all of them at once.",
    "`RUN cd DIR` to WORKDIR": "WORKDIR is also where the container starts, and where relative "
    "paths of later COPY lines lead.",
    "glibc to musl, such as Debian to Alpine": "Wheels, native addons and programs that were "
    "compiled for glibc do not run on musl, some only once they are used.",
    "Sinking LABEL, EXPOSE, CMD, ENTRYPOINT and HEALTHCHECK": "BuildKit makes no step of them, so "
    "another value of theirs runs nothing again, wherever they stand.",
    "Shell form to exec form, and back": "The exec form expands no variables and knows no `&&`; "
    "the shell form puts a shell between the container and its signals.",
    "Build output in cache mounts, such as cargo's `target`": "Two builds of different sources "
    "that share it have mixed their results in one image.",
    "Dummy sources above `cargo build`": "cargo compares times of files, and may take the dummy "
    "for the program: the build passes, and the image does nothing.",
}
"""What other optimisers do, and why dockopt does not. Sources: moby/buildkit convert.go (which
instructions make a vertex) and measurements on Engine 28.5.2; overlayfs's limit in moby's
daemon/graphdriver/overlay2; home-assistant/core#154434 (here-documents); Debian's archive policy;
0xMiden/node#2314 (shared output); rust-lang/cargo#7181 (dummy sources); newrelic-lambda-cli#177
(musl)."""
