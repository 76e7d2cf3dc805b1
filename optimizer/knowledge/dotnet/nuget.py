"""NuGet's settings: the files of settings that count for a project, and the feeds they name.

Sources: NuGet's documentation ("Common NuGet configurations", "nuget.config reference"),
NuGet/NuGet.Client, src/NuGet.Core/NuGet.Configuration/Settings/Settings.cs.
"""

from __future__ import annotations

import re

from optimizer.knowledge.installs import Call
from optimizer.knowledge.manifests import Survey, ancestors, hold, homes, resolve

# Settings.cs, OrderedSettingsFileNames: on file systems that tell capitals from small letters.
_NAMES = ("nuget.config", "NuGet.config", "NuGet.Config")


def survey_settings(survey: Survey, call: Call, folder: str, named: str | None) -> list[str]:
    """Notes the settings that count in ``folder``, with the local feeds that they name, and
    returns the folders that packages are put into. ``named`` is the file of an option."""
    paths = [named] if named is not None else list(_found(survey, call, folder))
    kept = []
    for path in paths:
        if named is not None and not survey.has_file(path):
            hold(
                "manifest-outside-copy",
                f"The option names {path}, which is not among the copied files.",
                "Copy that file too.",
                path,
            )
        kept += _settings_file(survey, path)
    return kept


def _found(survey: Survey, call: Call, folder: str) -> list[str]:
    found = []
    for place in ancestors(folder):
        path = next((p for n in _NAMES if survey.has_file(p := resolve(place, n))), None)
        if path is not None:
            found.append(path)
    for home in homes(call, survey.files):
        for part in (".nuget/NuGet/NuGet.Config", ".config/NuGet/NuGet.Config"):
            if survey.has_file(path := f"{home}/{part}"):
                found.append(path)
        for name in (".netrc", ".nuget/NuGet/nuget.config"):
            survey.read(f"{home}/{name}")
    return found


def _settings_file(survey: Survey, path: str) -> list[str]:
    kept = []
    for section in survey.xml(path):
        for entry in section:
            key, value = (entry.get("key") or "").lower(), entry.get("value") or ""
            if section.name in ("packageSources", "fallbackPackageFolders") and entry.name == "add":
                _feed(survey, path, value, entry.line)
            elif key in ("globalpackagesfolder", "repositorypath") and value:
                kept.append(resolve(path, f"../{_local(path, value, entry.line)}"))
    return kept


def _local(path: str, value: str, line: int) -> str:
    if "%" in value or "$" in value:
        hold(
            "unresolved-variable",
            f"{path} names {value}, which a variable decides.",
            "Write the path down.",
            path,
            line,
        )
    return value.replace("\\", "/")


def _feed(survey: Survey, path: str, value: str, line: int) -> None:
    """A feed that is a folder of packages; others are asked over the network."""
    if re.match(r"https?://", value, re.IGNORECASE) or re.match(r"[A-Za-z]:[\\/]", value):
        return
    place = _local(path, value.removeprefix("file://"), line)
    folder = place if place.startswith("/") else resolve(path, f"../{place}")
    if survey.has_dir(folder):
        survey.tree(folder)
    elif not place.startswith("/"):
        hold(
            "manifest-outside-copy",
            f"{path} takes packages from {folder}, which is not among the copied files.",
            "Copy that folder too, and see that .dockerignore does not leave it out.",
            path,
            line,
        )
