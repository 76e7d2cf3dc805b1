r"""Serve a built site with nginx instead of a server of Node.js.

What it does
============
Makes the stage that builds a static site a builder stage, and puts a stage of nginx below it that
serves what the build leaves: on the same port, and with the same answer to paths that are no file.
Which folder that is, the project's own configuration says.

Why it pays
===========
A site that is built is a folder of files. The image that serves it needs no Node.js, no
dependencies and no sources, so it is smaller by most of its size.

Example
=======
```tree
package.json={"name": "web", "scripts": {"build": "vite build"}}
package-lock.json={"lockfileVersion": 3, "packages": {"": {"name": "web"}}}
index.html=<script type="module" src="/src/main.js"></script>
src/main.js
.dockerignore=node_modules
```
```dockerfile before
FROM node:18
COPY package.json .
RUN npm install
COPY src .
RUN npm run build
CMD serve
```
```dockerfile after
FROM node:18 AS builder
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install
COPY . .
RUN npm run build

FROM nginx:1.28
COPY <<'EOF' /etc/nginx/conf.d/default.conf
server {
    listen 3000;
    root /usr/share/nginx/html;
    absolute_redirect off;
    location / {
        try_files $uri $uri/ /index.html;
    }
}
EOF
COPY --from=builder /app/dist /usr/share/nginx/html
```

When it holds back
==================
A build that leaves pages to be made when they are asked for needs its server.
```tree
package.json={"name": "web", "scripts": {"build": "next build", "start": "next start"}}
pages/index.js
```
```dockerfile unchanged server-does-more
FROM node:18
WORKDIR /app
COPY . .
RUN npm install && npm run build
CMD ["npm", "start"]
```

So it does where the server passes requests on to another one, where a script runs before it, for
example to write variables into the pages, where the container runs as a user of its own, and where
the pages expect to be below another path than / (`site-has-a-base`).

The image of nginx is the one on Debian, unless the author builds on Alpine; files are the same on
both.

Safety
======
changes-image: another program serves, and the image has neither Node.js nor the sources.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from optimizer.facade import (
    WORKDIR,
    Edit,
    Evidence,
    FileEdit,
    Insert,
    Instruction,
    Move,
    Obstacle,
    Proposal,
    Refusal,
    Remove,
    Replace,
    Safety,
    Span,
    StaticSite,
    Step,
    Transform,
    View,
)

IMAGE = "nginx:1.28"
"""The stable line of 2025 (nginx.org, "Download"; the tag is one of docker-library/nginx). Debian
and Alpine serve the same files; Debian is what the images of this catalogue stay on."""

_ROOT = "/usr/share/nginx/html"
_SETTINGS = "/etc/nginx/conf.d/default.conf"
_FILE = "nginx.conf"
_ABOVE = frozenset(("LABEL", "MAINTAINER"))
_BELOW = frozenset(("EXPOSE", "HEALTHCHECK"))
_STARTS = frozenset(("CMD", "ENTRYPOINT"))
_HEREDOCS = re.compile(
    r"(?:docker\.io/)?docker/dockerfile:(?:1|1\.(?:[4-9]|\d\d)(?:\.\d+)?|latest)$"
)
"""The versions of the syntax that know here-documents (Dockerfile reference, "Here-Documents")."""


class ServeStaticWithNginx(Transform):
    id = "serve-static-with-nginx"
    best = Safety.CHANGES_IMAGE
    on_request = True
    codes: ClassVar[Mapping[str, str]] = {
        "base-from-another-registry": "The base image is from a registry that may have no nginx.",
        "container-does-more": "A container runs more than the server.",
        "file-is-taken": "The context has a file of the name that the configuration would get.",
        "healthcheck-needs-a-program": "The HEALTHCHECK runs what the image of nginx may lack.",
        "not-a-static-site": "The build leaves something that needs a server to make pages.",
        "runs-as-a-user": "The container runs as a user of its own.",
        "serves-other-files": "The server serves another folder than the build leaves.",
        "setting-not-kept": "The image sets something about the server that goes.",
        "site-has-a-base": "The pages expect to be below another path than /.",
        "stage-is-not-last": "Other stages follow the one that serves, or take files of it.",
    }

    def propose(self, view: View) -> Iterator[Proposal | Refusal]:
        stage = view.stages.target
        site = view.static_site(stage) if stage is not None else None
        if stage is None or site is None:
            return
        held = site if isinstance(site, Obstacle) else view.meant_to_be_fat(stage)
        file = _settings_file(view)
        if held is None and isinstance(file, Obstacle):
            held = file
        if held is not None:
            yield Refusal.of(held, stage.instruction.code)
        elif isinstance(site, StaticSite) and not isinstance(file, Obstacle):
            yield _with_sizes(view, _proposal(view, site, file))


def _settings_file(view: View) -> str | Obstacle | None:
    """Returns the name of a file for nginx' settings, None where they may stand in the Dockerfile:
    a `# syntax` before 1.4 knows no here-documents, and in a file with CR LF nginx would get them,
    too."""
    syntax = next((d.value for d in view.dockerfile.directives if d.name == "syntax"), None)
    knows_them = syntax is None or _HEREDOCS.match(syntax)
    if knows_them and "\r\n" not in view.dockerfile.source.text:
        return None
    if view.context.get(_FILE) is None and not view.context.excluded(_FILE):
        return _FILE
    return Obstacle(
        "file-is-taken",
        f"The settings of nginx cannot stand in this Dockerfile, and {_FILE} of the context is "
        "taken or ignored.",
        "Use `# syntax=docker/dockerfile:1`, and LF line ends.",
    )


def _proposal(view: View, site: StaticSite, file: str | None) -> Proposal:
    text = _settings(site)
    server = site.served
    return Proposal(
        title=f"Serve {site.output} with nginx instead of `{server.title}`",
        at=site.stage.instruction.code,
        edits=tuple(_Rewrite(view, site, text, file).edits()),
        safety=Safety.CHANGES_IMAGE,
        reason=f"`{server.title}` serves files that are built once, on port {server.port}; that "
        "takes no Node.js.",
        files=() if file is None else (FileEdit(file, None, text),),
        assumes=tuple(_assumes(site)),
    )


def _with_sizes(view: View, proposal: Proposal) -> Proposal:
    before = view.image_size
    after = view.after(view.edited(proposal.edits), proposal).image_size
    if before is None or after is None:
        return proposal
    found = Evidence("image_bytes", "the image", before.bytes, after.bytes, basis="estimate")
    return replace(proposal, evidence=(found,))


def _assumes(site: StaticSite) -> Iterator[str]:
    server = site.served
    yield f"The pages that the build leaves in {site.output} need nothing but a web server."
    if server.folder is None and server.title == "serve":
        yield f"`serve` names no folder; what it is to serve is {site.output}."
    if server.is_development:
        yield f"What the build leaves may stand in for what `{server.title}` makes of the sources."
    if site.broadened is not None:
        text = " ".join(site.broadened.step.instruction.logical.text.split())
        yield f"`{text}` leaves out files that the build reads, so the whole context is copied."


def _settings(site: StaticSite) -> str:
    base = site.base.strip("/.")
    tried = "$uri $uri.html $uri/" if site.served.is_clean else "$uri $uri/"
    start = f"/{base}/index.html" if base else "/index.html"
    last = start if site.served.falls_back else "=404"
    # The port that a container listens on need not be the one that browsers see.
    lines = [f"listen {site.served.port};", f"root {_ROOT};", "absolute_redirect off;"]
    if not site.served.falls_back:
        lines.append("error_page 404 /404.html;")
    lines += ["location / {", f"    try_files {tried} {last};", "}"]
    return "server {\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


class _Rewrite:
    """The edits for one site; ``text`` are nginx' settings, ``file`` where they are put instead of
    into the Dockerfile."""

    def __init__(self, view: View, site: StaticSite, text: str, file: str | None) -> None:
        self.tree, self.site, self.text, self.file = view.dockerfile, site, text, file
        self.head = site.stage.instruction
        self.is_small = self.tree.text(self.head.keyword_span).islower()
        steps = site.stage.steps
        self.gone = [s for s in steps if s.instruction.keyword in _STARTS or s in site.installers]
        self.above = [s for s in steps if s.instruction.keyword in _ABOVE]
        self.below = [s for s in steps if s.instruction.keyword in _BELOW]
        left = {*self.gone, *self.above, *self.below}
        stays = [self.head, *(s.instruction for s in steps if s not in left)]
        self.anchor = stays[-1]

    def edits(self) -> Iterator[Edit]:
        yield self._builder_name()
        if self.site.stays_in_root:
            yield Insert(f"{self._word('WORKDIR')} {WORKDIR}\n", after=self.head)
        yield from self._copies()
        yield Insert(self._opening(), after=self.anchor)
        yield from (Move(step.instruction, after=self.anchor) for step in self.above)
        yield Insert(self._serving(), after=self.anchor)
        yield from (Move(step.instruction, after=self.anchor) for step in self.below)
        yield from (Remove(step.instruction) for step in self.gone)
        yield from self._blank_lines()

    def _word(self, keyword: str) -> str:
        return keyword.lower() if self.is_small else keyword

    def _builder_name(self) -> Edit:
        words = self.head.words
        if len(words) == 3:
            return Replace(words[2].span, self.site.builder)
        end = words[0].span.end
        return Replace(Span(end, end), f" {self._word('AS')} {self.site.builder}")

    def _copies(self) -> Iterator[Edit]:
        """Yields the lockfiles for the COPY of the manifest, and the whole context for one that
        leaves out what the build needs."""
        if self.site.manifest is not None:
            *sources, target = self.site.manifest.step.instruction.words
            end = sources[-1].span.end
            yield Replace(Span(end, end), "".join(f" {name}" for name in self.site.locks))
            if not target.value.endswith("/"):
                yield Replace(target.span, f"{target.value}/")
        if self.site.broadened is not None:
            yield Replace(self.site.broadened.step.instruction.words[0].span, ".")

    def _opening(self) -> str:
        platform = self.head.flag("platform")
        parts = [self._word("FROM")]
        parts += [f"--platform={platform}"] if platform is not None else []
        parts.append(f"{IMAGE}-alpine" if self.site.is_alpine else IMAGE)
        if len(self.head.words) == 3:
            parts += [self._word("AS"), self.head.words[2].value]
        return "\n" + " ".join(parts) + "\n"

    def _serving(self) -> str:
        copy = self._word("COPY")
        base = self.site.base.strip("/.")
        target = f"{_ROOT}/{base}" if base else _ROOT
        if self.file is None:
            settings = f"{copy} <<'EOF' {_SETTINGS}\n{self.text}EOF\n"
        else:
            settings = f"{copy} {self.file} {_SETTINGS}\n"
        comments = "".join(f"{line}\n" for line in self._comments(self.gone))
        return (
            f"{settings}{comments}{copy} --from={self.site.builder} {self.site.output} {target}\n"
        )

    def _comments(self, steps: Sequence[Step]) -> Iterator[str]:
        for step in steps:
            for comment in step.instruction.comments:
                yield self.tree.text(comment).rstrip("\r\n")

    def _blank_lines(self) -> Iterator[Edit]:
        """Yields the blank lines at the end that stood between what is gone."""
        for node in self.tree.nodes:
            if node.span.start < self.anchor.span.end or isinstance(node, Instruction):
                continue
            if not self.tree.text(node.span).strip():
                yield Replace(node.span, "")
