"""Programs of Node.js that serve a built site: which folder, on which port, and how.

Sources: the READMEs of serve 14 and http-server 14; Vite's docs ("Preview Options", "Server
Options"); webpack's ("DevServer"), Create React App's ("Advanced Configuration", "Proxying API
Requests"), Vue CLI's and Angular's (`ng serve`); the docs of the frameworks that render pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.knowledge.installs import HOLE, Call, Files, Obstacle
from optimizer.knowledge.manifests import resolve
from optimizer.knowledge.node.config_files import config_file, mentions, read_json, setting
from optimizer.knowledge.node.options import OptionTable, Words, names, read_words


@dataclass(frozen=True, slots=True)
class Served:
    """How a server serves. ``folder`` is absolute, None for what the build leaves; ``falls_back``
    says that unknown paths give the start page, ``is_clean`` that `/a` gives a.html.
    ``is_development`` is a server that builds by itself, from the sources."""

    title: str
    port: int
    folder: str | None
    falls_back: bool
    is_clean: bool = False
    is_development: bool = False


_SERVE = OptionTable(
    booleans=names("single no-clipboard debug no-request-logging no-compression no-etag symlinks "
                   "no-port-switching no-update-check"),
    valued=names("listen port config"),
    short={"s": "single", "n": "no-clipboard", "d": "debug", "L": "no-request-logging",
           "u": "no-compression", "S": "symlinks", "l": "listen", "p": "port", "c": "config"},
)  # fmt: skip
_HTTP_SERVER = OptionTable(
    booleans=names("silent gzip brotli no-dotfiles no-panic"),
    valued=names("port cache address"),
    short={"p": "port", "a": "address", "s": "silent", "g": "gzip", "b": "brotli", "c": "cache"},
)  # fmt: skip
_VITE = OptionTable(
    booleans=names("strictPort clearScreen"),
    valued=names("port outDir config mode logLevel base"),
    short={"c": "config", "m": "mode", "l": "logLevel"},
)
_DEVELOPMENT = OptionTable(
    booleans=names("strictPort clearScreen disable-host-check allowed-hosts poll open"),
    valued=names("port mode config configuration"),
    short={"c": "configuration"},
    optional=names("open"),
)


def served(call: Call, files: Files) -> Served | Obstacle | None:
    """Says how ``call`` serves a built site. `Obstacle`: it serves, and a web server alone would
    not do the same. None: it is no server that is known."""
    if any(HOLE in word for word in call.words):
        return None
    verb = call.words[1] if len(call.words) > 1 else ""
    if (call.program, verb) in _RENDERS or _is_rendered(call):
        return _other(call, "it makes pages when they are asked for")
    row = _ROWS.get(call.program)
    return row(call, files) if row is not None else None


def _other(call: Call, why: str) -> Obstacle:
    return Obstacle(
        "server-does-more",
        f"`{' '.join(call.words)}` does more than serve files: {why}.",
        "Keep the server, or configure a web server by hand.",
    )


# Next.js, Nuxt, Remix, React Router, SvelteKit and Astro: their docs on deployment with Node.js.
_RENDERS = frozenset(
    (("next", "start"), ("nuxt", "start"), ("remix-serve", "build"), ("gatsby", "serve"),
     ("react-router-serve", "./build/server/index.js"), ("remix", "dev"), ("next", "dev"))
)  # fmt: skip


def _is_rendered(call: Call) -> bool:
    places = ("server/index.mjs", "server/entry.mjs", "standalone/server.js")
    return call.program == "node" and any(word.endswith(places) for word in call.words[1:])


def _serve(call: Call, files: Files) -> Served | Obstacle:
    words = read_words(call.words[1:], _SERVE)
    folder = words.plain[0] if words.plain else None
    if (odd := _odd(call, words)) is not None:
        return odd
    for place in (call.directory, resolve(call.directory, folder or ".")):
        for name in ("serve.json", "now.json", "vercel.json"):
            if "config" in words.options or files.kind(resolve(place, name)) is not None:
                return _other(call, "it has rules of its own in a file")
    port = _port(words.options.get("listen") or words.options.get("port") or _env(call), 3000)
    if port is None:
        return _other(call, "where it listens is not known")
    # A call that names no folder can only mean what was built.
    at = resolve(call.directory, folder) if folder not in (None, ".") else None
    single = words.on("single") or at is None
    return Served("serve", port, at, single, is_clean=not single)


def _env(call: Call) -> str | None:
    return call.env.get("PORT")


def _port(text: str | None, default: int) -> int | None:
    if text is None:
        return default
    match = re.fullmatch(r"(?:tcp://[^:/]*:|[\d.]+:|localhost:)?(\d{1,5})", text)
    return int(match[1]) if match and 0 < int(match[1]) < 65536 else None


def _odd(call: Call, words: Words) -> Obstacle | None:
    if words.unknown or len(words.plain) > 1:
        shown = words.unknown[0] if words.unknown else words.plain[1]
        return _other(call, f"it is given {shown}")
    return None


def _http_server(call: Call, files: Files) -> Served | Obstacle:
    words = read_words(call.words[1:], _HTTP_SERVER)
    if (odd := _odd(call, words)) is not None:
        return odd
    port = _port(words.options.get("port") or _env(call), 8080)
    if port is None:
        return _other(call, "where it listens is not known")
    named = words.plain[0] if words.plain else "public"
    return Served("http-server", port, resolve(call.directory, named), False)


def _vite(call: Call, files: Files) -> Served | Obstacle | None:
    verb, rest = (call.words[1:2] or ("dev",))[0], call.words[2:]
    if verb.startswith("-"):
        verb, rest = "dev", call.words[1:]
    if verb not in ("preview", "dev", "serve"):
        return None
    words = read_words(_without_hosts(rest), _VITE)
    if (odd := _odd(call, words)) is not None:
        return odd
    section, default = ("preview", 4173) if verb == "preview" else ("server", 5173)
    path = config_file(files, call.directory, "vite.config")
    text = words.options.get("port")
    if path is not None:
        if mentions(files, path, "proxy"):
            return _other(call, f"{path} passes requests on to another server")
        text = text or _number(files, path, section)
    port = _port(text, default)
    if port is None:
        return _other(call, "where it listens is not known")
    return Served(f"vite {verb}", port, None, True, is_development=verb != "preview")


def _without_hosts(words: Sequence[str]) -> list[str]:
    """Takes out --host with its value, which may be missing: a container listens for everybody."""
    left: list[str] = []
    for word, above in zip(words, ("", *words), strict=False):
        is_value = above == "--host" and not word.startswith("-")
        if not is_value and word != "--host" and not word.startswith("--host="):
            left.append(word)
    return left


def _number(files: Files, path: str, section: str) -> str | None:
    """Returns the port of a section of a configuration; `HOLE` where it is not a number."""
    content = files.read(path) or b""
    match = re.search(rb"\b%s\s*:\s*\{[^{}]*?\bport\s*:\s*([^,}\s]+)" % section.encode(), content)
    if match is None:
        return HOLE if setting(files, path, section, "port") is not None else None
    return match[1].decode("utf-8", "replace")


def _react_scripts(call: Call, files: Files) -> Served | Obstacle | None:
    if call.words[1:2] != ("start",):
        return None
    package = read_json(files, resolve(call.directory, "package.json")) or {}
    proxies = ("src/setupProxy.js", "src/setupProxy.ts")
    if "proxy" in package or any(files.kind(resolve(call.directory, p)) for p in proxies):
        return _other(call, "it passes requests on to another server (proxy)")
    port = _port(_env(call), 3000)
    if port is None:
        return _other(call, "where it listens is not known")
    return Served("react-scripts start", port, None, True, is_development=True)


def _development(default: int, *verbs: str) -> Callable[[Call, Files], Served | Obstacle | None]:
    def answer(call: Call, files: Files) -> Served | Obstacle | None:
        if call.words[1:2] not in [(verb,) for verb in verbs]:
            return None
        words = read_words(_without_hosts(call.words[2:]), _DEVELOPMENT)
        if (odd := _odd(call, words)) is not None:
            return odd
        for name in ("vue.config.js", "angular.json", "proxy.conf.json", "src/proxy.conf.json"):
            path = resolve(call.directory, name)
            content = files.read(path)
            if content is not None and (b"proxy" in content.lower() or "proxy" in name):
                return _other(call, f"{path} passes requests on to another server")
        port = _port(words.options.get("port") or _env(call), default)
        if port is None:
            return _other(call, "where it listens is not known")
        return Served(" ".join(call.words[:2]), port, None, True, is_development=True)

    return answer


_ROWS: Mapping[str, Callable[[Call, Files], Served | Obstacle | None]] = {
    "serve": _serve,
    "http-server": _http_server,
    "vite": _vite,
    "react-scripts": _react_scripts,
    "vue-cli-service": _development(8080, "serve"),
    "ng": _development(4200, "serve", "s"),
}
