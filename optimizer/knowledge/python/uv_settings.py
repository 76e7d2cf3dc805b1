"""uv's settings: uv.toml and ``[tool.uv]``, which make it look for packages in directories."""

from __future__ import annotations

import re
from collections.abc import Mapping

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import Survey, ancestors, hold, homes, resolve
from optimizer.knowledge.python.project import read_toml


def survey_settings(survey: Survey, call: Call) -> None:
    """Notes the settings of uv for a command in ``call.directory``. Holds where they name a local
    index.

    uv's docs, "Configuration files": from the directory up to the root; tried with uv 0.13.
    """
    if named := call.env.get("UV_CONFIG_FILE"):
        survey.read(resolve(call.directory, named))
    for place in ancestors(call.directory):
        for name in ("uv.toml", "pyproject.toml"):
            path = resolve(place, name)
            if survey.has_file(path):
                data = read_toml(survey, path)
                _table(data if name == "uv.toml" else tool_table(data), path)
    for home in homes(call, survey.files):
        survey.read(f"{home}/.config/uv/uv.toml")
        survey.read(f"{home}/.netrc")


def tool_table(data: Mapping[str, object]) -> Mapping[str, object]:
    """Returns ``[tool.uv]`` of a pyproject.toml; empty where there is none."""
    tool = data.get("tool")
    table = tool.get("uv") if isinstance(tool, Mapping) else None
    return table if isinstance(table, Mapping) else {}


def is_local(place: str) -> bool:
    """Tells whether an index or a place for links lies in the image, not on the network."""
    return re.match(r"(?:https?|ftp|ssh|git\+\w+):", place, re.I) is None


def _table(table: Mapping[str, object], path: str) -> None:
    for section in (table, table.get("pip")):
        if not isinstance(section, Mapping):
            continue
        places = [section.get(k) for k in ("find-links", "index-url", "extra-index-url")]
        entries = section.get("index")
        listed = entries if isinstance(entries, list) else []
        places += [entry.get("url") for entry in listed if isinstance(entry, Mapping)]
        for place in places:
            for word in place if isinstance(place, list) else [place]:
                if isinstance(word, str) and is_local(word):
                    hold(
                        "config-reads-source",
                        f"{path} makes uv look for packages in {word}.",
                        "Give the place on the command line.",
                        path,
                    )
