"""Programs that bring files from other machines, and git.

Sources: the manuals of curl 7.88, GNU wget 1.21, aria2 1.36, git 2.39 and GnuPG 2.2;
``busybox wget --help``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from posixpath import basename

from optimizer.knowledge.commands.line import (
    Syntax,
    Unknown,
    homes,
    names,
    place,
    places,
    unless_set,
)
from optimizer.knowledge.installs import HOLE, Call, Touch
from optimizer.knowledge.manifests import ancestors, resolve
from optimizer.knowledge.variables import CERTIFICATES, PROXIES

_NETWORK = ("/etc/ssl", "/etc/pki", "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf",
            "/etc/ca-certificates", "/usr/share/ca-certificates")  # fmt: skip

# curl(1), OPTIONS. Left out are those that read files which they name or that keep cookies.
_CURL = Syntax(
    "-o|--output= --output-dir= -H|--header= -A|--user-agent= -e|--referer= -m|--max-time="
    " -u|--user="
    " --connect-timeout= --retry= --retry-delay= --retry-max-time= --proto= --proto-default="
    " --ciphers="
    " --proto-redir= -X|--request= -x|--proxy= --noproxy= -w|--write-out= --url= -r|--range="
    " --max-redirs= --speed-time|-y= --speed-limit|-Y= -d|--data|--data-ascii= --data-raw="
    " --limit-rate="
    " --data-urlencode= --data-binary= --resolve= --connect-to= --parallel-max= --tls-max= --json="
    " --keepalive-time= --max-filesize= --interface= -C|--continue-at= -U|--proxy-user="
    " --create-file-mode="
    " -f|--fail -s|--silent -S|--show-error -L|--location -O|--remote-name -k|--insecure"
    " -g|--globoff"
    " --create-dirs --compressed -#|--progress-bar --no-progress-meter -v|--verbose --tlsv1"
    " --tlsv1.0"
    " --tlsv1.1 --tlsv1.2 --tlsv1.3 -1 -2 -3 -4|--ipv4 -6|--ipv6 --retry-connrefused"
    " --retry-all-errors"
    " --fail-with-body --fail-early -R|--remote-time --http1.1 --http1.0|-0 --http2 --http3"
    " -J|--remote-header-name -i|--include -I|--head -N|--no-buffer -q|--disable --location-trusted"
    " --remote-name-all -Z|--parallel -a|--append -G|--get --ssl-reqd --no-keepalive --path-as-is"
    " --proxy-insecure --tcp-nodelay --no-alpn --ssl-no-revoke --no-clobber --remove-on-error"
    " -h|--help -V|--version --no-sessionid --basic --anyauth --digest --post301 --post302"
    " --no-location"
    " --netrc|-n --netrc-optional --no-silent --no-insecure --styled-output --no-styled-output"
)  # fmt: skip


def _curl(call: Call) -> Touch:
    """curl: -o and -O write; ~/.curlrc and ~/.netrc are read; @FILE would read others."""
    line = _CURL.read(call.words[1:])
    given = line.values("-d", "--data-urlencode", "--data-binary", "--json", "-H", "-w")
    if any("@" in value[:1] or HOLE in value[:1] for value in given) or any(
        "@" in value for value in line.values("--data-urlencode")
    ):
        raise Unknown
    folder = line.value("--output-dir")
    base = call.directory if folder is None else place(call, folder)
    at = replace(call, directory=base)
    # "#1" in the name stands for what a range of the address matched.
    named = [re.sub(r"#\d+", "*", name) for name in line.values("-o")]
    written = list(places(at, named))
    if line.has("-O", "--remote-name-all"):
        written += [place(at, ".")] if line.has("-J") else _remote_names(at, line.operands)
    addresses = (*line.operands, *line.values("--url"))
    local = [word[7:] for word in addresses if word.startswith("file://")]
    if any(word.startswith(HOLE) for word in addresses):
        raise Unknown
    return Touch(
        reads=(*homes(call, ".curlrc", ".netrc", ".config/curlrc"), *_NETWORK,
               *places(call, local)),
        writes=tuple(dict.fromkeys(written)),
        variables=("CURL_*", "XDG_CONFIG_HOME", "NETRC", "QLOGDIR", *PROXIES, *CERTIFICATES),
        network=True,
    )  # fmt: skip


def _remote_names(at: Call, addresses: tuple[str, ...]) -> list[str]:
    """Returns the files that curl -O writes: the last part of each address' path."""
    found: list[str] = []
    for address in addresses:
        path = re.split(r"[?#]", re.sub(r"^\w+://[^/]*", "", address))[0]
        name = basename(path)
        plain = re.fullmatch(r"[\w.+~%-]+", name) and name not in (".", "..")
        found.append(place(at, name if plain else "."))
    return found


# wget(1), OPTIONS; busybox wget --help. Left out are mirrors, lists of addresses and cookies.
_WGET = Syntax(
    "-O|--output-document= -P|--directory-prefix= -o|--output-file= -a|--append-output= -t|--tries="
    " -T|--timeout= --header= -U|--user-agent= --user= --password= --progress= -e|--execute= -Y="
    " -w|--wait= --waitretry= --read-timeout= --connect-timeout= --dns-timeout= --max-redirect="
    " --retry-on-http-error= --secure-protocol= --limit-rate= --referer= --post-data= --method="
    " --compression= --ciphers= --prefer-family= --http-user= --http-password= --tries="
    " -q|--quiet -v|--verbose -nv|--no-verbose -c|--continue --no-check-certificate -S"
    "|--server-response --show-progress --no-cache -4|--inet4-only -6|--inet6-only --https-only"
    " --retry-connrefused -N|--timestamping -nc|--no-clobber --content-disposition"
    " --trust-server-names --no-hsts --no-cookies --no-proxy --spider --no-dns-cache"
    " --no-glob --no-use-server-timestamps --no-netrc -h|--help -V|--version"
    " --auth-no-challenge --no-config -d|--debug --retry-on-host-error"
)


def _wget(call: Call) -> Touch:
    """wget: -O, or the name in the address, below -P; a name that is taken gets a number."""
    words = [{"-nv": "--no-verbose", "-nc": "--no-clobber", "-qnv": "-q"}.get(w, w)
             for w in call.words[1:]]  # fmt: skip
    line = _WGET.read(words)
    if line.has("-e") and not all(map(_WGET_SETTING.match, line.values("-e"))):
        raise Unknown
    if line.has("-Y") and line.value("-Y") not in ("on", "off"):
        raise Unknown
    output = line.value("-O")
    folder = line.value("-P") or "."
    written = () if line.has("--spider") else places(call, [output or folder])
    cache = homes(call, ".wget-hsts") if not line.has("--no-hsts") else ()
    return Touch(
        reads=(*homes(call, ".wgetrc", ".netrc", ".wget-hsts"), "/etc/wgetrc", *_NETWORK),
        writes=(*written, *places(call, line.values("-o", "-a")), *cache),
        variables=("WGETRC", "WGET_*", "SYSTEM_WGETRC", *PROXIES, *CERTIFICATES),
        network=True,
    )


# wget(1), "Wgetrc Commands": those that name no files.
_WGET_SETTING = re.compile(
    r"\s*(?:use_proxy|robots|check_certificate|https?_proxy|ftp_proxy|tries|timeout|dot_style|quiet"
    r"|retry_connrefused|hsts)\s*=",
    re.IGNORECASE,
)

# aria2c(1), OPTIONS.
_ARIA2 = Syntax(
    "-d|--dir= -o|--out= -x|--max-connection-per-server= -s|--split= -k|--min-split-size="
    " -j|--max-concurrent-downloads= -q|--quiet[=] -c|--continue[=] -m|--max-tries= -t|--timeout="
    " --retry-wait= --console-log-level= --summary-interval= --header= -U|--user-agent="
    " --check-certificate[=] --allow-overwrite[=] --auto-file-renaming[=] --file-allocation="
    " --checksum= --show-console-readout[=] --download-result= --connect-timeout="
)


def _aria2(call: Call) -> Touch:
    line = _ARIA2.read(call.words[1:])
    return Touch(
        reads=(*homes(call, ".aria2", ".config/aria2", ".netrc"), *_NETWORK),
        writes=(*places(call, [line.value("-d") or "."]), *homes(call, ".cache/aria2")),
        variables=("XDG_*", *PROXIES, *CERTIFICATES),
        network=True,
    )


# git(1), "ENVIRONMENT VARIABLES": GIT_DIR and its like move the repository elsewhere.
_GIT_MOVERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY",
               "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_CONFIG",
               "GIT_EXTERNAL_DIFF", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS",
               "GIT_TEMPLATE_DIR", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS")  # fmt: skip
_GIT_VARIABLES = ("GIT_*", "SSH_*", "XDG_CONFIG_HOME", "EMAIL", "EDITOR", "VISUAL", "PAGER",
                  "GCM_*", *PROXIES, *CERTIFICATES)  # fmt: skip
_GIT_GLOBAL = Syntax("-C= --no-pager -p --no-replace-objects --bare", stops=True)
_CLONE = Syntax(
    "-b|--branch= --depth= -o|--origin= -j|--jobs= --filter= --shallow-since= --shallow-exclude="
    " --single-branch --no-single-branch --recursive|--recurse-submodules[=] --shallow-submodules"
    " --no-shallow-submodules --remote-submodules -q|--quiet -v|--verbose --progress --no-tags"
    " -n|--no-checkout --bare --mirror -l|--local --no-hardlinks -s|--shared --sparse"
)
_LOCAL_VERBS = names("status log show rev-parse describe diff rev-list ls-files ls-tree cat-file"
                     " symbolic-ref name-rev show-ref merge-base shortlog blame var")  # fmt: skip
_CHANGING_VERBS = names("checkout init add commit reset clean apply tag branch switch restore rm mv"
                        " gc stash merge rebase cherry-pick am remote sparse-checkout"
                        " update-index")  # fmt: skip
_DISTANT_VERBS = names("fetch pull submodule lfs ls-remote")


def _git(call: Call) -> Touch:
    """git: a repository at or above the directory, the user's settings, and other machines."""
    unless_set(call, *_GIT_MOVERS)
    line = _GIT_GLOBAL.read(_without_settings(list(call.words[1:])))
    for folder in line.values("-C"):
        call = replace(call, directory=place(call, folder))
    if not line.operands:
        return _git_reads(call)
    verb, rest = line.operands[0], line.operands[1:]
    if verb in ("--version", "version", "--help", "help"):
        return Touch(repeatable=True)
    if verb == "config":
        return _git_config(call, rest)
    if verb == "clone":
        return _git_clone(call, rest)
    if verb == "ls-remote" and rest and re.match(r"\w+://", rest[-1]):
        return replace(_git_reads(call), network=True)
    if verb in _LOCAL_VERBS:
        if any(re.match(r"-o|--output|--no-index|--ext-diff|--textconv", w) for w in rest):
            raise Unknown
        return _git_reads(call)
    if verb in _CHANGING_VERBS or verb in _DISTANT_VERBS:
        return _git_changes(call, verb, rest)
    raise Unknown


def _without_settings(words: list[str]) -> list[str]:
    """``git -c NAME=VALUE``: settings that neither name files nor run programs are taken off."""
    kept: list[str] = []
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word != "-c":
            kept.append(word)
            if word == "-C" and words:
                kept.append(words.pop(0))
        elif not words or not _GIT_SETTING.match(words.pop(0)):
            raise Unknown
    return kept + words


_GIT_SETTING = re.compile(r"(?:advice|user|safe|color|init|protocol|pack|gc|http\.(?:sslverify"
                          r"|postbuffer|version|extraheader|lowspeed\w+)|core\.(?:autocrlf|longpaths"
                          r"|compression|filemode|abbrev))[.=]", re.IGNORECASE)  # fmt: skip


def _git_settings(call: Call) -> tuple[str, ...]:
    variables = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM")
    named = places(call, (call.env[name] for name in variables if call.env.get(name)))
    usual = ("/etc/gitconfig", "/usr/local/etc/gitconfig")
    return (*homes(call, ".gitconfig", ".config/git"), *usual, *named)


def _above(call: Call) -> tuple[str, ...]:
    """The .git that git looks for in the directory and above."""
    if HOLE in call.directory:
        raise Unknown
    return tuple(resolve(folder, ".git") for folder in ancestors(call.directory))


def _git_reads(call: Call) -> Touch:
    """Reads the repository; the index may be refreshed, and loose objects packed."""
    found = _above(call)
    return Touch((*_git_settings(call), *found, place(call, ".")), found, _GIT_VARIABLES)


def _git_changes(call: Call, verb: str, rest: tuple[str, ...]) -> Touch:
    """Works in the repository whose worktree begins in the directory or above it, below the root.

    Hooks of it may run, which are taken to keep to it.
    """
    paths = [word for word in rest if word.startswith(("/", "..", "~"))]
    if verb == "init":
        if any(word.startswith("-") for word in rest if word not in ("-q", "--quiet")):
            raise Unknown
        folder = next((w for w in rest if not w.startswith("-")), ".")
        goal = place(call, folder)
        templates = ("/usr/share/git-core", *homes(call, ".gitconfig", ".config/git"))
        return Touch((*_git_settings(call), *templates, goal), (goal,), _GIT_VARIABLES)
    elsewhere = re.compile(r"--(?:git-dir|work-tree|template|exec|upload-pack|directory|reference"
                           r"|pathspec-from-file)")  # fmt: skip
    if paths or any(map(elsewhere.match, rest)) or (verb, *rest[:1]) == ("submodule", "foreach"):
        raise Unknown
    distant = verb in _DISTANT_VERBS or (verb == "remote" and "update" in rest)
    settings = homes(call, ".gitconfig") if verb == "lfs" else ()
    if verb == "lfs" and "--system" in rest:
        settings = ("/etc/gitconfig",)
    here = place(call, ".")
    top = "/" + here.split("/")[1]
    written = (here if verb in ("fetch", "lfs", "remote") else top, *_above(call), *settings)
    credentials = homes(call, ".ssh", ".netrc", ".git-credentials") if distant else ()
    known = homes(call, ".ssh") if distant else ()
    return Touch((*_git_settings(call), *credentials, *written), (*written, *known), _GIT_VARIABLES,
                 network=distant)  # fmt: skip


def _git_config(call: Call, rest: tuple[str, ...]) -> Touch:
    """git-config(1): the user's or the system's file, a named one, or that of the repository."""
    if any(re.match(r"-e|--edit|--includes|--blob", word) for word in rest):
        raise Unknown
    files: tuple[str, ...]
    if "--global" in rest:
        files = tuple(p for p in _git_settings(call) if not p.startswith(("/etc", "/usr/local")))
    elif "--system" in rest:
        files = ("/etc/gitconfig", "/usr/local/etc/gitconfig",
                 *(call.env[n] for n in ("GIT_CONFIG_SYSTEM",) if call.env.get(n)))  # fmt: skip
    elif "-f" in rest or "--file" in rest:
        at = rest.index("-f" if "-f" in rest else "--file") + 1
        files = places(call, rest[at : at + 1])
    elif any(word.startswith("--file=") for word in rest):
        files = places(call, (word[7:] for word in rest if word.startswith("--file=")))
    else:
        files = _above(call)
    return Touch((*_git_settings(call), *files), files, _GIT_VARIABLES, repeatable=True)


def _git_clone(call: Call, rest: tuple[str, ...]) -> Touch:
    """git-clone(1); the index of the new worktree holds times."""
    line = _CLONE.read(_without_settings([*_clone_settings(rest)]))
    if not line.operands or len(line.operands) > 2:
        raise Unknown
    address = line.operands[0].rstrip("/")
    bare = line.has("--bare", "--mirror")
    name = re.sub(r"(?:/\.git|\.git)$", "", address)
    folder = re.split(r"[/:]", name)[-1] + (".git" if bare else "")
    goal = place(call, line.operands[1] if len(line.operands) == 2 else folder)
    distant = re.match(r"\w+://|[^/]+:", address) is not None
    local = () if distant else places(call, [address])
    if re.match(r"file://|ext::|\0", address):
        raise Unknown
    credentials = homes(call, ".ssh", ".netrc", ".git-credentials")
    return Touch(
        (*_git_settings(call), *credentials, *local, *_NETWORK, "/usr/share/git-core", goal),
        (goal, *homes(call, ".ssh")),
        _GIT_VARIABLES,
        network=distant or line.has("--recursive"),
    )


def _clone_settings(rest: tuple[str, ...]) -> list[str]:
    """Puts ``-c`` and ``--config`` of clone in front, where `_without_settings` reads them."""
    front: list[str] = []
    others: list[str] = []
    queue = list(reversed(rest))
    while queue:
        word = queue.pop()
        if word in ("-c", "--config") and queue:
            front += ["-c", queue.pop()]
        else:
            others.append(word)
    return [*front, *others]


# gpg(1): key handling and verification; keyrings and trust databases hold times.
_GPG = Syntax(
    "--batch --yes --no-tty -q|--quiet -v|--verbose --armor|-a --dearmor --enarmor -o|--output="
    " --import --verify --recv-keys|--recv-key|--receive-keys --keyserver= --keyserver-options="
    " --homedir= --no-default-keyring --keyring= --export --fingerprint --list-keys|-k"
    " --list-public-keys --with-colons --show-keys --trust-model= --always-trust --decrypt|-d"
    " --import-options= --export-options= --no-auto-check-trustdb --import-ownertrust"
    " --keyid-format="
    " --with-fingerprint --delete-keys --delete-key --no-options --no-permission-warning"
    " --status-fd="
    " --refresh-keys --locate-keys --auto-key-locate= --no-keyring --version --help --status-file=",
)  # fmt: skip


def _gpg(call: Call) -> Touch:
    line = _GPG.read(call.words[1:])
    if line.has("--status-file"):
        raise Unknown
    named = line.values("--homedir") or tuple(
        v for v in [call.env.get("GNUPGHOME")] if v is not None
    )
    if not named and "GNUPGHOME" not in call.env and HOLE in call.directory and line.has("-o"):
        raise Unknown
    settings = places(call, named) if named else homes(call, ".gnupg")
    keyrings = places(call, (w.removeprefix("gnupg-ring:") for w in line.values("--keyring")))
    looks = line.has("--recv-keys", "--refresh-keys", "--locate-keys", "--keyserver",
                     "--auto-key-locate")  # fmt: skip
    files = () if line.has("--recv-keys", "--export", "--fingerprint", "--list-keys",
                           "--list-public-keys", "--delete-keys", "--delete-key",
                           "--locate-keys", "--refresh-keys") else line.operands  # fmt: skip
    outputs = list(line.values("-o"))
    if line.has("--dearmor", "--enarmor", "--decrypt") and not outputs:
        outputs = [f"{word}{end}" for word in files for end in (".gpg", ".asc")]
    if line.has("--verify") and len(files) == 1:
        files = (*files, re.sub(r"\.(?:asc|sig|sign)$", "", files[0]))
    rings = tuple(f"{path}{end}" for path in keyrings for end in ("", "~", ".lock"))
    return Touch(
        (*settings, *places(call, files), *rings, "/etc/gnupg", "/usr/share/gnupg"),
        (*settings, *rings, *places(call, outputs), "/run/user"),
        ("GNUPGHOME", "GPG_*", *PROXIES),
        network=looks,
    )


def _gpg_agents(call: Call) -> Touch:
    """gpgconf(1): starts and ends the daemons of a home, which keep their sockets there."""
    words = set(call.words[1:])
    if not words & {"--kill", "-K", "--launch", "--list-dirs", "--reload", "-R"}:
        raise Unknown
    named = call.env.get("GNUPGHOME")
    home = places(call, [named]) if named else homes(call, ".gnupg")
    return Touch((*home, "/etc/gnupg"), (*home, "/run/user"), ("GNUPGHOME",))


ROWS: Mapping[str, Callable[[Call], Touch]] = {
    "curl": _curl,
    "wget": _wget,
    "aria2c": _aria2,
    "git": _git,
    "gpg": _gpg,
    "gpgconf": _gpg_agents,
}
