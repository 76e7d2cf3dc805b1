"""Gemfiles: the gems of the project itself, and what Bundler opens to know them.

Sources: Bundler 2.3 and 2.6, lib/bundler/{dsl,ruby_dsl,source/path}.rb.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from posixpath import basename
from typing import TYPE_CHECKING

from optimizer.knowledge.grammars import line_of, text_of
from optimizer.knowledge.manifests import Survey, hold, resolve
from optimizer.knowledge.patterns import is_folder
from optimizer.knowledge.ruby.code import Place, Reader, arguments, options

if TYPE_CHECKING:
    from tree_sitter import Node

# dsl.rb: words that name gems, groups and servers; their blocks are followed.
_PLAIN = frozenset(
    ("source", "group", "platforms", "platform", "install_if", "env", "git_source", "gem",
     "github", "gist", "bitbucket", "git", "path", "plugin", "ruby")
)  # fmt: skip
_MOST_GEMSPECS = 100


def survey_gemfile(survey: Survey, path: str, directory: str, env: Mapping[str, str]) -> None:
    """Notes what the Gemfile at ``path`` opens when Bundler runs in ``directory``."""
    Reader(survey, Place(path, directory), env, _gemfile_word).follow()


def _gemfile_word(reader: Reader, name: str, node: Node) -> bool:
    root = reader.place.folder
    if name == "gemspec":
        named = options(node).get("path") if node.type == "call" else None
        folder = root if named is None else reader.path_of(named, root)
        _path_source(reader, node, folder, own=True)
        return True
    if name == "eval_gemfile" and node.type == "call":
        _other_gemfile(reader, node)
        return True
    if name not in _PLAIN or node.type != "call":
        return name in _PLAIN
    given = options(node)
    if name == "path":
        first = arguments(node)
        _path_source(reader, node, reader.path_of(first[0], root) if first else None)
    elif "path" in given:
        _path_source(reader, node, reader.path_of(given["path"], root))
    if name == "ruby" and "file" in given:
        _version_file(reader, node, reader.path_of(given["file"], root))
    _local_git(reader, node, name, given)
    reader.inside(node)
    return True


def _other_gemfile(reader: Reader, node: Node) -> None:
    first = arguments(node)
    path = reader.path_of(first[0], reader.place.folder) if first else None
    if path is None:
        reader.refuse(
            node, "evaluates a Gemfile of a name that is not known", "unresolved-variable"
        )
    if not reader.survey.has_file(path):
        hold(
            "manifest-outside-copy",
            f"{reader.place.path} evaluates {path}, which is not among the copied files.",
            "Copy that file too.",
            reader.place.path,
            line_of(node),
        )
    reader.load(path)


def _version_file(reader: Reader, node: Node, path: str | None) -> None:
    """ruby_dsl.rb, normalize_ruby_file."""
    if path is None:
        reader.refuse(node, "takes the version of Ruby from a file of an unknown name")
    if not reader.survey.read(path):
        hold(
            "manifest-outside-copy",
            f"{reader.place.path} takes the version of Ruby from {path}, "
            "which is not among the copied files.",
            "Copy that file too, and see that .dockerignore does not leave it out.",
            reader.place.path,
            line_of(node),
        )


def _local_git(reader: Reader, node: Node, name: str, given: Mapping[str, Node]) -> None:
    """A repository that lies in the image; others are fetched from where they are."""
    word = given.get("git") or (arguments(node)[0] if name == "git" and arguments(node) else None)
    if word is None:
        return
    address = reader.text(word)
    if address is not None and address.startswith((".", "/", "file:")):
        hold(
            "local-dependency",
            f"{reader.place.path} takes a gem from the git repository {address}.",
            "Name the repository by its address on a server.",
            reader.place.path,
            line_of(node),
        )


def _path_source(reader: Reader, node: Node, folder: str | None, own: bool = False) -> None:
    """source/path.rb, load_spec_files: every gemspec in the folder and two levels below it is
    run, each from its own folder; dsl.rb, gemspec: the one in the folder."""
    survey = reader.survey
    if folder is None:
        reader.refuse(node, "names the path of a gem that is not known", "unresolved-variable")
    if node.type == "call" and "glob" in options(node):
        reader.refuse(node, "finds gemspecs by a pattern")
    found = list(_gemspecs(survey, folder))
    if not found:
        hold(
            "local-dependency" if is_folder(survey, folder) else "manifest-outside-copy",
            f"{reader.place.path} takes a gem from {folder}, and no gemspec is there "
            "among the copied files.",
            "Copy the gemspec of that gem too.",
            reader.place.path,
            line_of(node),
        )
    if own and not any(resolve(path, "..") == folder for path in found):
        reader.refuse(node, "asks for a gemspec beside it, and none is there")
    for path in found[:_MOST_GEMSPECS]:
        survey_gemspec(survey, path, reader.env)
    if len(found) > _MOST_GEMSPECS:
        reader.refuse(node, f"takes gems from a folder with more than {_MOST_GEMSPECS} gemspecs")


def _gemspecs(survey: Survey, folder: str, depth: int = 2) -> Iterator[str]:
    """source/path.rb, DEFAULT_GLOB ``{,*,*/*}.gemspec``: names with a dot in front are left
    out by Ruby's Dir.glob."""
    for name in survey.files.children(folder):
        path = resolve(folder, name)
        if name.startswith(".") and name != ".gemspec":
            continue
        if name.endswith(".gemspec") and survey.has_file(path):
            yield path
        elif depth > 1:
            yield from _gemspecs(survey, path, depth - 1)


def survey_gemspec(survey: Survey, path: str, env: Mapping[str, str]) -> None:
    """Notes what the gemspec at ``path`` opens. Bundler runs it in its own folder, and installs
    nothing of the gem but the programs and extensions that it names (source/path/installer.rb)."""
    folder = resolve(path, "..")
    reader = Reader(survey, Place(path, folder), env, _gemspec_word, lists_files=True)
    reader.load_path.append(resolve(folder, "lib"))
    reader.follow()


# The RubyGems guides, "Specification reference": what a gemspec sets and calls.
_ADDERS = frozenset(
    (".add_dependency", ".add_runtime_dependency", ".add_development_dependency")
)  # fmt: skip


def _gemspec_word(reader: Reader, name: str, node: Node) -> bool:
    if name in ("executables=", "executable=", "default_executable="):
        _executables(reader, node)
        return True
    if name == "extensions=":
        _extensions(reader, node)
        return True
    if name == "Dir.chdir" or (name.endswith("=") and name[:-1].isidentifier()):
        right = node.child_by_field_name("right")
        if right is not None:
            reader.visit(right)
        else:
            reader.inside(node)
        return True
    if name in _ADDERS:
        reader.inside(node)
        return True
    return False


def _executables(reader: Reader, node: Node) -> None:
    """Bundler puts a program of the gem on the path where its file is there (Gem::Installer,
    generate_bin); a list that comes of the gem's files needs those."""
    right = node.child_by_field_name("right")
    root = reader.place.folder
    names = _literal_names(right) if right is not None else None
    for name in names or ():
        for folder in ("bin", "exe"):
            path = resolve(root, f"{folder}/{name}")
            if reader.survey.read(path):
                reader.survey.rewrite(path)
                reader.survey.assume(
                    f"Bundler makes {path} executable, and the later copy gives it the mode "
                    "that it has in the context."
                )
    if names is not None:
        return
    for folder in ("bin", "exe"):
        if reader.survey.files.children(resolve(root, folder)):
            hold(
                "local-dependency",
                f"{reader.place.path} lists the gem's programs by looking at its files.",
                "Write the names of the programs down in the gemspec.",
                reader.place.path,
                line_of(node),
            )


def _literal_names(node: Node) -> list[str] | None:
    if node.type in ("string_array", "array"):
        found = [_literal_names(each) for each in node.named_children]
        return None if None in found else [name for part in found if part for name in part]
    if node.type in ("string", "bare_string"):
        parts = node.named_children
        if all(each.type == "string_content" for each in parts):
            return ["".join(map(text_of, parts))]
    return None


def _extensions(reader: Reader, node: Node) -> None:
    right = node.child_by_field_name("right")
    if right is not None and _literal_names(right) == []:
        return
    hold(
        "local-dependency",
        f"{reader.place.path} builds an extension, and what that reads is not known.",
        "Copy the gem above the install yourself.",
        reader.place.path,
        line_of(node),
    )


def lockfile_of(gemfile: str) -> str:
    """Returns the lockfile's path (shared_helpers.rb and bundler.rb, default_lockfile)."""
    if basename(gemfile) == "gems.rb":
        return resolve(gemfile, "../gems.locked")
    return f"{gemfile}.lock"
