"""Plugins of Composer: what they read and write of the project during an install.

A plugin is code that runs inside of Composer. Of the ones below it is known what they touch;
any other holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from optimizer.knowledge.manifests import JsonManifest, Survey, hold, resolve
from optimizer.knowledge.patterns import matching


@dataclass(frozen=True, slots=True)
class Project:
    """The project whose packages are installed. ``lock`` is None where it has no lockfile."""

    survey: Survey
    root: str
    manifest: JsonManifest
    lock: JsonManifest | None

    def extra(self, *names: str) -> object:
        """Returns what stands under ``names`` in the section ``extra`` of composer.json."""
        found: object = self.manifest.data.get("extra")
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found


def survey_plugin(project: Project, name: str) -> None:
    """Notes what the plugin ``name`` touches. Raises `Held` where that is not known."""
    row = ROWS.get(name)
    if row is None:
        hold(
            "install-script-reads-source",
            f"The Composer plugin {name} may read any file of the project.",
            "Install with --no-plugins, or set it to false in allow-plugins, "
            "if the packages need it only after the install.",
            project.manifest.path,
            project.manifest.line_of_key(name),
        )
    row(project)


def _keeps_to_vendor(project: Project) -> None:
    """It reads composer.json and the packages, and writes below vendor."""


def _flex(project: Project) -> None:
    """symfony/flex, src/Flex.php: recipes of packages that symfony.lock does not list are carried
    out; package.json and importmap.php are brought up to date with the packages."""
    path = resolve(project.root, "symfony.lock")
    if not project.survey.has_file(path):
        hold(
            "missing-lockfile",
            f"symfony/flex carries out the recipes of all packages where {path} is missing.",
            "Commit symfony.lock, and see that .dockerignore does not leave it out.",
            path,
        )
    applied = project.survey.json(path).data
    locked = project.lock.data.get("packages") if project.lock is not None else None
    if project.lock is None or not isinstance(locked, list):
        return
    project.survey.assume(
        f"symfony/flex carries out no recipe again that {path} lists, and files that it would "
        "bring up to date, such as package.json, are committed as it leaves them."
    )
    bundles = [
        str(package.get("name"))
        for package in locked
        if isinstance(package, Mapping) and package.get("type") == "symfony-bundle"
    ]
    missing = next((name for name in bundles if name not in applied), None)
    if missing is not None:
        hold(
            "install-script-reads-source",
            f"{path} does not list {missing}, so symfony/flex adds it to config/bundles.php.",
            f"Run `composer recipes:install {missing}` and commit what it changes.",
            path,
        )


def _patches(project: Project) -> None:
    """cweagans/composer-patches, docs: patches in composer.json or in a file of their own, by
    address or by path; those that packages name lie in the packages."""
    tables: list[object] = [project.extra("patches")]
    files = [project.extra("patches-file"), project.extra("composer-patches", "patches-file")]
    for named in (*files, "patches.json"):
        if isinstance(named, str):
            path = resolve(project.root, named)
            if project.survey.has_file(path):
                tables.append(project.survey.json(path).data.get("patches"))
            elif named != "patches.json":
                _demand(project, path)
    project.survey.read(resolve(project.root, "patches.lock.json"))
    for text in _texts(tables):
        if not re.match(r"[a-z]+://", text) and re.search(r"\.(?:patch|diff)$", text):
            path = resolve(project.root, text)
            if not project.survey.read(path):
                _demand(project, path)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for each in value.values() for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return []


def _demand(project: Project, path: str) -> None:
    hold(
        "manifest-outside-copy",
        f"{project.manifest.path} names {path}, which is not among the copied files.",
        "Copy that file too, and see that .dockerignore does not leave it out.",
        project.manifest.path,
    )


def _merged(project: Project) -> None:
    """wikimedia/composer-merge-plugin, README: ``include`` and ``require`` name manifests."""
    for name in ("include", "require"):
        found = project.extra("merge-plugin", name)
        for pattern in [found] if isinstance(found, str) else found or []:  # type: ignore[attr-defined]
            if not isinstance(pattern, str):
                continue
            for path in matching(
                project.survey, project.root, pattern, project.manifest.path,
                project.manifest.line_of_key(name),
            ):  # fmt: skip
                merged = project.survey.json(path)
                if merged.data.get("repositories") or merged.data.get("extra"):
                    hold(
                        "unreadable-manifest",
                        f"{path} is merged into {project.manifest.path} with repositories or "
                        "settings of its own, which dockopt does not follow.",
                        "Put them into composer.json.",
                        path,
                    )


# composer/installers, README: the types of packages that it puts beside the project's files.
_ORDINARY = frozenset({"library", "metapackage", "composer-plugin", "project", "symfony-bundle",
                       "php-ext", "symfony-bridge", "phpstan-extension", "yii2-extension",
                       "phpcodesniffer-standard", "composer-installer",
                       "symfony-pack"})  # fmt: skip


def _installers(project: Project) -> None:
    """Where installer-paths names folders, packages go there instead of vendor."""
    paths = project.extra("installer-paths")
    for template in paths if isinstance(paths, Mapping) else {}:
        folder = re.split(r"[{$]", str(template))[0].rstrip("/")
        project.survey.write(resolve(project.root, folder or "."))
    locked = project.lock.data.get("packages") if project.lock is not None else None
    for package in locked if isinstance(locked, list) else []:
        kind = str(package.get("type", "library")) if isinstance(package, Mapping) else "library"
        if kind not in _ORDINARY and not _has_path(paths, package, kind):
            hold(
                "install-edits-manifest",
                f"composer/installers puts {package.get('name')} beside the files of the project, "
                "and the later copy may lay others over it.",
                f"Say in `installer-paths` where packages of the type {kind} go.",
                project.manifest.path,
            )


def _has_path(paths: object, package: Mapping[str, object], kind: str) -> bool:
    named = (f"type:{kind}", str(package.get("name")))
    rows = paths.values() if isinstance(paths, Mapping) else ()
    return any(name in row for row in rows if isinstance(row, list) for name in named)


ROWS: Mapping[str, Callable[[Project], None]] = {
    "symfony/flex": _flex,
    "cweagans/composer-patches": _patches,
    "wikimedia/composer-merge-plugin": _merged,
    "composer/installers": _installers,
    "oomphinc/composer-installers-extender": _installers,
    # symfony/runtime, src/Internal/ComposerPlugin.php: vendor/autoload_runtime.php.
    "symfony/runtime": _keeps_to_vendor,
    # symfony/thanks, README: a command of its own.
    "symfony/thanks": _keeps_to_vendor,
    # dealerdirect/phpcodesniffer-composer-installer, README: the settings of the installed tool.
    "dealerdirect/phpcodesniffer-composer-installer": _keeps_to_vendor,
    # phpstan, rector, infection: a PHP file inside of the plugin's own package.
    "phpstan/extension-installer": _keeps_to_vendor,
    "rector/extension-installer": _keeps_to_vendor,
    "infection/extension-installer": _keeps_to_vendor,
    # pestphp/pest-plugin, src/Manager.php: vendor/pest-plugins.json.
    "pestphp/pest-plugin": _keeps_to_vendor,
    # php-http/discovery, src/Composer/Plugin.php: installs missing implementations at updates,
    # and writes vendor/composer/GeneratedDiscoveryStrategy.php.
    "php-http/discovery": _keeps_to_vendor,
    # tbachert/spi, README: vendor/composer/GeneratedServiceProviderData.php.
    "tbachert/spi": _keeps_to_vendor,
    # composer/package-versions-deprecated and ocramius/package-versions: Versions.php in the
    # plugin's own package.
    "composer/package-versions-deprecated": _keeps_to_vendor,
    "ocramius/package-versions": _keeps_to_vendor,
    # ergebnis/composer-normalize and kylekatarnls/update-helper, READMEs: commands, and updates.
    "ergebnis/composer-normalize": _keeps_to_vendor,
    "kylekatarnls/update-helper": _keeps_to_vendor,
    # hirak/prestissimo, README: downloads side by side.
    "hirak/prestissimo": _keeps_to_vendor,
    # yiisoft/yii2-composer, Installer.php: vendor/yiisoft/extensions.php.
    "yiisoft/yii2-composer": _keeps_to_vendor,
}
