"""A clone that belongs to one run: what is there is what the repository has, byte for byte."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from optimizer.forge.address import Address
from optimizer.history.git import Git, GitError
from optimizer.surfaces.pr.seal import Commit, read_commit

SECONDS: Final = 1800.0
"""That one git command may take; a clone of a large repository takes minutes."""

_HELPER: Final = (
    '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" '
    '"$DOCKOPT_GIT_USER" "$DOCKOPT_GIT_PASSWORD"; }; f'
)
"""A credential helper that answers from the environment of git alone (gitcredentials(7))."""

_ATTRIBUTES: Final = "* -text -eol -filter -ident -working-tree-encoding\n"
"""Files are checked out as they are stored, and no filter is run: this file of the clone counts
before those of the repository (gitattributes(5))."""

MOST_BRANCHES: Final = 10_000

_LISTED: Final = re.compile(
    r"^(?P<commit>[0-9a-f]{40,64})\trefs/heads/(?P<name>[A-Za-z0-9./\-]+)$", re.MULTILINE
)
"""One branch as git-ls-remote prints it, of a name that dockopt may have made."""

_KEPT: Final = ("GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "SSH_ASKPASS")
"""What of the environment says how git reaches other machines."""


class NothingThere(Exception):
    """A repository without commits, or without the branch that was asked for; one sentence."""


@dataclass(frozen=True, slots=True)
class Login:
    """How git logs in at one host, by its web address; the token never leaves the environment."""

    web: str
    user: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Blob:
    """One file of a commit: its mode as git writes it, and its content's name."""

    mode: str
    id: str


@dataclass(frozen=True)
class Clone:
    """One repository at one commit of its ``base`` branch; ``default`` is the one that its HEAD
    names. Everything raises `GitError`."""

    folder: Path
    url: str
    base: str
    default: str
    commit: str
    git: Git
    login: tuple[str, ...]
    """Words for git that make it log in."""

    def branches(self, prefix: str) -> Mapping[str, str]:
        """Returns the branches on the other side whose names start so, with their commits. Names
        that dockopt would not make, and more than `MOST_BRANCHES`, are left out."""
        listed = self.git.text(
            *self.login, "ls-remote", "--heads", "--", self.url, f"refs/heads/{prefix}*"
        )
        found = _LISTED.finditer(listed)
        return {each["name"]: each["commit"] for each in islice(found, MOST_BRANCHES)}

    def fetch(self, branch: str) -> None:
        """Gets the commits of a branch."""
        refspec = f"+refs/heads/{branch}:refs/dockopt/{branch}"
        self.git.text(*self.login, "fetch", "-q", "--no-tags", "--", self.url, refspec)
        _forget_fetch(self.folder)

    def read(self, commit: str) -> Commit:
        with self.git.stream(("cat-file", "commit", commit)) as output:
            return read_commit(output.read())

    def holds(self, commit: str, of: str) -> bool:
        """Says whether ``of`` is ``commit`` or one of those before it."""
        return self.git.text("rev-list", "--count", "--max-count=1", of, f"^{commit}") == "0"

    def behind_links(self, path: str) -> str:
        """Returns where ``path`` leads in the clone, which may be itself; ``path`` again where
        that is outside."""
        root = self.folder.resolve()
        target = (root / path).resolve()
        return target.relative_to(root).as_posix() if target.is_relative_to(root) else path

    def blob(self, commit: str, path: str) -> Blob | None:
        """Returns the file at ``path``; None where there is none, or what is there is none."""
        listed = self.git.text("ls-tree", "-z", "--full-tree", commit, "--", f":(literal){path}")
        entry, _, name = listed.removesuffix("\0").partition("\t")
        fields = entry.split(" ")
        if name != path or len(fields) != 3 or fields[1] != "blob" or fields[0] == "120000":
            return None
        return Blob(fields[0], fields[2])

    def content(self, blob: Blob) -> bytes:
        with self.git.stream(("cat-file", "blob", blob.id)) as output:
            return output.read()

    def store(self, data: bytes) -> str:
        """Adds a content and returns its name."""
        return self.git.text("hash-object", "-w", "--no-filters", "--stdin", given=data)

    def tree(self, commit: str, files: Mapping[str, Blob]) -> str:
        """Returns the tree of ``commit`` with ``files`` in the place of what is there."""
        lines = (f"{blob.mode} {blob.id}\t{path}\0" for path, blob in files.items())
        with TemporaryDirectory(dir=self.folder / ".git") as room:
            git = self._git({"GIT_INDEX_FILE": str(Path(room) / "index")})
            git.text("read-tree", commit)
            git.text("update-index", "-z", "--index-info", given=os.fsencode("".join(lines)))
            return git.text("write-tree")

    def add_commit(self, tree: str, parent: str, message: bytes, author: tuple[str, str]) -> str:
        """Makes a commit and returns its name; ``author`` is a name and a mail address."""
        name, mail = author
        people = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", name), ("EMAIL", mail))
        }
        git = self._git(people)
        return git.text("commit-tree", tree, "-p", parent, "-F", "-", given=message)

    def changes(self, commit: str) -> str:
        """Returns what a commit does to files: modes, contents and paths, as git prints it."""
        return self.git.text("diff-tree", "-r", "-z", "--no-renames", f"{commit}^", commit)

    def patch(self, commit: str) -> bytes:
        """Returns a commit as a mail that git-am(1) takes."""
        words = ("format-patch", "--stdout", "--no-signature", "--full-index", "--binary",
                 "--no-ext-diff", "--no-textconv", "-1", commit)  # fmt: skip
        with self.git.stream(words) as output:
            return output.read()

    def push(self, branch: str, commit: str, expected: str) -> None:
        """Makes ``branch`` on the other side be ``commit``, "" for not to be, only if it is
        ``expected`` now, "" for not there."""
        name = f"refs/heads/{branch}"
        words = (*self.login, "push", "--porcelain", "--no-verify", "--no-follow-tags",
                 "--recurse-submodules=no", f"--force-with-lease={name}:{expected}",
                 "--", self.url, f"{commit}:{name}")  # fmt: skip
        said = ""
        try:
            with self.git.stream(words) as output:
                said = os.fsdecode(output.read())
        except GitError as error:
            refusals = [line for line in said.split("\n") if line.startswith("!")]
            if not refusals:
                raise
            reason = refusals[0].rpartition("\t")[2]
            raise GitError(f"the other side does not take {branch}: {reason}") from error

    def _git(self, more: Mapping[str, str]) -> Git:
        return Git(self.folder, SECONDS, {**_reach(None), **more})


@contextmanager
def cloned(address: Address, login: Login | None, base: str | None) -> Iterator[Clone]:
    """Gives a clone of what is at ``address``, checked out at the branch ``base``, by default the
    one that its HEAD names. It is gone afterwards.

    Raises `GitError`, and `NothingThere`.
    """
    with TemporaryDirectory(prefix="dockopt-pr-") as room:
        folder = Path(room) / "clone"
        folder.mkdir()
        git = Git(folder, SECONDS, _reach(login))
        words = _login_words(login)
        name, default = _branches(git, words, address.url, base)
        git.text("init", "-q", "--template=")
        git.text(
            *words, "fetch", "-q", "--no-tags", "--no-recurse-submodules", "--",
            address.url, f"+refs/heads/{name}:refs/dockopt-base",
        )  # fmt: skip
        _forget_fetch(folder)
        (folder / ".git" / "info").mkdir(exist_ok=True)
        (folder / ".git" / "info" / "attributes").write_text(_ATTRIBUTES)
        commit = git.text("rev-parse", "--verify", "refs/dockopt-base^{commit}")
        git.text("-c", "core.autocrlf=false", "-c", "core.symlinks=true", "-c",
                 "advice.detachedHead=false", "checkout", "-q", "--detach", "--force",
                 "refs/dockopt-base")  # fmt: skip
        yield Clone(folder, address.url, name, default, commit, git, words)


def _forget_fetch(folder: Path) -> None:
    """Removes what says where the last fetch came from: it lies in the build context where that is
    all of the repository, and nothing that is said of a context may be about it."""
    (folder / ".git" / "FETCH_HEAD").unlink(missing_ok=True)


def _branches(git: Git, login: Sequence[str], url: str, base: str | None) -> tuple[str, str]:
    """Returns the branch that is to be worked on, and the one that HEAD names."""
    listed = git.text(*login, "ls-remote", "--symref", "--", url, "HEAD", "refs/heads/*")
    rows = [line.split("\t", 1) for line in listed.splitlines() if "\t" in line]
    heads = {name.removeprefix("refs/heads/") for _, name in rows if name.startswith("refs/heads/")}
    named = next(
        (what.removeprefix("ref: refs/heads/") for what, name in rows
         if name == "HEAD" and what.startswith("ref: refs/heads/")), None,
    )  # fmt: skip
    if not heads:
        raise NothingThere("the repository has no commits yet")
    wanted = base or named
    if wanted is None or wanted not in heads:
        raise NothingThere(f"the repository has no branch {wanted or 'that its HEAD names'}")
    return wanted, named or ""


def password(web: str) -> str | None:
    """Asks git's credential helpers for the password of a host; None where they have none."""
    with TemporaryDirectory(prefix="dockopt-pr-") as room:
        git = Git(Path(room), 30, {**_reach(None), "GIT_ASKPASS": "", "SSH_ASKPASS": ""})
        try:
            said = git.text("credential", "fill", given=f"url={web}\n\n".encode())
        except GitError:
            return None
    found = [line.removeprefix("password=") for line in said.split("\n") if "password=" in line]
    return found[0] if found else None


def remote_of(folder: Path, remote: str) -> str | None:
    """Returns the address of a remote of the clone that ``folder`` lies in; None without one."""
    try:
        found = Git(folder, 30).text("config", "--get", f"remote.{remote}.url")
    except GitError:
        return None
    return found or None


def identity(folder: Path) -> tuple[str, str] | None:
    """Returns the name and mail address that git is configured with; None where it is not."""
    git = Git(folder, 30)
    try:
        name, mail = (git.text("config", "--get", f"user.{what}") for what in ("name", "email"))
    except GitError:
        return None
    return (name, mail) if name and mail else None


def _login_words(login: Login | None) -> tuple[str, ...]:
    if login is None:
        return ()
    key = f"credential.{login.web}.helper"
    return ("-c", f"{key}=", "-c", f"{key}={_HELPER}")


def _reach(login: Login | None) -> dict[str, str]:
    """Returns the environment of a git that may speak to other machines."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    ours = {"GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh", "GIT_TERMINAL_PROMPT": "0"}
    if login is not None:
        ours |= {"DOCKOPT_GIT_USER": login.user, "DOCKOPT_GIT_PASSWORD": login.token}
    return {**kept, **ours}
