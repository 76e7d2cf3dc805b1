"""What Bundler and the tasks of Rails leave for the run time.

Sources: bundle-install(1), bundle-config(1) of Bundler 2.6; docker-library/ruby (GEM_HOME and
BUNDLE_APP_CONFIG are /usr/local/bundle); the Rails guides ("The Asset Pipeline"); bootsnap's
README ("Precompilation").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from optimizer.knowledge.installs import HOLE, Call, Files, Install, Obstacle, Touch
from optimizer.knowledge.manifests import Held, ancestors, resolve
from optimizer.knowledge.node.options import names
from optimizer.knowledge.products import Made, Product
from optimizer.knowledge.ruby import bundler
from optimizer.knowledge.ruby.brings import path_gems
from optimizer.knowledge.ruby.gemfile import lockfile_of

NEVER_WHOLE: Final = names("/ /etc /home /opt /root /srv /tmp /usr /usr/local /usr/src /var")
"""Directories that hold more than a project, so that they are never kept whole."""

# Gems with extensions in C or Rust that are compiled where no binary of the platform is locked
# (the gemspec of each: extensions).
_COMPILED = names(
    """
    pg mysql2 sqlite3 nokogiri bcrypt ffi puma nio4r websocket-driver bootsnap msgpack racc json
    date bigdecimal stringio strscan io-console unf_ext charlock_holmes rmagick eventmachine thin
    unicorn kgio raindrops redcarpet hiredis ox oj yajl-ruby curb rugged rdkafka grpc snappy
    google-protobuf levenshtein-ffi jaro_winkler racc psych byebug debug sassc mini_racer
    therubyracer libv8-node ruby-vips tiny_tds ruby-oci8 argon2 ed25519 rbnacl digest-crc fast_blank
    escape_utils http_parser.rb llhttp-ffi
    """
)
_NAMES_PATHS = re.compile(rb"\bpath\b|^\s*gemspec\b", re.MULTILINE)
_SPEC = re.compile(r"^    (?P<name>[\w.-]+) \((?P<version>[^)\s]+)\)\s*$", re.MULTILINE)


def product(call: Call, made: Made) -> Product | Obstacle | None:
    """Says what ``call`` leaves for the run time; see `optimizer.knowledge.products.Producer`."""
    if HOLE in call.directory or any(HOLE in word for word in call.words):
        return None
    try:
        return _product(call, made)
    except Held as held:
        return _not_known(call, held.obstacle.reason, held.obstacle.unblock)


def _product(call: Call, made: Made) -> Product | Obstacle | None:
    if call.program == "gem":
        return _gem(call)
    if call.program in ("bundle", "bundler"):
        found = bundler.recognise(call)
        if isinstance(found, Install):
            return _installed(call, made)
        if isinstance(found, Obstacle):
            return _not_known(call, found.reason, found.unblock)
        if isinstance(found, Touch):
            return None
        if call.words[1:2] == ("config",):
            return _configured(call)
        if call.words[1:2] != ("exec",):
            return None
        return _task(call, call.words[2:], made)
    return _task(call, (call.program, *call.words[1:]), made)


def _not_known(call: Call, why: str, unblock: str | None = None) -> Obstacle:
    return Obstacle(
        "unknown-product",
        f"What `{' '.join(call.words)}` leaves for the run time is not known: {why}",
        unblock or "Say what it leaves in a comment above it: `# dockopt: writes=PATH,...`.",
    )


# Gems


def _installed(call: Call, made: Made) -> Product | Obstacle:
    if call.words[1:2] in (("check",), ("clean",)):
        return Product(())
    places = _gem_places(call, made)
    if not places:
        return _not_known(
            call,
            "it is not known where gems go in this image.",
            "Say it: ENV BUNDLE_PATH=/usr/local/bundle.",
        )
    folder, text = _lock_text(made.files, call.directory)
    locked = _SPEC.findall(text)
    beside = _compiled_in_place(call, made, folder, text)
    if isinstance(beside, Obstacle):
        return beside
    places = (*places, *beside)
    caches = tuple(f"{place}/cache" for place in places if place == call.env.get("GEM_HOME"))
    home = call.env.get("HOME") or "/root"
    lockfile = _lockfile(call, made)
    is_there = lockfile is not None and made.files.kind(lockfile) is not None
    written = () if lockfile is None else (lockfile,)
    return Product(
        places if is_there else (*places, *written),
        drops=(f"{home}/.bundle/cache", *caches),
        prune=" && ".join(f"rm -rf {cache}" for cache in caches) or None,
        directory=call.directory,
        interpreter="ruby",
        linking="dynamic",
        ecosystem="rubygems",
        packages=tuple(sorted({name for name, _ in locked})),
        compiles=_compiles(locked),
        rewrites=written if is_there else (),
    )


def _compiled_in_place(
    call: Call, made: Made, folder: str, text: str
) -> tuple[str, ...] | Obstacle:
    """Returns the folders of the project's own gems that may have extensions, by the lockfile
    ``text`` in ``folder``: Bundler compiles those where they lie (source/path/installer.rb)."""
    gemfile = _gemfile(call, made)
    content = made.files.read(gemfile) if gemfile is not None else None
    if not text and _NAMES_PATHS.search(content or b""):
        return _not_known(call, "which gems of the project it compiles no lockfile says.")
    found = [gem.folder for gem in path_gems(text, folder, made.files) if not gem.is_plain]
    if any(each in NEVER_WHOLE for each in found):
        return _not_known(call, "a gem of the project may be compiled.")
    return tuple(dict.fromkeys(found))


def _lockfile(call: Call, made: Made) -> str | None:
    """Returns the lockfile that the install writes, or brings up to date where it does not fit the
    Gemfile or the platform; None where it is told not to (bundle-config(1), "frozen"), and where
    there is no Gemfile."""
    settings = [call.env.get(name) for name in ("BUNDLE_FROZEN", "BUNDLE_DEPLOYMENT")]
    configured = (other.words for other in made.before if other.words[1:2] == ("config",))
    is_set = any(
        {"frozen", "deployment"} & set(words) and {"true", "1"} & set(words) for words in configured
    )
    if is_set or any(map(_is_on, settings)) or {"--frozen", "--deployment"} & set(call.words):
        return None
    gemfile = _gemfile(call, made)
    return None if gemfile is None else lockfile_of(gemfile)


def _gemfile(call: Call, made: Made) -> str | None:
    named = call.env.get("BUNDLE_GEMFILE")
    if named:
        return resolve(call.directory, named)
    places = (resolve(at, n) for at in ancestors(call.directory) for n in ("Gemfile", "gems.rb"))
    return next((path for path in places if made.files.kind(path) == "file"), None)


def _is_on(value: str | None) -> bool:
    return value is not None and value.lower() in ("true", "1", "t", "yes", "y")


def _gem_places(call: Call, made: Made) -> tuple[str, ...]:
    """bundle-config(1), "path": the option, BUNDLE_PATH, or where Ruby has its gems. A path that a
    step above has set in the configuration is kept by that one."""
    named = [call.env.get("BUNDLE_PATH")]
    for position, word in enumerate(call.words):
        option, equals, value = word.partition("=")
        if option == "--path":
            named.append(value if equals else (*call.words, "")[position + 1])
        if option == "--deployment":
            named.append("vendor/bundle")
    if call.env.get("BUNDLE_DEPLOYMENT") and not call.env.get("BUNDLE_PATH"):
        named.append("vendor/bundle")
    home = call.env.get("GEM_HOME")
    found = [resolve(call.directory, path) for path in named if path]
    if not found and home:
        found = [resolve("/", home)]
    return tuple(dict.fromkeys((*found, *_configured_before(call, made))))


def _configured_before(call: Call, made: Made) -> tuple[str, ...]:
    """The places of gems that a `bundle config` above named, see `_configured`."""
    return tuple(path for path in made.made if path.endswith(("/vendor/bundle", "/bundle")))


def _lock_text(files: Files, directory: str) -> tuple[str, str]:
    """Returns the folder of the nearest Gemfile.lock, and what stands in it; "" where none is."""
    for place in ancestors(directory):
        for name in ("Gemfile.lock", "gems.locked"):
            content = files.read(resolve(place, name))
            if content is not None:
                return place, content.decode("utf-8", "replace")
    return directory, ""


def _compiles(locked: Sequence[tuple[str, str]]) -> bool:
    """Tells whether a gem is compiled: one that is known to be, without a binary of Linux."""
    binary = {name for name, version in locked if re.search(r"-(?:x86_64|aarch64)-linux", version)}
    return any(name in _COMPILED and name not in binary for name, _ in locked)


def _configured(call: Call) -> Product | Obstacle | None:
    """`bundle config`: the settings count when programs run, too (``without``, ``path``)."""
    rest = [word for word in call.words[2:] if word not in ("set", "--local", "--global", "unset")]
    if not rest or rest[0] in ("list", "get") or rest[0].startswith("-"):
        return None
    home = call.env.get("HOME")
    if "--global" in call.words and "BUNDLE_USER_CONFIG" not in call.env:
        place = f"{home or '/root'}/.bundle"
    elif "BUNDLE_USER_CONFIG" in call.env and "--global" in call.words:
        place = resolve("/", call.env["BUNDLE_USER_CONFIG"])
    else:
        place = resolve(call.directory, call.env.get("BUNDLE_APP_CONFIG") or ".bundle")
    gems = {"deployment": "vendor/bundle", "path": rest[1] if len(rest) > 1 else "vendor/bundle"}
    more = (resolve(call.directory, gems[rest[0]]),) if rest[0] in gems else ()
    if rest[0] == "deployment" and rest[1:2] == ["false"]:
        more = ()
    return Product((place, *more), interpreter="ruby")


def _gem(call: Call) -> Product | Obstacle | None:
    words = [word for word in call.words[1:] if not word.startswith("-")]
    if words[:1] == ["update"] and "--system" in call.words:
        return _not_known(call, "it replaces RubyGems itself.")
    if words[:1] not in (["install"], ["i"], ["update"]):
        return None
    home = call.env.get("GEM_HOME")
    if not home:
        return _not_known(call, "it is not known where gems go in this image.")
    named = [word for word in words[1:] if not re.match(r"[\d.]+$", word)]
    return Product(
        (resolve("/", home),),
        interpreter="ruby",
        linking="dynamic",
        ecosystem="rubygems",
        packages=tuple(sorted(word.partition(":")[0] for word in named)),
        compiles=any(word in _COMPILED for word in named),
    )


# Tasks


def _task(call: Call, words: Sequence[str], made: Made) -> Product | Obstacle | None:
    program = words[0].rpartition("/")[2] if words else ""
    root = next((at for at in ancestors(call.directory) if _is_project(made.files, at)), None)
    if root is None:
        return None
    rest = [word for word in words[1:] if not word.startswith("-")]
    if program in ("rails", "rake") and rest == ["assets:precompile"]:
        if made.files.kind(resolve(root, "package.json")) is None:
            return Product((resolve(root, "public/assets"),), drops=(resolve(root, "tmp/cache"),))
    elif program == "bootsnap" and rest[:1] == ["precompile"]:
        return Product((resolve(root, "tmp/cache"),), interpreter="ruby")
    elif program in ("rspec", "rubocop", "brakeman"):
        return Product(())
    if root in NEVER_WHOLE:
        return _not_known(call, f"the project lies in {root}.", "Set a WORKDIR.")
    title = " ".join(call.words)
    return Product(
        (root,),
        interpreter="ruby",
        assumes=(f"What `{title}` leaves for the run time lies in {root}.",),
    )


def _is_project(files: Files, directory: str) -> bool:
    return any(files.kind(resolve(directory, name)) for name in ("Gemfile", "gems.rb"))
