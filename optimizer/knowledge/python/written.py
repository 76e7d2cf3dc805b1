"""What commands of Python programs write that a container needs: compiled files, data, models.

Sources: the documentation of compileall, of Babel ("Command-Line Interface"), of NLTK
(nltk.downloader) and of spaCy ("Models & Languages"). Django's commands have a module of their own,
`optimizer.knowledge.python.django`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from optimizer.knowledge.installs import HOLE, Call, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.python import django
from optimizer.knowledge.python.places import active_environment, home, system, unknown

_PYTHON = re.compile(r"python[\d.]*")
_NLTK = re.compile(
    r"""\s*import nltk\s*(?:[;\n]\s*nltk\.download\(\s*['"][\w.-]+['"]\s*"""
    r"""(?:,\s*quiet=\w+\s*)?\)\s*)+;?"""
)


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves; see `optimizer.knowledge.products.Producer`."""
    if call.program == "pybabel":
        return _babel(call)
    if not _PYTHON.fullmatch(call.program):
        return None
    words = [word for word in call.words[1:] if word not in ("-u", "-B", "-O", "-OO")]
    if words[:1] == ["-m"] and len(words) > 1:
        module = _MODULES.get(words[1])
        return module(call, made, words[2:]) if module else None
    if words[:1] and words[0].rpartition("/")[2] == "manage.py":
        return django.product(call, made, words[0], words[1:])
    if words[:1] == ["-c"] and len(words) == 2 and _NLTK.fullmatch(words[1]):
        return _nltk_data(call)
    return None


def _compiled(call: Call, made: Made, words: list[str]) -> Product | Obstacle:
    folders = [word for word in words if not word.startswith("-")]
    if not folders or any(HOLE in word for word in words):
        return unknown(call, "which files it compiles is not known")
    found = tuple(resolve(call.directory, folder) for folder in folders)
    return Product(found, interpreter="python3")


def _nltk(call: Call, made: Made, words: list[str]) -> Product | Obstacle:
    if "-d" in words[:-1]:
        return Product(
            (resolve(call.directory, words[words.index("-d") + 1]),), interpreter="python3"
        )
    return _nltk_data(call)


def _nltk_data(call: Call) -> Product | Obstacle:
    """nltk/downloader.py, default_download_dir: the home, where no directory for all is there."""
    at = home(call)
    if at is None or call.env.get("NLTK_DATA"):
        return unknown(call, "which directory NLTK chooses is not known")
    return Product((f"{at}/nltk_data",), interpreter="python3")


def _spacy(call: Call, made: Made, words: list[str]) -> Product | Obstacle | None:
    """A model is a package that pip installs."""
    if words[:1] != ["download"]:
        return None
    environment = active_environment(call, made)
    places = (environment,) if environment else system(call, made)
    if isinstance(places, Obstacle):
        return places
    return Product(places, interpreter="python3", ecosystem="pypi")


def _babel(call: Call) -> Product | Obstacle | None:
    words = call.words[1:]
    if words[:1] != ("compile",):
        return None
    if "-d" not in words[:-1]:
        return unknown(call, "which catalogues it compiles is not known")
    return Product((resolve(call.directory, words[words.index("-d") + 1]),), interpreter="python3")


_MODULES: dict[str, Callable[[Call, Made, list[str]], Product | Obstacle | None]] = {
    "compileall": _compiled,
    "nltk.downloader": _nltk,
    "spacy": _spacy,
}
