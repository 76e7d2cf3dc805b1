"""Random triples: a Dockerfile with its context, and one edit, from a seed.

The commands are those whose effects are known, and every text, target and content differs from
every other, so that a prediction has one right answer. The first step of each stage that
starts from an image names the triple: one triple never hits the cache of another.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

BASE = "busybox:1.35"
IGNORE = "**/ignored\n.dockerignore\nDockerfile\n"


@dataclass(frozen=True)
class Line:
    """One instruction. Lines with the same ``id`` are the same one before and after the edit."""

    id: int
    text: str


Disk = Callable[[Path], object]


@dataclass(frozen=True)
class Triple:
    """A Dockerfile before and after, the files of the context, and what happens to them."""

    seed: int
    edit: str
    before: tuple[Line, ...]
    after: tuple[Line, ...]
    files: Mapping[str, str]
    change: Disk
    build_args: tuple[Mapping[str, str], Mapping[str, str]] = ({}, {})

    def write(self, folder: Path) -> None:
        """Makes the context as it is before the edit."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path, text in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        (folder / "Dockerfile").write_text(_text(self.before))

    def apply(self, folder: Path) -> None:
        """Makes the edit."""
        self.change(folder)
        (folder / "Dockerfile").write_text(_text(self.after))

    def without(self, line: int) -> Triple:
        """Returns the triple without one instruction."""
        return replace(
            self,
            before=tuple(each for each in self.before if each.id != line),
            after=tuple(each for each in self.after if each.id != line),
        )

    def __str__(self) -> str:
        return (
            f"seed {self.seed}, edit {self.edit}, build arguments {self.build_args}\n"
            f"--- before\n{_text(self.before)}--- after\n{_text(self.after)}"
        )


def _text(lines: tuple[Line, ...]) -> str:
    return "".join(f"{line.text}\n" for line in lines)


def shrink(triple: Triple, fails: Callable[[Triple], bool]) -> Triple:
    """Leaves out every instruction without which the triple still fails."""
    for line in reversed(triple.before):
        smaller = triple.without(line.id)
        if fails(smaller):
            triple = smaller
    return triple


def make(seed: int, mark: str = "") -> Triple:
    """Returns the triple of ``seed``; ``mark`` tells apart runs on one engine."""
    return _Maker(seed, mark).make()


@dataclass
class _Stage:
    name: str
    files: list[str] = field(default_factory=list)
    """Files that lie in it and may be read or copied out."""
    folders: list[str] = field(default_factory=list)


class _Maker:
    def __init__(self, seed: int, mark: str) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.mark = f"{mark}{seed}"
        self.lines: list[Line] = []
        self.stages: list[_Stage] = []
        self.count = 0
        self.fixed: set[int] = set()
        self.files = {
            "a.txt": f"a {self.mark}\n",
            "other": f"o {self.mark}\n",
            "only": f"only {self.mark}\n",
            "dir/a": f"da {self.mark}\n",
            "dir/sub/b": f"db {self.mark}\n",
            "dir/ignored": f"di {self.mark}\n",
            "src/x.c": f"x {self.mark}\n",
            "src/y.c": f"y {self.mark}\n",
            "src/lib/z.c": f"z {self.mark}\n",
            ".dockerignore": IGNORE if self.random.random() < 0.8 else "**/ignored\n",
        }

    def make(self) -> Triple:
        for number in range(self.random.choice((1, 1, 2, 2, 3, 4))):
            self._stage(number)
        before = tuple(self.lines)
        for _ in range(200):
            made = self._edit(before)
            if made is not None:
                return made
        raise AssertionError("no edit is possible")

    def _put(self, text: str, *, fixed: bool = False) -> None:
        line = Line(len(self.lines), text)
        self.lines.append(line)
        if fixed:
            self.fixed.add(line.id)

    def _next(self) -> int:
        self.count += 1
        return self.count

    def _stage(self, number: int) -> None:
        stage = _Stage(f"s{number}")
        parents = self.stages if self.random.random() < 0.35 else []
        if parents:
            parent = self.random.choice(parents)
            self._put(f"FROM {parent.name} AS {stage.name}", fixed=True)
            stage.files, stage.folders = [*parent.files], [*parent.folders]
        else:
            self._put(f"FROM {BASE} AS {stage.name}", fixed=True)
            self._put(f"RUN echo {self.mark}-{number} > /id{number}", fixed=True)
        for _ in range(self.random.randint(2, 7)):
            self._instruction(stage)
        if self.stages and number and self.random.random() < 0.8:
            self._from_stage(stage)
        self.stages.append(stage)

    def _instruction(self, stage: _Stage) -> None:
        kinds = [self._run] * 5 + [self._copy] * 5 + [self._setting] * 4
        kinds += [self._mount] * 2 + [self._from_stage] * 2 + [self._onbuild]
        self.random.choice(kinds)(stage)

    def _run(self, stage: _Stage) -> None:
        n = self._next()
        out = f"/o{n}"
        plain = [
            f"RUN echo {n} > {out}",
            f"RUN printf '{n} x' > {out}",
            f'RUN ["sh", "-c", "echo {n} > {out}"]',
            f"RUN <<EOF\necho {n} > {out}\nEOF",
            f"RUN echo {n} | tee {out}",
            f"RUN echo $A $B {n} > {out}",
            f"RUN echo \\\n  {n} > {out}",
            f"RUN --network=none echo {n} > {out}",
        ]
        reading = [
            text
            for path in stage.files
            for text in (
                f"RUN cat {path} > {out}",
                f"RUN cp {path} {out}",
                f"RUN cp {path} {out} && chmod 600 {out}",
                f"RUN cp {path} {out} && sed -i s/a/b/ {out}",
                f"RUN cp {path} /t{n} && mv /t{n} {out}",
                f"RUN ln {path} {out}",
            )
        ]
        chosen = self.random.choice(reading if reading and self.random.random() < 0.5 else plain)
        if self.random.random() < 0.2:
            self._put(f"RUN mkdir -p /d{n} && echo {n} > /d{n}/f")
            stage.files.append(f"/d{n}/f")
            stage.folders.append(f"/d{n}")
            return
        self._put(chosen)
        stage.files.append(out)

    def _copy(self, stage: _Stage) -> None:
        n = self._next()
        to = f"/c{n}"
        verb = "ADD" if self.random.random() < 0.15 else "COPY"
        choices: list[tuple[str, list[str], list[str]]] = [
            (f"{verb} a.txt {to}", [to], []),
            (f"{verb} ./other {to}", [to], []),
            (f"{verb} dir {to}", [f"{to}/a"], [to]),
            (f"{verb} dir/ {to}/", [f"{to}/a"], [to]),
            (f"{verb} src {to}", [], [to]),
            (f"{verb} a.txt other {to}/", [f"{to}/a.txt"], [to]),
            (f"{verb} o* {to}/", [], [to]),
            (f"{verb} src/*.c {to}/", [], [to]),
            (f"{verb} . {to}", [f"{to}/a.txt"], []),
            (f"{verb} dir/a c{n}", [], []),
            (f"COPY --exclude=sub dir {to}", [], [to]),
            (f"COPY --exclude=*.c src {to}", [], [to]),
            (f"COPY --chmod=640 a.txt {to}", [], []),
            (f"COPY --chown=5:5 src {to}", [], []),
            (f"COPY <<EOF {to}\ntext {n}\nEOF", [to], []),
        ]
        text, files, folders = self.random.choice(choices)
        self._put(text)
        stage.files += files
        stage.folders += folders

    def _mount(self, stage: _Stage) -> None:
        n = self._next()
        out = f"/o{n}"
        choices = [
            f"RUN --mount=type=bind,source=dir,target=/m cat /m/a > {out}",
            f"RUN --mount=type=bind,source=src,target=/m ls /m > {out}",
            f"RUN --mount=type=bind,target=/m cat /m/a.txt > {out}",
            f"RUN --mount=type=cache,id=i{n},target=/k echo {n} > {out}",
            f"RUN --mount=type=cache,target=/k{n} echo {n} > {out}",
            f"RUN --mount=type=tmpfs,target=/k echo {n} > {out}",
        ]
        for other in self.stages:
            choices += [
                f"RUN --mount=from={other.name},source={path},target=/m cat /m > {out}"
                for path in other.files
            ]
        self._put(self.random.choice(choices))

    def _from_stage(self, stage: _Stage) -> None:
        others = [other for other in self.stages if other.files or other.folders]
        if not others:
            return
        other = self.random.choice(others)
        n = self._next()
        path = self.random.choice(other.files + other.folders)
        self._put(f"COPY --from={other.name} {path} /f{n}")
        if path in other.files:
            stage.files.append(f"/f{n}")
        else:
            stage.folders.append(f"/f{n}")

    def _setting(self, stage: _Stage) -> None:
        n = self._next()
        self._put(
            self.random.choice(
                (
                    f"ENV A=1{n}", f"ENV B=2{n}", f"ENV C{n}=3", "ARG A=7", f"ARG B=8{n}", "ARG D",
                    f"LABEL l={n}", f"EXPOSE {n}", f'CMD ["{n}"]', f"ENTRYPOINT {n}",
                    f"STOPSIGNAL {1 + n % 30}", f"HEALTHCHECK CMD echo {n}", f"VOLUME /v{n}",
                    "USER root", "USER 0", f"WORKDIR /w{n}", f"WORKDIR w{n}", "WORKDIR /",
                    'SHELL ["/bin/sh", "-c"]', 'SHELL ["/bin/ash", "-c"]',
                    f"# a comment {n}",
                )
            )
        )  # fmt: skip

    def _onbuild(self, stage: _Stage) -> None:
        n = self._next()
        self._put(
            self.random.choice(
                (
                    f"ONBUILD COPY src /b{n}",
                    f"ONBUILD RUN echo {n} > /b{n}",
                    f"ONBUILD ENV E={n}",
                    f"ONBUILD WORKDIR /b{n}",
                )
            )
        )

    def _edit(self, before: tuple[Line, ...]) -> Triple | None:
        kind = self.random.choice(_EDITS)
        if kind in _DISK:
            change = _DISK[kind](self.random, self.mark)
            return Triple(self.seed, kind, before, before, self.files, change)
        if kind == "build-arg":
            given = ({"A": f"x{self.mark}"}, {"A": f"y{self.mark}"})
            given = self.random.choice((given, ({}, given[0]), ({"Z": "1"}, {"Z": "2"})))
            return Triple(self.seed, kind, before, before, self.files, _nothing, given)
        after = self._text_edit(kind, before)
        if after is None or after == before:
            return None
        return Triple(self.seed, kind, before, after, self.files, _nothing)

    def _text_edit(self, kind: str, before: tuple[Line, ...]) -> tuple[Line, ...] | None:
        if kind == "rename-stage":
            return tuple(replace(line, text=re.sub(r"\bs0\b", "t0", line.text)) for line in before)
        free = [at for at, line in enumerate(before) if line.id not in self.fixed]
        if not free:
            return None
        at = self.random.choice(free)
        line = before[at]
        if kind == "swap":
            if at + 1 not in free:
                return None
            return (*before[:at], before[at + 1], line, *before[at + 2 :])
        if kind == "remove":
            return (*before[:at], *before[at + 1 :])
        if kind == "insert":
            new = self.random.choice(
                ("RUN echo new > /new", "COPY other /new", "LABEL new=1", "ENV NEW=1", "ARG NEW=1",
                 "ARG NEW", "ARG TARGETARCH", "WORKDIR /new", "USER 0", "# new", "",
                 "COPY --from=busybox:1.35 /bin/busybox /new")
            )  # fmt: skip
            return (*before[:at], Line(len(before), new), *before[at:])
        text = self._changed(line.text, before)
        return None if text is None else (*before[:at], replace(line, text=text), *before[at + 1 :])

    def _changed(self, text: str, before: tuple[Line, ...]) -> str | None:
        keyword, _, rest = text.partition(" ")
        word = self.random.choice(("zz1", "zz2"))
        choices: list[str] = []
        match keyword:
            case "RUN" if "<<" in text:
                choices = [text.replace("\nEOF", "\n# more\nEOF"), text.replace("<<EOF", "<< EOF")]
            case "RUN" if "[" in text:
                choices = [text.replace(", ", ","), text.replace(" > ", "  > ")]
            case "RUN":
                choices = [
                    text + " && true",
                    text.replace("RUN ", "RUN   ", 1),
                    text.replace("\n  ", "\n    "),
                    text.replace("\\\n", "\\\n# comment\n"),
                    text.replace("id=i", "id=j"),
                    text.replace("target=/k ", "target=/kk "),
                    text.replace(",target=/m ", ",target=/m,rw "),
                    text.replace("RUN ", "RUN --network=default ", 1)
                    if "--network" not in text
                    else text,
                    text.replace("RUN ", "RUN --mount=type=tmpfs,target=/zz ", 1),
                    text.replace("RUN ", "run ", 1),
                ]
            case "COPY" | "ADD":
                choices = self._changed_copy(text, before)
            case "ENV" | "ARG" if "=" in rest:
                choices = [f"{text}{word}", text.replace("=", "=0"), f"{text} # c" if 0 else text]
            case "LABEL" | "CMD" | "ENTRYPOINT" | "HEALTHCHECK":
                choices = [text.replace(" ", "  ", 1), f"{keyword} {rest}"]
                if keyword in ("LABEL", "HEALTHCHECK", "ENTRYPOINT"):
                    choices.append(text + "9")
            case "EXPOSE" | "VOLUME":
                choices = [text + "9"]
            case "USER":
                choices = ["USER 0" if rest == "root" else "USER root"]
            case "WORKDIR":
                choices = [text + "z", text + "/" if rest != "/" else text]
            case "SHELL":
                choices = [
                    text.replace("/bin/ash", "/bin/x")
                    .replace("/bin/sh", "/bin/ash")
                    .replace("/bin/x", "/bin/sh"),
                    text.replace(", ", ","),
                ]
            case "#":
                choices = [text + " more", "", text + "\n\n"]
            case "ONBUILD":
                choices = [text + "z"]
        return self.random.choice(choices) if choices else None

    def _changed_copy(self, text: str, before: tuple[Line, ...]) -> list[str]:
        target = re.search(r"/?[cf][0-9]+", text)
        if target is None:
            return []
        others = [line.text for line in before if line.text != text]
        is_read = any(re.search(re.escape(target[0]) + r"\b", other) for other in others)
        if "<<" in text:
            return [text.replace("text ", "words "), text.replace("EOF", "END")]
        choices = [
            text.replace("./other", "other"),
            text.replace("dir/ ", "dir "),
            text.replace("COPY ", "COPY   ", 1),
        ]
        if not is_read:
            choices += [
                text.replace(" /c", " /cz"),
                text.replace(" /f", " /fz"),
                text.replace("--chmod=640", "--chmod=600").replace("--chown=5:5", "--chown=6:6"),
                text.replace("--chmod=640", "--chmod=0640"),
            ]
            if "--" not in text:
                keyword = text.partition(" ")[0]
                choices += [
                    text.replace(f"{keyword} ", f"{keyword} --chmod=600 ", 1),
                    text.replace(f"{keyword} ", f"{keyword} --chown=7:7 ", 1),
                    text.replace(f"{keyword} ", f"{keyword} --link ", 1),
                ]
        return choices


def _nothing(_: Path) -> None:
    pass


def _content(chosen: random.Random, mark: str) -> Disk:
    path = chosen.choice(("a.txt", "other", "only", "dir/a", "dir/sub/b", "src/x.c", "src/lib/z.c"))
    return lambda folder: (folder / path).write_text(f"new {path} {mark}\n")


def _mode(chosen: random.Random, _: str) -> Disk:
    path = chosen.choice(("src/x.c", "src/lib/z.c", "dir/sub/b", "only"))
    return lambda folder: (folder / path).chmod(0o755)


def _directory_mode(chosen: random.Random, _: str) -> Disk:
    path = chosen.choice(("src", "src/lib", "dir/sub"))
    return lambda folder: (folder / path).chmod(0o700)


def _touch(chosen: random.Random, _: str) -> Disk:
    path = chosen.choice(("a.txt", "dir/a", "src/x.c"))
    return lambda folder: os.utime(folder / path, (1, 1))


def _owner(chosen: random.Random, _: str) -> Disk:
    path = chosen.choice(("a.txt", "dir/a", "src/x.c"))
    return lambda folder: os.chown(folder / path, 1000, 1000)


def _add(chosen: random.Random, mark: str) -> Disk:
    path = chosen.choice(("new", "other2", "dir/new", "src/new.c", "src/lib/new", "new/deep/er"))

    def change(folder: Path) -> None:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(f"added {mark}\n")

    return change


def _delete(chosen: random.Random, _: str) -> Disk:
    path = chosen.choice(("only", "dir/sub/b", "src/y.c", "src/lib/z.c"))
    return lambda folder: (folder / path).unlink()


def _rename(chosen: random.Random, _: str) -> Disk:
    old, new = chosen.choice(
        (("dir/sub/b", "dir/sub/q"), ("src/lib", "src/bib"), ("only", "src/only"),
         ("src/y.c", "src/w.c"), ("dir/ignored", "dir/seen"))
    )  # fmt: skip
    return lambda folder: (folder / old).rename(folder / new)


def _empty(chosen: random.Random, _: str) -> Disk:
    path = chosen.choice(("dir/empty", "src/e/m/p", "empty", "dir/sub/e"))
    return lambda folder: (folder / path).mkdir(parents=True)


def _ignored(_: random.Random, mark: str) -> Disk:
    return lambda folder: (folder / "dir/ignored").write_text(f"other {mark}\n")


def _ignore_file(chosen: random.Random, _: str) -> Disk:
    line = chosen.choice(("nowhere", "src/y.c", "**/sub", "only", "# c", "**/z.c", "!dir/ignored"))

    def change(folder: Path) -> None:
        path = folder / ".dockerignore"
        path.write_text(f"{path.read_text()}{line}\n")

    return change


_DISK: dict[str, Callable[[random.Random, str], Disk]] = {
    "content": _content,
    "mode": _mode,
    "directory-mode": _directory_mode,
    "mtime": _touch,
    "owner": _owner,
    "add": _add,
    "delete": _delete,
    "rename": _rename,
    "empty-directory": _empty,
    "ignored-file": _ignored,
    "ignore-file": _ignore_file,
}
_EDITS = (
    *("content",) * 5, "mode", "directory-mode", "mtime", "owner", "add", "add", "delete", "rename",
    "empty-directory", "ignored-file", "ignore-file", "build-arg", "build-arg", "rename-stage",
    "swap", "swap", "remove", "insert", "insert", *("change",) * 10,
)  # fmt: skip
