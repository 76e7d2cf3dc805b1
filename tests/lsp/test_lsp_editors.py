"""What the files of `editors` say, done as the editors do it that are not at hand for a test."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from optimizer.catalog import transforms
from optimizer.context.dockerfiles import has_dockerfile_name
from optimizer.surfaces.lsp.settings import Settings
from tests.lsp.test_lsp_wire import NPM
from tests.lsp.wire import PUSHED, ROOT, Wire

EDITORS = ROOT / "editors"
PATH = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
HELIX_LANGUAGE = "dockerfile"
"""The name of the language in Helix's own `languages.toml`, which is the id that it sends."""


def offers(folder: Path, command: Sequence[str], options: Any, language: str) -> list[str]:
    """Starts ``command`` as an editor does and returns which changes it offers."""
    program = shutil.which(command[0], path=PATH["PATH"])
    assert program is not None
    with Wire(folder, PATH, (program, *command[1:])) as wire:
        wire.initialize(PUSHED, initializationOptions=options)
        uri = wire.open(folder / "Dockerfile", (folder / "Dockerfile").read_text(), language)
        return [each["code"] for each in wire.diagnostics(uri, 1)]


def test_helix_starts_a_server_that_offers_changes(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(NPM / "before", tmp_path / "app"))
    said = tomllib.loads((EDITORS / "helix" / "languages.toml").read_text())
    server = said["language-server"]["dockopt"]
    (language,) = said["language"]
    assert language["name"] == HELIX_LANGUAGE
    assert language["language-servers"][0] == "dockopt"
    command = [server["command"], *server["args"]]
    found = offers(folder, command, server["config"], language["name"])
    assert "copy-manifests-first" in found


def test_jetbrains_starts_a_server_that_offers_changes(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(NPM / "before", tmp_path / "app"))
    template = EDITORS / "jetbrains" / "dockopt"
    said = json.loads((template / "template.json").read_text())
    options = json.loads((template / "initializationOptions.json").read_text())
    command = shlex.split(said["programArgs"]["default"])
    mappings = [*said["languageMappings"], *said["fileTypeMappings"]]
    assert {each["languageId"] for each in mappings} == {"dockerfile"}
    for mapping in said["fileTypeMappings"]:
        for pattern in mapping["fileType"]["patterns"]:
            assert has_dockerfile_name(pattern.replace("*", "web"))
    assert "copy-manifests-first" in offers(folder, command, options, "dockerfile")


def test_configurations_set_what_the_server_knows_and_trust_nothing() -> None:
    helix = tomllib.loads((EDITORS / "helix" / "languages.toml").read_text())
    options = EDITORS / "jetbrains" / "dockopt" / "initializationOptions.json"
    for values in (helix["language-server"]["dockopt"]["config"], json.loads(options.read_text())):
        assert set(values) == set(Settings.__slots__)
        assert Settings().with_values(values) == Settings()


def test_the_extension_names_all_transforms() -> None:
    source = (EDITORS / "vscode" / "src" / "extension.ts").read_text()
    listed = re.search(r"const TRANSFORMS = \[(.*?)\]", source, re.DOTALL)
    assert listed is not None
    assert {*re.findall(r'"([a-z-]+)"', listed[1])} == {each.id for each in transforms()}


def test_the_extension_has_the_version_of_dockopt() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    package = json.loads((EDITORS / "vscode" / "package.json").read_text())
    assert package["version"] == project["version"]


def test_the_lockfile_of_the_extension_names_no_host() -> None:
    lock = json.loads((EDITORS / "vscode" / "package-lock.json").read_text())
    assert lock["packages"]
    assert not [name for name, each in lock["packages"].items() if "resolved" in each]
