"""The arguments that exist without an ARG that gives them a value.

The arguments about platforms (BuildKit dockerfile2llb/platform.go, defaultArgs)
are visible in FROM lines and, once declared, in a stage. The proxy arguments
(docs.docker.com/reference/dockerfile, "Predefined ARGs") reach RUN on their own
and stay out of other instructions unless they are declared.
"""

from __future__ import annotations

from collections.abc import Mapping

from optimizer.model.values import Known, Unknown, Value, given_args

PROXIES = frozenset(
    name
    for proxy in ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
    for name in (proxy, proxy.upper())
)
"""BuildKit convert.go, proxyEnvFromBuildArgs."""

NOT_IN_ENVIRONMENT = frozenset(("BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"))
"""Arguments that become no variable (BuildKit convert.go, nonEnvArgs)."""

_PARTS = ("PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT")

# github.com/containerd/platforms database.go, normalizeArch: the variant that goes
# without saying, and the ones that stay.
_VARIANTS = {
    "amd64": {"": "", "v1": "", "v2": "v2", "v3": "v3", "v4": "v4"},
    "arm64": {"": "", "v8": "", "v9": "v9"},
    "arm": {"": "v7", "v5": "v5", "v6": "v6", "v7": "v7", "v8": "v8"},
    **{name: {"": ""} for name in ("386", "ppc64le", "s390x", "riscv64", "mips64le", "loong64")},
}


def platform_args(
    platform: str | None, target: str, build_args: Mapping[str, str | None]
) -> dict[str, Value]:
    """Returns the arguments about platforms and target.

    ``platform`` is what the image is built for, None where the machine that builds
    decides. ``target`` is the name of the stage that is built, "" for one without.
    """
    found: dict[str, Value] = {}
    for part in _PARTS:
        name = "BUILD" + part
        found[name] = Unknown(f"${name} depends on the machine that builds")
    for part in _PARTS:
        name = "TARGET" + part
        found[name] = Unknown(f"${name} depends on the platform that the image is built for")
    for part, text in _target_parts(platform).items():
        found["TARGET" + part] = Known(text)
    found["TARGETSTAGE"] = Known(target or "default")
    given = given_args(build_args)
    return {name: given.get(name, found[name]) for name in found}


def _target_parts(platform: str | None) -> dict[str, str]:
    parts = (platform or "").split("/")
    if not 2 <= len(parts) <= 3:
        return {}
    system, architecture, variant = (*parts, "")[:3]
    normal = _VARIANTS.get(architecture, {}).get(variant)
    if system not in ("linux", "windows") or normal is None:
        return {}
    written = "/".join(filter(None, (system, architecture, normal)))
    found = {"PLATFORM": written, "OS": system, "ARCH": architecture, "VARIANT": normal}
    # The version of Windows comes from the machine.
    return found if system == "windows" else {**found, "OSVERSION": ""}
