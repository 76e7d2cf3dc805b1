"""Files that a title or a reason names can be told apart."""

from __future__ import annotations

import json

from optimizer.facade import Proposal
from tests.views import view
from transforms.complete_manifests import CompleteManifests
from transforms.copy_manifests_first import CopyManifestsFirst

ROOT = {"name": "app", "version": "1.0.0", "workspaces": ["packages/*"]}
MEMBER = {"name": "b", "version": "1.0.0"}
LOCK = {
    "name": "app",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": ROOT,
        "packages/b": {"version": "1.0.0"},
        "node_modules/b": {"resolved": "packages/b", "link": True},
    },
}
FILES = {
    "package.json": json.dumps(ROOT).encode(),
    "package-lock.json": json.dumps(LOCK).encode(),
    "packages/b/package.json": json.dumps(MEMBER).encode(),
    "packages/b/index.js": b"",
}


def test_a_missing_member_is_named_with_its_folder() -> None:
    text = "FROM node:22\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\n"
    (found,) = CompleteManifests().propose(view(text, FILES))

    assert isinstance(found, Proposal)
    assert found.title == "Copy packages/b/package.json above `npm ci` too"
    assert "reads packages/b/package.json, and" in found.reason


def test_manifests_of_the_same_name_are_named_with_their_folders() -> None:
    text = "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm ci\n"
    (found,) = CopyManifestsFirst().propose(view(text, FILES))

    assert isinstance(found, Proposal)
    assert "only package.json, package-lock.json, packages/b/package.json;" in found.reason
