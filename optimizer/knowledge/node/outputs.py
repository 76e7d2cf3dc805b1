"""Where the build tools of JavaScript leave what they build, by the configuration of the project.

Each row says it for one program, from the source that stands beside it. What a tool leaves in
places that its configuration computes is `Output.unknown`, never a guess.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from optimizer.knowledge.installs import HOLE, Call, Files
from optimizer.knowledge.manifests import resolve, within
from optimizer.knowledge.node.config_files import config_file, mentions, read_json, setting
from optimizer.knowledge.node.options import names


@dataclass(frozen=True, slots=True)
class Output:
    """What one command leaves; all paths are absolute.

    ``keeps`` are files and directories that are there when it is done, ``caches`` directories that
    only the next build looks into. ``site`` is a directory that a web server can serve as it is,
    ``base`` the path below which it has to stand. ``unknown`` says why it is not known where the
    command writes: then it may be anywhere in the project. ``outside`` says what it leaves outside
    of the project, where a container may need it.
    """

    keeps: tuple[str, ...] = ()
    caches: tuple[str, ...] = ()
    site: str | None = None
    base: str = "/"
    unknown: str | None = None
    outside: str | None = None


_NOTHING = Output()
_MOST_PROJECTS = 50
_CODE_ENDS = ("js", "jsx", "ts", "tsx")

Row = Callable[[Call, Files], Output]


def output_of(call: Call, files: Files) -> Output:
    """Returns what ``call`` leaves. ``call`` is a program as package scripts call it, see
    `optimizer.knowledge.node.build_scripts.leaves`."""
    row = _ROWS.get(call.program)
    if row is None:
        return Output(unknown=f"what `{' '.join(call.words)}` writes is not known")
    return row(call, files)


def _option(call: Call, *names: str) -> str | None:
    """Returns the value of the last of the options ``names``, `HOLE` for one without a value."""
    found = None
    for position, word in enumerate(call.words):
        name, equals, value = word.partition("=")
        if name in names:
            following = call.words[position + 1 : position + 2]
            found = value if equals else following[0] if following else HOLE
    return found


def _plain(call: Call) -> list[str]:
    return [word for word in call.words[1:] if not word.startswith("-")]


def _unknown(call: Call, what: str) -> Output:
    return Output(unknown=f"`{' '.join(call.words)}` writes where {what}")


def _nothing(call: Call, files: Files) -> Output:
    return _NOTHING


# TypeScript: the handbook, "tsconfig reference" and "tsc CLI options"


def _tsc(call: Call, files: Files) -> Output:
    if "--noEmit" in call.words or "--init" in call.words or "--showConfig" in call.words:
        return _NOTHING
    named = _option(call, "--outDir", "--outFile", "--outdir", "--outfile")
    if named is not None:
        return Output((resolve(call.directory, named),))
    if {"-b", "--build"} & set(call.words):
        projects = _plain(call) or ["."]
    else:
        named = _option(call, "-p", "--project")
        if named is None and _plain(call):
            return _unknown(call, "its sources lie")
        projects = [named or "."]
    found: dict[str, None] = {}
    queue = [_tsconfig(files, resolve(call.directory, each)) for each in projects]
    for _ in range(_MOST_PROJECTS):
        if not queue:
            return Output(tuple(found))
        path = queue.pop()
        settings = _ts_settings(files, path, 0)
        if settings is None:
            return _unknown(call, f"{path} says, which cannot be read")
        if settings.get("noEmit") != "true":
            if "out" not in settings:
                return _unknown(call, f"its sources lie: {path} has no outDir")
            if settings.get("emits") != "nothing":
                found[settings["out"]] = None
        if {"-b", "--build"} & set(call.words):
            queue += settings["references"].split("\n") if settings["references"] else []
    return _unknown(call, "more projects say than are looked at")


def _tsconfig(files: Files, path: str) -> str:
    return resolve(path, "tsconfig.json") if files.kind(path) == "dir" else path


def _ts_settings(files: Files, path: str, depth: int) -> dict[str, str] | None:
    """Returns what a tsconfig and those that it extends say of its output."""
    data = read_json(files, path)
    if data is None or depth > 10:
        return None
    found: dict[str, str] = {}
    extends = data.get("extends")
    for base in extends if isinstance(extends, list) else [extends]:
        if isinstance(base, str) and base.startswith((".", "/")):
            above = resolve(posixpath.dirname(path), base)
            above = above if above.endswith(".json") else f"{above}.json"
            inherited = _ts_settings(files, above, depth + 1)
            if inherited is None:
                return None
            found.update(inherited)
        # A base of a package, such as @tsconfig/node20, says nothing of directories.
    options = data.get("compilerOptions")
    options = options if isinstance(options, Mapping) else {}
    for key in ("outFile", "outDir"):
        if isinstance(options.get(key), str):
            text = options[key].replace("${configDir}", ".")
            found["out"] = resolve(posixpath.dirname(path), text)
    if isinstance(options.get("noEmit"), bool):
        found["noEmit"] = str(options["noEmit"]).lower()
    own = data.get("references")
    own = own if isinstance(own, list) else []
    paths = [each["path"] for each in own if isinstance(each, Mapping) and "path" in each]
    here = posixpath.dirname(path)
    found["references"] = "\n".join(_tsconfig(files, resolve(here, str(p))) for p in paths)
    found["emits"] = "nothing" if data.get("files") == [] and "include" not in data else "files"
    if found["emits"] == "nothing":
        found.setdefault("out", here)
    return found


# Bundlers


def _vite(call: Call, files: Files) -> Output:
    """Vite's docs, "Build Options" and "Shared Options": build.outDir is relative to root."""
    plain = _plain(call)
    if plain[:1] != ["build"]:
        return _NOTHING if plain[:1] in ([], ["preview"], ["dev"], ["serve"]) else _odd(call)
    root = (
        resolve(call.directory, plain[1])
        if len(plain) > 1 and not _is_value(call, plain[1])
        else call.directory
    )
    named = _option(call, "-c", "--config")
    path = resolve(call.directory, named) if named else config_file(files, root, "vite.config")
    folder, base = _option(call, "--outDir"), _option(call, "--base")
    ssr = "--ssr" in call.words
    if path is not None:
        inner = setting(files, path, "root")
        folder = folder or setting(files, path, "build", "outDir")
        base = base or setting(files, path, "base")
        root = resolve(root, inner) if inner not in (None, HOLE) else root
        ssr = ssr or mentions(files, path, "ssr")
        if HOLE in (inner, folder):
            return _unknown(call, f"{path} computes")
        if mentions(files, path, "lib") and setting(files, path, "build", "lib") is not None:
            return Output((resolve(root, folder or "dist"),))
    out = resolve(root, folder or "dist")
    is_site = not ssr and files.kind(resolve(root, "index.html")) == "file"
    return Output((out,), site=out if is_site else None, base=base or "/")


def _is_value(call: Call, word: str) -> bool:
    position = call.words.index(word)
    above = call.words[position - 1]
    return above.startswith("--") and "=" not in above and above not in ("--emptyOutDir", "--ssr")


def _odd(call: Call) -> Output:
    return Output(unknown=f"what `{' '.join(call.words)}` writes is not known")


def _webpack(call: Call, files: Files) -> Output:
    """webpack's docs, "Output" (path) and "Command Line Interface": dist by default."""
    if _plain(call)[:1] in (["serve"], ["watch"], ["info"], ["version"]):
        return _NOTHING
    named = _option(call, "-c", "--config")
    path = resolve(call.directory, named) if named else config_file(
        files, call.directory, "webpack.config"
    )  # fmt: skip
    folder = _option(call, "-o", "--output-path")
    if folder is None and path is not None:
        folder = setting(files, path, "output", "path")
    if folder == HOLE:
        return _unknown(call, f"{path} computes")
    return Output((resolve(call.directory, folder or "dist"),))


def _rollup(call: Call, files: Files) -> Output:
    """rollup's docs, "Command line flags" (-d, -o); a configuration may name several outputs."""
    named = _option(call, "-d", "--dir", "-o", "--file")
    if named in (None, HOLE):
        return _unknown(call, "its configuration says")
    return Output((resolve(call.directory, str(named)),))


def _esbuild(call: Call, files: Files) -> Output:
    """esbuild's docs, "API": --outfile, --outdir; else standard output or beside the source."""
    if "--serve" in call.words:
        return _NOTHING
    named = _option(call, "--outfile", "--outdir")
    return Output((resolve(call.directory, named),)) if named not in (None, HOLE) else _odd(call)


def _tsup(call: Call, files: Files) -> Output:
    """tsup's docs, "Custom output directory": dist, -d, outDir."""
    return _configured(call, files, "tsup.config", ("outDir",), "dist", ("-d", "--out-dir"))


def _unbuild(call: Call, files: Files) -> Output:
    return _configured(call, files, "build.config", ("outDir",), "dist", ())


def _parcel(call: Call, files: Files) -> Output:
    """Parcel's docs, "CLI": --dist-dir, dist by default; targets of package.json go elsewhere."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    data = read_json(files, resolve(call.directory, "package.json")) or {}
    if "targets" in data or "main" in data or "module" in data:
        return _unknown(call, "the targets of package.json say")
    out = resolve(call.directory, _option(call, "--dist-dir") or "dist")
    page = any(word.endswith(".html") for word in _plain(call))
    cache = resolve(call.directory, ".parcel-cache")
    base = _option(call, "--public-url") or "/"
    return Output((out,), (cache,), out if page else None, base)


def _babel(call: Call, files: Files) -> Output:
    """@babel/cli's docs: --out-dir, --out-file; @swc/cli's: -d, --out-dir, -o."""
    named = _option(call, "-d", "--out-dir", "-o", "--out-file")
    return Output((resolve(call.directory, named),)) if named not in (None, HOLE) else _odd(call)


def _configured(
    call: Call, files: Files, stem: str, keys: Sequence[str], default: str, options: Sequence[str],
    site: bool = False, base_keys: Sequence[str] = (),
) -> Output:  # fmt: skip
    """A tool with one output directory: by an option, a setting of its module, or a default."""
    named = _option(call, "-c", "--config")
    path = resolve(call.directory, named) if named else config_file(files, call.directory, stem)
    folder = _option(call, *options) if options else None
    base: str | None = None
    if path is not None:
        folder = folder or (setting(files, path, *keys) if keys else None)
        base = setting(files, path, *base_keys) if base_keys else None
    if HOLE in (folder, named):
        return _unknown(call, f"{path} computes")
    out = resolve(call.directory, folder or default)
    return Output((out,), site=out if site else None, base=base or "/")


# Frameworks


def _next(call: Call, files: Files) -> Output:
    """Next.js docs: distDir; output "export" leaves `out`; .next/cache is for the next build."""
    if _plain(call)[:1] not in (["build"], ["export"]):
        return _NOTHING
    plain = _plain(call)
    root = resolve(call.directory, plain[1]) if len(plain) > 1 else call.directory
    path = config_file(files, root, "next.config")
    folder = setting(files, path, "distDir") if path else None
    kind = setting(files, path, "output") if path else None
    if HOLE in (folder, kind):
        return _unknown(call, f"{path} computes")
    if plain[0] == "export" or kind == "export":
        base = setting(files, path, "basePath") if path else None
        out = resolve(root, folder if folder and kind == "export" else "out")
        if plain[0] == "export":
            out = resolve(root, _option(call, "-o", "--outdir") or "out")
        return Output((out,), (resolve(root, ".next/cache"),), out, base or "/")
    made = resolve(root, folder or ".next")
    return Output((made,), (f"{made}/cache",))


def _nuxt(call: Call, files: Files) -> Output:
    """Nuxt 3 docs, "Deployment": .output; Nuxt 2: .nuxt, which the server of nuxt needs."""
    verb = _plain(call)[:1]
    if verb == ["prepare"]:
        return _NOTHING
    if verb not in (["build"], ["generate"]):
        return _NOTHING if verb in (["dev"], ["start"], ["preview"], []) else _odd(call)
    package = read_json(files, resolve(call.directory, "package.json")) or {}
    version = _version(package, "nuxt")
    if version is None or version < 3:
        return _unknown(call, "an old Nuxt keeps what it builds")
    path = config_file(files, call.directory, "nuxt.config")
    if path is not None and mentions(files, path, "nitro"):
        return _unknown(call, f"the nitro settings of {path} say")
    out = resolve(call.directory, ".output")
    site = f"{out}/public" if verb == ["generate"] else None
    return Output((out,), site=site)


def _version(package: Mapping[str, object], name: str) -> int | None:
    """Returns the major version that a package.json asks for."""
    for field in ("dependencies", "devDependencies"):
        section = package.get(field)
        spec = section.get(name) if isinstance(section, Mapping) else None
        match = re.match(r"[\^~>=v ]*(\d{1,4})", spec) if isinstance(spec, str) else None
        if match:
            return int(match[1])
    return None


def _react_scripts(call: Call, files: Files) -> Output:
    """Create React App's docs: build, or BUILD_PATH; homepage and PUBLIC_URL are the base."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    package = read_json(files, resolve(call.directory, "package.json")) or {}
    homepage = call.env.get("PUBLIC_URL") or package.get("homepage")
    base = homepage if isinstance(homepage, str) else "/"
    base = re.sub(r"^[a-z]+://[^/]+", "", base) or "/"
    if call.env.get("BUILD_PATH"):
        out = resolve(call.directory, call.env["BUILD_PATH"])
    elif _sets_in_env_file(files, call.directory, "BUILD_PATH"):
        return _unknown(call, "BUILD_PATH in an .env file says")
    else:
        out = resolve(call.directory, "build")
    return Output((out,), site=out, base=base)


def _sets_in_env_file(files: Files, directory: str, name: str) -> bool:
    names = (".env", ".env.production", ".env.local", ".env.production.local")
    contents = (files.read(resolve(directory, each)) for each in names)
    return any(content is not None and name.encode() in content for content in contents)


def _craco(call: Call, files: Files) -> Output:
    """craco runs the build of react-scripts; its configuration may move paths.appBuild."""
    path = config_file(files, call.directory, "craco.config")
    if path is not None and mentions(files, path, "appBuild"):
        return _unknown(call, f"{path} says")
    return _react_scripts(call, files)


def _vue_cli(call: Call, files: Files) -> Output:
    """Vue CLI's docs: dist, --dest, outputDir; publicPath."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    return _configured(
        call, files, "vue.config", ("outputDir",), "dist", ("--dest",), True, ("publicPath",)
    )


def _angular(call: Call, files: Files) -> Output:
    """Angular's docs, "Workspace configuration": outputPath, dist/NAME by default since 17;
    browser/ below it with the application builder."""
    if _plain(call)[:1] not in (["build"], ["b"]):
        return _NOTHING
    path = resolve(call.directory, "angular.json")
    data = read_json(files, path) or {}
    projects = data.get("projects")
    projects = projects if isinstance(projects, Mapping) else {}
    named = _plain(call)[1:2]
    names = named if named and named[0] in projects else list(projects)
    chosen = projects.get(names[0]) if len(names) == 1 else None
    target = _dig(chosen, "architect", "build") or _dig(chosen, "targets", "build")
    builder = _dig(target, "builder")
    if not isinstance(target, Mapping) or not isinstance(builder, str):
        return _unknown(call, f"{path} says for several projects, or cannot be read")
    base = _option(call, "--base-href") or _dig(target, "options", "baseHref")
    where = _option(call, "--output-path") or _dig(target, "options", "outputPath")
    where = where if where is not None else f"dist/{names[0]}"
    applies = builder.rpartition(":")[2] == "application"
    browser = "browser" if applies else ""
    if isinstance(where, Mapping):
        browser = str(where.get("browser", "browser"))
        where = where.get("base")
    if not isinstance(where, str):
        return _unknown(call, f"{path} says")
    out = resolve(call.directory, where)
    site = resolve(out, browser) if browser else out
    ssr = _dig(target, "options", "ssr") or _dig(target, "options", "server")
    cache = resolve(call.directory, ".angular")
    base = base if isinstance(base, str) else "/"
    return Output((out,), (cache,), None if ssr else site, base)


def _dig(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _nest(call: Call, files: Files) -> Output:
    """@nestjs/cli: the outDir of tsconfig.build.json, else of tsconfig.json; nest-cli.json may name
    another file, assets go below the same directory."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    settings = read_json(files, resolve(call.directory, "nest-cli.json")) or {}
    options = settings.get("compilerOptions")
    options = options if isinstance(options, Mapping) else {}
    if settings.get("monorepo") or ("projects" in settings and len(settings["projects"]) > 1):
        return _unknown(call, "nest-cli.json says for several projects")
    named = _option(call, "-p", "--path") or options.get("tsConfigPath")
    names = [named] if isinstance(named, str) else ["tsconfig.build.json", "tsconfig.json"]
    for name in names:
        path = resolve(call.directory, name)
        if files.kind(path) == "file":
            found = _ts_settings(files, path, 0)
            if found is None or "out" not in found:
                return _unknown(call, f"{path} says")
            return Output((found["out"],))
    return _unknown(call, "its configuration says")


def _astro(call: Call, files: Files) -> Output:
    """Astro's docs, "Configuration": outDir, base; an adapter or output "server" makes a server."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    path = config_file(files, call.directory, "astro.config")
    words = ("adapter", "server")
    server = path is not None and any(mentions(files, path, word) for word in words)
    return _configured(
        call, files, "astro.config", ("outDir",), "dist", ("--outDir",), not server, ("base",)
    )


def _svelte_kit(call: Call, files: Files) -> Output | None:
    """SvelteKit's docs, "Adapters": adapter-node and adapter-static leave `build`, or what their
    own settings name; adapter-auto knows no container."""
    path = config_file(files, call.directory, "svelte.config")
    content = files.read(path) if path else None
    if content is None or b"@sveltejs/kit" not in _package_text(files, call.directory):
        return None
    if re.search(rb"\b(?:out|pages|assets)\s*:", content):
        return _unknown(call, f"{path} says")
    out = resolve(call.directory, "build")
    cache = (resolve(call.directory, ".svelte-kit"),)
    if b"@sveltejs/adapter-static" in content:
        return Output((out,), cache, None if b"base" in content else out)
    if b"@sveltejs/adapter-node" in content:
        return Output((out,), cache)
    return _unknown(call, f"the adapter of {path} says")


def _package_text(files: Files, directory: str) -> bytes:
    return files.read(resolve(directory, "package.json")) or b""


def _vite_or_kit(call: Call, files: Files) -> Output:
    kit = _svelte_kit(call, files) if _plain(call)[:1] == ["build"] else None
    return kit or _vite(call, files)


def _gatsby(call: Call, files: Files) -> Output:
    """Gatsby's docs, "Build process": public; .cache is for the next build."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    out = resolve(call.directory, "public")
    prefixed = "--prefix-paths" in call.words
    return Output((out,), (resolve(call.directory, ".cache"),), None if prefixed else out)


def _docusaurus(call: Call, files: Files) -> Output:
    """Docusaurus' docs, "CLI": build, --out-dir; baseUrl."""
    if _plain(call)[:1] != ["build"]:
        return _NOTHING
    return _configured(
        call, files, "docusaurus.config", (), "build", ("--out-dir",), True, ("baseUrl",)
    )


def _vitepress(call: Call, files: Files) -> Output:
    """VitePress' docs, "Deploy": .vitepress/dist below the root of the documents."""
    plain = _plain(call)
    if plain[:1] != ["build"]:
        return _NOTHING
    root = resolve(call.directory, plain[1] if len(plain) > 1 else ".")
    found = config_file(files, root, ".vitepress/config")
    base = None
    if found is not None:
        if mentions(files, found, "outDir"):
            return _unknown(call, f"{found} says")
        base = setting(files, found, "base")
    out = resolve(root, ".vitepress/dist")
    return Output((out,), (resolve(root, ".vitepress/cache"),), out, base or "/")


def _eleventy(call: Call, files: Files) -> Output:
    """Eleventy's docs, "Output directory": _site, --output, dir.output of its configuration."""
    if {"--serve", "--watch"} & set(call.words):
        return _NOTHING
    named = _option(call, "--output")
    names = (".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs")
    found = next((p for n in names if files.kind(p := resolve(call.directory, n)) == "file"), None)
    if named is None and found is not None and mentions(files, found, "output"):
        return _unknown(call, f"{found} says")
    out = resolve(call.directory, named or "_site")
    return Output((out,), site=out)


def _ember(call: Call, files: Files) -> Output:
    """ember-cli's docs: dist, -o, --output-path."""
    if _plain(call)[:1] not in (["build"], ["b"]):
        return _NOTHING
    out = resolve(call.directory, _option(call, "-o", "--output-path") or "dist")
    return Output((out,), site=out)


def _remix(call: Call, files: Files) -> Output:
    """Remix' docs: `remix vite:build` leaves build; `react-router build` does, too."""
    if _plain(call)[:1] not in (["vite:build"], ["build"]):
        return _NOTHING
    path = config_file(files, call.directory, "vite.config")
    if _plain(call)[:1] == ["build"] and call.program == "remix":
        return _unknown(call, "remix.config.js says")
    settled = config_file(files, call.directory, "react-router.config")
    if any(p and mentions(files, p, "buildDirectory") for p in (path, settled)):
        return _unknown(call, "its configuration says")
    return Output((resolve(call.directory, "build"),))


def _prisma(call: Call, files: Files) -> Output:
    """Prisma's docs, "Generators": into node_modules, or where `output` of a generator says."""
    if _plain(call)[:1] != ["generate"]:
        return _odd(call) if _plain(call)[:1] in (["db"], ["migrate"]) else _NOTHING
    found: dict[str, None] = {}
    for path in _prisma_schemas(call, files):
        content = files.read(path)
        if content is None:
            return _unknown(call, f"{path} says, which cannot be read")
        for match in re.finditer(rb"^[ \t]*output[ \t]*=[ \t]*(.*)$", content, re.MULTILINE):
            named = re.fullmatch(rb'"([^"\\]*)"\s*', match[1].strip())
            if named is None:
                return _unknown(call, f"{path} computes")
            found[resolve(posixpath.dirname(path), named[1].decode("utf-8", "replace"))] = None
    return Output(tuple(found))


def _prisma_schemas(call: Call, files: Files) -> Iterator[str]:
    named = _option(call, "--schema")
    names = [named] if named else ["prisma/schema.prisma", "schema.prisma", "prisma/schema"]
    for name in names:
        path = resolve(call.directory, name)
        if files.kind(path) == "file":
            yield path
        elif files.kind(path) == "dir":
            yield from (f"{path}/{n}" for n in files.children(path) if n.endswith(".prisma"))


def _browsers(call: Call, files: Files) -> Output:
    """Playwright's docs ("Browsers"), Puppeteer's ("Configuration") and Cypress' ("Installation"):
    browsers go to the user's cache, and what they need to the system."""
    if not {"install", "install-deps", "browsers"} & {*call.words}:
        return _NOTHING
    return Output(outside="it brings browsers to the user's cache")


# Files


def _copied(call: Call, files: Files) -> Output:
    """cp, copyfiles, cpx, cpy: the last word is where it goes."""
    plain = _plain(call)
    if len(plain) < 2 or re.search(r"[*?{\[]", plain[-1]):
        return _odd(call)
    return Output((resolve(call.directory, plain[-1]),))


def _made(call: Call, files: Files) -> Output:
    return Output(tuple(resolve(call.directory, word) for word in _plain(call)))


def _tailwind(call: Call, files: Files) -> Output:
    """tailwindcss, postcss, sass, lessc: -o, or the second word (their command lines)."""
    named = _option(call, "-o", "--output", "-d", "--dir")
    if named not in (None, HOLE):
        return Output((resolve(call.directory, str(named)),))
    plain = _plain(call)
    if call.program in ("sass", "node-sass", "lessc") and len(plain) == 2 and ":" not in plain[1]:
        return Output((resolve(call.directory, plain[1]),))
    return _odd(call)


# Tools that look and write nothing, or write only into the places of tests (their own docs).
_LOOKS = names(
    """
    eslint prettier tslint stylelint standard xo biome oxlint jest vitest mocha ava tap
    nyc c8 vue-tsc echo true false : printf test [ exit is-ci only-allow npm-check tsd
    depcheck knip husky commitlint lint-staged svelte-check astro-check cspell
    markdownlint node-version publint attw
    patch-package simple-git-hooks lefthook opencollective opencollective-postinstall ngcc
    npm-force-resolutions husky-run pinst size-limit bundlesize sleep cat ls pwd
    wait-on
    """
)

_ROWS: Mapping[str, Row] = {
    **dict.fromkeys(_LOOKS, _nothing),
    "tsc": _tsc,
    "vite": _vite_or_kit,
    **dict.fromkeys(("webpack", "webpack-cli", "rspack"), _webpack),
    "rollup": _rollup,
    "esbuild": _esbuild,
    "tsup": _tsup,
    "unbuild": _unbuild,
    "parcel": _parcel,
    **dict.fromkeys(("babel", "swc", "spack"), _babel),
    "next": _next,
    **dict.fromkeys(("nuxt", "nuxi", "nuxt-ts"), _nuxt),
    "react-scripts": _react_scripts,
    "craco": _craco,
    "vue-cli-service": _vue_cli,
    "ng": _angular,
    "nest": _nest,
    "astro": _astro,
    "gatsby": _gatsby,
    "docusaurus": _docusaurus,
    "vitepress": _vitepress,
    **dict.fromkeys(("eleventy", "@11ty/eleventy"), _eleventy),
    "ember": _ember,
    **dict.fromkeys(("remix", "react-router"), _remix),
    "prisma": _prisma,
    **dict.fromkeys(("playwright", "puppeteer", "cypress"), _browsers),
    # What they take away counts where the commands of a build are joined.
    **dict.fromkeys(("rm", "rimraf", "del", "del-cli", "rmdir"), _nothing),
    **dict.fromkeys(("cp", "copyfiles", "cpx", "cpx2", "cpy", "ncp"), _copied),
    **dict.fromkeys(("mkdir", "mkdirp", "touch"), _made),
    **dict.fromkeys(("tailwindcss", "postcss", "sass", "node-sass", "lessc"), _tailwind),
}


BUILDS = frozenset(
    {*_ROWS, "npm", "npx", "yarn", "yarnpkg", "pnpm", "pnpx", "bun", "bunx", "turbo", "lerna"}
) - {*_LOOKS}
"""The programs that build, or run the scripts that do."""


def joined(outputs: Sequence[Output], calls: Sequence[Call]) -> Output:
    """Returns what several commands leave, one after the other."""
    keeps: dict[str, None] = {}
    caches: dict[str, None] = {}
    sites = [each for each in outputs if each.site is not None]
    for call, each in zip(calls, outputs, strict=True):
        if each.unknown is not None or each.outside is not None:
            return each
        if call.program in TAKERS and (lost := _takes(call, keeps)) is not None:
            return Output(unknown=f"`{' '.join(call.words)}` takes {lost} away again")
        keeps.update(dict.fromkeys(each.keeps))
        caches.update(dict.fromkeys(each.caches))
    outer = [k for k in keeps if not any(k != o and within(k, o) for o in keeps)]
    only = sites[0] if len(sites) == 1 and len(outer) == 1 else None
    return Output(
        tuple(outer), tuple(caches), only.site if only else None, only.base if only else "/"
    )


TAKERS = frozenset(("rm", "rimraf", "del", "del-cli", "rmdir", "mv"))
"""Programs that take away what their words name."""


def _takes(call: Call, keeps: Mapping[str, None]) -> str | None:
    for word in _plain(call):
        place = resolve(call.directory, re.split(r"[*?{\[]", word)[0] or ".")
        for path in keeps:
            if within(path, place) or within(place, path):
                return path
    return None


def finds_its_sources(call: Call, files: Files) -> bool:
    """Tells whether the page that a builder of sites starts from lies where it looks for it."""
    groups = _SOURCES.get(call.program, ())
    return all(
        any(files.kind(resolve(call.directory, name)) is not None for name in group)
        for group in groups
    )


# Where each looks when nothing else is configured (its docs, "Project structure").
_SOURCES: Mapping[str, Sequence[Sequence[str]]] = {
    "vite": (("index.html", "vite.config.js", "vite.config.ts", "vite.config.mjs"),),
    "react-scripts": (("public/index.html",), tuple(f"src/index.{e}" for e in _CODE_ENDS)),
    "craco": (("public/index.html",), tuple(f"src/index.{e}" for e in _CODE_ENDS)),
    "vue-cli-service": (("src/main.js", "src/main.ts", "vue.config.js"),),
    "ng": (("angular.json",),),
    "astro": (("src/pages", "astro.config.mjs", "astro.config.ts", "astro.config.js"),),
    "gatsby": (("src/pages", "gatsby-config.js", "gatsby-config.ts"),),
    "docusaurus": (("docusaurus.config.js", "docusaurus.config.ts"),),
    "next": (("pages", "app", "src/pages", "src/app"),),
}
