"""Package managers of distributions.

Packages are taken to keep to the places that the Filesystem Hierarchy Standard and the policy of
their distribution give them (`SYSTEM`, and below /opt the directories of vendors with
repositories of their own); their maintainer scripts are taken to keep to them, too, and to read
no other variables than those named here. Packages from local files may put theirs anywhere below
/opt. Nothing here repeats: repositories change from one day to the next, and logs hold the time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from optimizer.knowledge.commands.line import Syntax, Unknown, homes, names, place, places
from optimizer.knowledge.commands.places import SYSTEM
from optimizer.knowledge.installs import HOLE, Call, Touch
from optimizer.knowledge.variables import CERTIFICATES, PERL, PROXIES, PYTHON

# Where packages of third parties for these distributions are: their own file lists
# (google-chrome-stable, msodbcsql and mssql-tools, nsight, rocm, datadog-agent, puppet-agent).
_VENDORS = tuple(
    f"/opt/{name}"
    for name in ("google", "microsoft", "msodbcsql", "mssql-tools", "mssql-tools18", "nvidia",
                 "rocm", "amdgpu", "intel", "datadog-agent", "puppetlabs", "oracle", "rh")
)  # fmt: skip
_TREES = (*SYSTEM, "/libx32", "/usr/libx32", *_VENDORS)
# java(1): scripts of ca-certificates-java and others run a JVM, which leaves its counters.
_LEFT = ("/tmp/hsperfdata_root",)

# apt.conf(5), apt-get(8), apt-secure(8); debconf(7), ENVIRONMENT; dpkg(1), ENVIRONMENT; deb822
# tools; ucf(1); needrestart(1); ACCEPT_EULA: the packages of Microsoft's repositories.
_APT_VARIABLES = (
    "DEBIAN_*", "DEBCONF_*", "APT_*", "DPKG_*", "DEB_*", "ACCEPT_EULA", "UCF_*", "NEEDRESTART_*",
    "PYTHON*", "PERL*", "JAVA_*", "XDG_*", "SYSTEMD_*", "RUNLEVEL", *PROXIES, *CERTIFICATES,
)  # fmt: skip
_APT_CACHE = ("/var/lib/apt", "/var/cache/apt", "/var/cache/debconf", "/var/lib/dpkg")
_APT_LISTS = ("/etc/apt", "/usr/share/keyrings", "/usr/share/dpkg", "/etc/ssl", "/etc/dpkg")

# apt-get(8), apt(8), OPTIONS. -c and --config-file are left out: they may set anything.
_APT = Syntax(
    "-y|--yes|--assume-yes --assume-no -q --quiet[=] -f|--fix-broken -m|--fix-missing"
    "|--ignore-missing -d|--download-only -s|--simulate|--just-print|--dry-run|--recon|--no-act"
    " -u|--show-upgraded -V|--verbose-versions -a|--host-architecture= -P|--build-profiles="
    " -b|--compile|--build --ignore-hold --with-new-pkgs --no-upgrade --only-upgrade"
    " --allow-downgrades --allow-remove-essential --allow-change-held-packages --force-yes"
    " --print-uris --purge --reinstall --list-cleanup --no-list-cleanup -t|--target-release"
    "|--default-release= --trivial-only --mark-auto --no-remove --auto-remove|--autoremove"
    " --only-source --diff-only --dsc-only --tar-only --arch-only --indep-only"
    " --allow-unauthenticated --no-allow-insecure-repositories --allow-insecure-repositories"
    " --allow-releaseinfo-change --show-progress --with-source= --error-on= -o|--option="
    " --no-install-recommends --install-recommends --no-install-suggests --install-suggests"
    " --no-download --fix-policy --no-show-upgraded"
    " -h|--help -v|--version --update|-U --names-only --installed --upgradable --manual-installed"
    " --all-versions --no-auto-remove --allow-releaseinfo-change-suite"
)
# apt.conf(5): settings that name no commands, and no other files than a directory that no other
# program looks into: packages that were downloaded.
_APT_SETTING = re.compile(
    r"(?:acquire|apt|debug|quiet|dpkg::use-pty|dpkg::lock|dpkg::progress|dpkg::options|binary"
    r"|dir::etc::sourceparts|dir::cache::archives|pkgcachegen)(?:$|::|/)",
    re.IGNORECASE,
)
_APT_ACTING = re.compile(
    r"invoke|pre-install|proxy-auto|dir::(?!etc::sourceparts|cache::archives)", re.IGNORECASE
)


def _apt(call: Call) -> Touch:
    line = _APT.read(call.words[1:])
    if not line.operands:
        raise Unknown
    for setting in line.values("-o"):
        _hold_setting(setting)
    verb, rest = line.operands[0], line.operands[1:]
    match verb:
        case "update":
            return Touch(("/etc", "/usr/share", "/usr/lib", "/var"), ("/var",), _APT_VARIABLES,
                         network=True)  # fmt: skip
        case "clean" | "autoclean" | "auto-clean" | "distclean" | "dist-clean":
            written = ("/var/cache/apt", "/var/lib/apt")
            return Touch((*_APT_LISTS, *written), written, ("APT_*",), repeatable=True)
        case "remove" | "purge" | "autoremove" | "autopurge" | "auto-remove":
            return Touch(_TREES, (*_TREES, *_LEFT), _APT_VARIABLES)
        case "install" | "reinstall" | "upgrade" | "dist-upgrade" | "full-upgrade" | "satisfy":
            return _installed(call, rest, r"\.(?:deb|changes|dsc)$", _APT_VARIABLES)
        case "build-dep":
            return _installed(call, rest, r"\.dsc$", _APT_VARIABLES)
        case "download" | "source" | "changelog":
            here = place(call, ".")
            return Touch((*_TREES, here), (here, "/var"), _APT_VARIABLES, network=True)
        case "list" | "show" | "search" | "policy" | "check" | "depends" | "rdepends" | "pkgnames":
            return _looked_up(call)
    raise Unknown


def _hold_setting(setting: str) -> None:
    name, _, value = setting.partition("=")
    if not _APT_SETTING.match(name) or _APT_ACTING.search(name) or HOLE in name:
        raise Unknown
    if re.match(r"dpkg::options", name, re.I) and not value.strip("\"'").startswith("--force-"):
        raise Unknown


def _installed(
    call: Call, packages: Sequence[str], ending: str, variables: tuple[str, ...]
) -> Touch:
    """Packages by name from repositories, or from files, whose names have a slash or an ending."""
    local = [
        word
        for word in packages
        if (word.startswith((".", "/")) or re.search(ending, word))
        and not re.match(r"\w+://", word)
    ]
    foreign = len(local) > 0 or any(re.match(r"\w+://", word) for word in packages)
    writes = (*_TREES, *_LEFT, *(("/opt",) if foreign else ()))
    return Touch((*_TREES, *places(call, local)), writes, variables, network=True)


def _looked_up(call: Call) -> Touch:
    """apt-cache(8): reads lists and states, and may write its cache anew."""
    return Touch((*_APT_LISTS, *_APT_CACHE), ("/var/cache/apt",), ("APT_*", "DPKG_*"))


def _marked(call: Call) -> Touch:
    """apt-mark(8): whatever the packages, the states of packages are read or written."""
    verbs = names("auto manual minimize-manual hold unhold showauto showmanual showhold showinstall"
                  " showremove showpurge markauto unmarkauto")  # fmt: skip
    options = [word for word in call.words[1:] if word.startswith("-")]
    verb = next((word for word in call.words[1:] if not word.startswith("-")), "")
    if verb not in verbs or not set(options) <= {"-q", "-qq", "-y", "-s"}:
        raise Unknown
    changes = not verb.startswith("show")
    return Touch((*_APT_LISTS, *_APT_CACHE), _APT_CACHE if changes else ("/var/cache/apt",),
                 ("APT_*", "DPKG_*"), repeatable=True)  # fmt: skip


_KEY_VERBS = names("add del list finger export exportall net-update update adv")


def _keys(call: Call) -> Touch:
    """apt-key(8): keyrings hold the time at which a key came in."""
    words = [word for word in call.words[1:] if word not in ("--quiet", "--fake")]
    rings: tuple[str, ...] = (
        "/etc/apt/trusted.gpg",
        "/etc/apt/trusted.gpg~",
        "/etc/apt/trusted.gpg.d",
    )
    if words[:1] == ["--keyring"] and len(words) > 2:
        rings, words = (*rings, *places(call, words[1:2])), words[2:]
    if not words or words[0] not in _KEY_VERBS:
        raise Unknown
    files = [word for word in words[1:] if not word.startswith("-")] if words[0] == "add" else []
    if words[0] == "adv" and any(re.match(r"--(import|output|homedir|exec|options)", w)
                                 for w in words):  # fmt: skip
        raise Unknown
    return Touch(
        (*_APT_LISTS, *rings, *places(call, files), *homes(call, ".gnupg")),
        (*rings, *homes(call, ".gnupg")),
        ("APT_*", "GNUPGHOME", *PROXIES),
        network=words[0] in ("adv", "net-update", "update"),
    )


def _repository_added(call: Call) -> Touch:
    """add-apt-repository(1): asks Launchpad, writes /etc/apt, and updates the lists."""
    written = ("/etc/apt", "/var", "/usr/lib/python3", *homes(call, ".launchpadlib", ".gnupg"))
    read = ("/etc", "/usr/lib", "/usr/share", *written, *homes(call, ".cache"))
    return Touch(read, (*written, *homes(call, ".cache")), (*_APT_VARIABLES, *PYTHON),
                 network=True)  # fmt: skip


# dpkg(1), ACTIONS that only print; those take the names of packages or files.
_DPKG_PRINTS = re.compile(
    r"-l|-s|-L|-S|-p|-C|-V|-W|--(?:list|status|listfiles|search|print-avail|audit|verify"
    r"|print-architecture|print-foreign-architectures|get-selections|yet-to-unpack|version|help"
    r"|compare-versions|assert-[\w-]+|validate-[\w-]+|force-help|show|control-path|control-list)"
)
_DPKG = Syntax(
    "-i|--install -r|--remove -P|--purge --configure --unpack -a|--pending --add-architecture"
    " --remove-architecture --clear-selections --set-selections -E|--skip-same-version"
    " -G|--refuse-downgrade -B|--auto-deconfigure -R|--recursive --no-triggers --triggers"
    " --triggers-only --force-all --force-depends --force-confold --force-confdef --force-confnew"
    " --force-overwrite --force-architecture --force-yes --force-bad-version --force-unsafe-io"
    " --force-confmiss --force-remove-reinstreq --force-remove-essential --force-help"
    " --force-conflicts --force-downgrade --force-breaks --no-debsig --ignore-depends="
    " --no-force= --force="
)
_DPKG_READS = ("/var/lib/dpkg", "/etc/dpkg", "/usr/share/dpkg")


def _dpkg(call: Call) -> Touch:
    words = call.words[1:]
    if any(map(_DPKG_PRINTS.fullmatch, words)):
        return Touch((*_DPKG_READS, *homes(call, ".dpkg.cfg")), (), ("DPKG_*",), repeatable=True)
    line = _DPKG.read(words)
    if line.has("--add-architecture", "--remove-architecture", "--clear-selections",
                "--set-selections"):  # fmt: skip
        return Touch(_DPKG_READS, ("/var/lib/dpkg",), ("DPKG_*",), repeatable=True)
    files = places(call, line.operands) if line.has("-i", "--unpack") else ()
    return Touch((*_TREES, *files), (*_TREES, *_LEFT, "/opt"), _APT_VARIABLES)


def _queried(call: Call) -> Touch:
    """dpkg-query(1): formats and names, whatever they are."""
    if any(re.match(r"--(admindir|instdir|root|load-avail)", word) for word in call.words):
        raise Unknown
    return Touch((*_DPKG_READS, *homes(call, ".dpkg.cfg")), (), ("DPKG_*",), repeatable=True)


def _architecture(call: Call) -> Touch:
    """dpkg-architecture(1), dpkg-buildflags(1): run ${CC:-gcc}, and read settings."""
    if any(not re.match(r"-[eiqslfaATtLp]|--[a-z-]+", w) for w in call.words[1:] if w[:1] == "-"):
        raise Unknown
    if any(word in ("-c", "--command") for word in call.words) or call.env.get("CC"):
        raise Unknown
    reads = (*_DPKG_READS, *homes(call, ".config/dpkg"))
    return Touch(reads, (), ("DEB_*", "DPKG_*", "CC", *PERL), repeatable=True)


# dpkg-divert(1)
_DIVERT = Syntax("--add --remove --rename --no-rename --local --quiet --package= --divert= --test"
                 " --list --listpackage --truename --help --version")  # fmt: skip


def _diverted(call: Call) -> Touch:
    line = _DIVERT.read(call.words[1:])
    files = [word for word in line.operands if not line.has("--list", "--truename")]
    away = line.values("--divert") or tuple(f"{word}.distrib" for word in files)
    moved = places(call, (*files, *away)) if files else ()
    kept = tuple(f"/var/lib/dpkg/diversions{suffix}" for suffix in ("", "-old", "-new"))
    return Touch(("/var/lib/dpkg", *moved), (*kept, *moved), ("DPKG_*",), repeatable=True)


def _reconfigured(call: Call) -> Touch:
    """dpkg-reconfigure(8): runs the maintainer scripts of packages again."""
    Syntax("-f|--frontend= -p|--priority= -u|--unseen-only --default-priority --force -a|--all"
           " --no-reload --terse -h|--help").read(call.words[1:])  # fmt: skip
    return Touch(_TREES, (*_TREES, *_LEFT), (*_APT_VARIABLES, *PERL))


def _selections_set(call: Call) -> Touch:
    """debconf-set-selections(1): from files or standard input."""
    line = Syntax("-v|--verbose -c|--checkonly -u|--unseen").read(call.words[1:])
    reads = (*places(call, line.operands), "/etc/debconf.conf", "/var/cache/debconf")
    reads += homes(call, ".debconfrc")
    return Touch(reads, ("/var/cache/debconf",), ("DEBCONF_*", "DEBIAN_*", *PERL), repeatable=True)


# apk(8), GLOBAL OPTIONS and the options of its commands.
_APK = Syntax(
    "-h|--help -p|--root= -X|--repository= -q|--quiet -v|--verbose -i|--interactive -V|--version"
    " -f|--force --force-binary-stdout --force-broken-world --force-missing-repositories"
    " --force-non-repository --force-old-apk --force-overwrite --force-refresh"
    " -U|--update-cache|--update"
    " --progress --no-progress --purge --allow-untrusted --wait= --keys-dir= --repositories-file="
    " --no-network --no-cache --cache-dir= --cache-max-age= --arch= --print-arch --initdb"
    " -u|--upgrade -l|--latest -t|--virtual= --no-chown -a|--available --no-self-upgrade"
    " --self-upgrade-only -r|--rdepends --ignore -L|--contents -e|--installed -W|--who-owns"
    " -R|--depends -P|--provides -d|--description -s|--size -o|--output= --simulate"
    " --clean-protected"
    " --overlay-from-stdin --no-scripts --prune -x|--exact --usermode --no-commit-hooks"
    " --timeout= --no-interactive --legacy-info --preupgrade-depends="
)
_APK_VARIABLES = ("APK_*", *PROXIES, *CERTIFICATES)


def _apk(call: Call) -> Touch:
    line = _APK.read(call.words[1:])
    verb, rest = (line.operands[0], line.operands[1:]) if line.operands else ("", ())
    roots = places(call, line.values("-p"))
    local = [value for value in line.values("-X") if not re.match(r"@|\w+://", value)]
    named = line.values("--keys-dir", "--repositories-file", "--cache-dir")
    given = places(call, (*named, *local))
    trees = roots or _TREES
    if verb in ("info", "list", "search", "policy", "version", "stats", "dot", "audit", ""):
        asks = verb in ("search", "policy", "version", "list")
        db = roots or ("/lib/apk", "/usr/lib/apk", "/etc/apk", "/var/cache/apk")
        return Touch((*db, *given), db if line.has("-U") else (), _APK_VARIABLES,
                     network=asks, repeatable=not asks)  # fmt: skip
    if verb in ("update", "cache"):
        written = roots or ("/var/cache/apk", "/etc/apk/cache", "/lib/apk", "/usr/lib/apk")
        return Touch(("/etc", *trees, *given), (*written, *given), _APK_VARIABLES, network=True)
    if verb == "fetch":
        folder = line.value("-o") or "."
        return Touch(("/etc", *trees, *given), (*places(call, [folder]), "/var/cache/apk"),
                     _APK_VARIABLES, network=True)  # fmt: skip
    if verb not in ("add", "del", "upgrade", "fix"):
        raise Unknown
    found = _installed(call, rest, r"\.apk$", _APK_VARIABLES)
    return Touch(
        (*found.reads, *given, *roots),
        (*(roots or found.writes), *places(call, line.values("--cache-dir"))),
        found.variables,
        network=verb != "del",
    )


# dnf(8), yum(8), microdnf(8), tdnf: options. Left out are those that name other settings.
_DNF = Syntax(
    "-y|--assumeyes -q|--quiet -v|--verbose -d= --debuglevel= -e= --errorlevel= -b|--best -C"
    " --cacheonly --allowerasing --skip-broken --nobest --nogpgcheck --refresh --setopt="
    " --enablerepo|--enable-repo= --disablerepo|--disable-repo= --repo|--repoid= -x|--exclude="
    " --excludepkgs= --releasever= --nodocs --noplugins --disableplugin= --enableplugin="
    " --installroot= --security --bugfix --advisory= --allowdowngrade --obsoletes --forcearch="
    " --downloadonly -R= --randomwait= --noautoremove --nodeps --allow-downgrade --skip-unavailable"
    " --add-repo= --set-enabled --enable --set-disabled --disable --save --dump --installed"
    " --available --all --showduplicates --disableexcludes= --disableexcludepkgs= --color= -4 -6"
    " --no-best --use-host-config --help --version -t --tolerant --install-weak-deps[=]"
    " --noautoclean"
)
# dnf.conf(5): settings that name no files.
_DNF_SETTING = re.compile(
    r"(?:[\w*.-]+\.)?(?:install_weak_deps|tsflags|keepcache|skip_missing_names_on_install|gpgcheck"
    r"|sslverify|fastestmirror|skip_if_unavailable|best|multilib_policy|override_install_langs"
    r"|max_parallel_downloads|timeout|retries|deltarpm|clean_requirements_on_remove|minrate"
    r"|module_platform_id|strict|obsoletes|group_package_types|varsdir|reposdir|enabled|priority"
    r"|install_langs|exclude|excludepkgs|skip_broken|repo_gpgcheck)="
)
_RPM_VARIABLES = ("RPM_*", "DNF_*", "YUM_*", "LIBDNF_*", "ACCEPT_EULA", "JAVA_*",
                  *PYTHON, *PROXIES, *CERTIFICATES)  # fmt: skip
_DNF_LOOKS = names("list info search repolist provides whatprovides check-update check deplist"
                   " repoquery repoinfo leaves needs-restarting")  # fmt: skip
_DNF_CHANGES = names(
    "install update upgrade upgrade-minimal update-minimal remove erase autoremove reinstall"
    " downgrade swap distro-sync groupinstall groupupdate groupremove group module builddep"
    " build-dep localinstall localupdate config-manager mark copr versionlock"
)


def _dnf(call: Call) -> Touch:
    words = call.words[1:] if call.program != "yum-config-manager" else (
        "config-manager", *call.words[1:]
    )  # fmt: skip
    line = _DNF.read(words)
    settings = line.values("--setopt")
    if not line.operands or not all(map(_DNF_SETTING.match, settings)):
        raise Unknown
    if any("reposdir" in setting or "varsdir" in setting for setting in settings):
        raise Unknown
    verb, rest = line.operands[0], line.operands[1:]
    roots = places(call, line.values("--installroot"))
    if verb == "clean":
        return Touch(("/etc", *roots), roots or ("/var",), _RPM_VARIABLES)
    if verb in ("makecache", *_DNF_LOOKS):
        return Touch((*SYSTEM, *roots), roots or ("/var", "/usr/lib/python3.6"), _RPM_VARIABLES,
                     network=True)  # fmt: skip
    if verb not in _DNF_CHANGES:
        raise Unknown
    found = _installed(call, rest, r"\.rpm$", _RPM_VARIABLES)
    given = places(call, (v for v in line.values("--add-repo") if not re.match(r"\w+://", v)))
    return Touch((*found.reads, *given, *roots), roots or found.writes, _RPM_VARIABLES,
                 network=True)  # fmt: skip


# zypper(8), GLOBAL OPTIONS and the options of its commands.
_ZYPPER = Syntax(
    "-n|--non-interactive -q|--quiet -v|--verbose --gpg-auto-import-keys --no-gpg-checks"
    " --no-refresh -y|--no-confirm --no-recommends --recommends -f|--force -l"
    "|--auto-agree-with-licenses --allow-unsigned-rpm --force-resolution --oldpackage"
    " --allow-downgrade --allow-vendor-change -t|--type= -r|--repo|--from= -c|--check -C|--no-check"
    " -G|--no-gpgcheck -g|--gpgcheck -p|--priority= -n|--name= -k|--keep-packages -a|--all"
    " -u|--clean-deps -U|--no-clean-deps --replacefiles --details --ignore-unknown --releasever="
    " --capability --download= --no-cd --non-interactive-include-reboot-patches"
    " --skip-not-applicable-patches"
)
_ZYPPER_VERBS = names(
    "install in refresh ref update up remove rm addrepo ar removerepo rr modifyrepo mr clean cc"
    " dist-upgrade dup patch list-updates lu repos lr search se info if addlock al source-install"
    " si install-new-recommends inr"
)


def _zypper(call: Call) -> Touch:
    line = _ZYPPER.read(call.words[1:])
    if not line.operands or line.operands[0] not in _ZYPPER_VERBS:
        raise Unknown
    variables = (*_RPM_VARIABLES, "ZYPP_*", "ZYPPER_*")
    if line.operands[0] in ("clean", "cc"):
        return Touch(("/etc",), ("/var",), variables)
    return _installed(call, line.operands[1:], r"\.(?:rpm|repo)$", variables)


_RPM_DB = ("/var/lib/rpm", "/usr/lib/sysimage")
_RPM = Syntax(
    "-i|--install -U|--upgrade -F|--freshen -e|--erase -v|--verbose -h|--hash --import --nodeps"
    " --force --nosignature --nodigest --noscripts --notriggers --replacepkgs --replacefiles"
    " --oldpackage --excludedocs --quiet --percent --test --allmatches --nogpgcheck --ignorearch"
    " --rebuilddb --initdb --justdb --ignoresize --nofiledigest"
)


def _rpm(call: Call) -> Touch:
    """rpm(8): queries take the lock of the database; imports and installs may take addresses."""
    words = call.words[1:]
    if any(
        re.match(r"-(?:q|V)|--(?:query|verify|eval|showrc|version|querytags)", w) for w in words
    ):
        if any(re.match(r"--(?:root|dbpath|define|pipe|load|rcfile|macros|pkgid|package)", w)
               or re.fullmatch(r"-q\w*p\w*|-p", w) for w in words):  # fmt: skip
            raise Unknown
        return Touch((*_RPM_DB, "/usr/lib/rpm", "/etc/rpm", *homes(call, ".rpmmacros")), _RPM_DB)
    line = _RPM.read(words)
    files = [word for word in line.operands if not line.has("-e")]
    local = places(call, (word for word in files if not re.match(r"\w+://", word)))
    distant = any(re.match(r"\w+://", word) for word in files)
    if line.has("--import"):
        return Touch((*_RPM_DB, *local), _RPM_DB, _RPM_VARIABLES, network=distant)
    return Touch((*_TREES, *local), (*_TREES, *_LEFT, "/opt"), _RPM_VARIABLES, network=distant)


def _apt_settings(call: Call) -> Touch:
    """apt-config(8): prints settings."""
    if call.words[1:2] not in (("dump",), ("shell",)):
        raise Unknown
    return Touch(("/etc/apt",), (), ("APT_*",), repeatable=True)


def _apt_cache(call: Call) -> Touch:
    if any(re.match(r"-[co]|--(config-file|option|pkg-cache|src-cache)", w) for w in call.words):
        raise Unknown
    return _looked_up(call)


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "apt-get": _apt,
    "apt": _apt,
    "apt-cache": _apt_cache,
    "apt-config": _apt_settings,
    "apt-mark": _marked,
    "apt-key": _keys,
    "add-apt-repository": _repository_added,
    "apt-add-repository": _repository_added,
    "dpkg": _dpkg,
    "dpkg-query": _queried,
    "dpkg-architecture": _architecture,
    "dpkg-buildflags": _architecture,
    "dpkg-divert": _diverted,
    "dpkg-reconfigure": _reconfigured,
    "debconf-set-selections": _selections_set,
    "apk": _apk,
    **dict.fromkeys(("dnf", "dnf5", "yum", "microdnf", "tdnf", "yum-config-manager"), _dnf),
    "zypper": _zypper,
    "rpm": _rpm,
}
