"""Every reason of this room why two steps may not change places, with its meaning.

`dockopt explain` lists this table beside `optimizer.knowledge.obstacles`.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES: Mapping[str, str] = {
    "file-name-not-copyable": "COPY cannot name the file without wildcards or variables.",
    "host-files-over-installed": "The context has files where the install writes its own.",
    "install-inside-longer-run": "The install shares its RUN with a command that is not known.",
    "layer-keeps-removed-files": "What a later command of the RUN removes would stay in a layer.",
    "made-directory": "Two steps make the same missing directory, with another owner or mode.",
    "mount-carries-files": "A mount of the RUN holds files that its later commands may need.",
    "opaque-command": "A command in between may read or write any file.",
    "package-lists-go-stale": "A later command would install by the package lists of an old layer.",
    "read-after-write": "A step reads what the one above it brings, so it has to stay below it.",
    "shell-state-not-repeatable": "A second RUN would not have what the shell carries on.",
    "state-between": "A step sets a variable, directory, user or shell that another one takes.",
    "unknown-copy": "A COPY in between brings files that are not known before a build.",
    "unknown-directory": "The directory that the install runs in is not known before a build.",
    "unreadable-declaration": "A comment that declares effects names something that is no path.",
    "write-after-read": "A step writes what the one above it reads.",
    "write-after-write": "Two steps write the same place, so their order matters.",
}
