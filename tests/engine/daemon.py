"""A private engine: started, waited for, and gone with everything it started.

The engine runs in a process and a mount namespace of its own, so that the kernel ends
every process and drops every mount when its first process ends, however that happens.
Socket, data root and configuration lie in a run folder; an engine that the user already
runs is never touched, and its configuration file is never read.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.engine.parts import EngineUnavailable, Parts, cache_folder, ensure_parts

START_SECONDS = 60
STOP_SECONDS = 10
KEPT_LOGS = 10
MEMORY_WANTED = 12 << 30
MEMORY_LIMIT = 8 << 30
"""What the engine's files may take; `tests.engine.bases.make_room` keeps them below."""
SOCKET_LIMIT = 107
"""Longest path of a Unix socket, from unix(7)."""


class Store(Enum):
    """Where an engine keeps images: what new installations had up to 28, and from 29 on.

    Only the latter carries out ``COPY --link``; the former copies as if it were not there.
    """

    GRAPH_DRIVER = "graph driver"
    CONTAINERD = "containerd"


@dataclass(frozen=True)
class Engine:
    """A running engine. ``folder`` is its run folder, ``pid`` the process that holds it."""

    parts: Parts
    folder: Path
    log: Path
    pid: int

    @property
    def host(self) -> str:
        """The value of ``DOCKER_HOST`` for this engine."""
        return f"unix://{self.folder / 'docker.sock'}"

    @property
    def environment(self) -> Mapping[str, str]:
        """An environment in which ``docker`` and ``docker-buildx`` speak to this engine."""
        own = {
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": str(self.folder / "config"),
            "PATH": self.parts.path,
        }
        ours = ("DOCKER_CONTEXT", "BUILDX_BUILDER", "BUILDKIT_HOST", "DOCKER_DEFAULT_PLATFORM")
        return {name: value for name, value in os.environ.items() if name not in ours} | own

    def docker(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Runs ``docker`` to its end. Raises ``subprocess.TimeoutExpired`` after ``timeout``."""
        return self._run("docker", *arguments, timeout=timeout)

    def buildx(self, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[bytes]:
        """Runs the buildx plugin without going through ``docker``, which starts it twice."""
        return self._run("docker-buildx", *arguments, timeout=timeout)

    def answers(self) -> bool:
        """Tells whether the engine answers now."""
        try:
            return self.docker("info", timeout=10).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    @property
    def fullness(self) -> float:
        """How full the file system of the engine's files is, from 0 to 1; others may write there
        too where it is not the engine's own."""
        # The engine's mounts are seen through one of its processes (proc(5), /proc/PID/root).
        found = os.statvfs(f"/proc/{self.pid}/root{self.folder / 'data'}")
        return 1 - found.f_bavail / found.f_blocks

    def forget_builds(self) -> None:
        """Empties the build cache, cache mounts included, so that the next build is cold."""
        done = self.buildx("prune", "--all", "--force")
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace"))

    def _run(self, *command: str, timeout: float) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )

    def log_tail(self, lines: int = 15) -> str:
        """Returns the last lines of the engine's own log; "" where a later engine has cleared it
        away, which must not hide the failure that it would explain."""
        try:
            text = self.log.read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def stop(self) -> None:
        """Ends the engine and removes its run folder. Safe to call twice."""
        _end(self.pid)
        _remove(self.folder)


def start_engine(*, store: Store = Store.GRAPH_DRIVER, outlive: bool = False) -> Engine:
    """Starts a private engine and returns it once it answers.

    With ``outlive`` it keeps running after this process; otherwise the kernel ends it with
    this process. Raises `EngineUnavailable` where none can run, with the log's end when it
    did not come up.
    """
    parts = ensure_parts()
    runs = cache_folder() / "runs"
    runs.mkdir(exist_ok=True)
    remove_stale_runs(runs)
    folder = runs / "up" if outlive else Path(tempfile.mkdtemp(prefix="", dir=runs))
    folder.mkdir(exist_ok=True)
    _prepare(folder, parts, store)
    log = _new_log(folder.name)
    engine = Engine(parts, folder, log, _spawn(folder, parts, log, outlive=outlive))
    try:
        _wait_until_ready(engine)
    except BaseException:
        engine.stop()
        raise
    return engine


def running_engine() -> Engine | None:
    """Returns the engine that ``start_engine(outlive=True)`` left running, or None."""
    folder = cache_folder() / "runs/up"
    if not folder.is_dir() or _is_stale(folder):
        return None
    pid = int((folder / "pid").read_text())
    return Engine(ensure_parts(), folder, Path((folder / "log").read_text()), pid)


def remove_stale_runs(runs: Path) -> None:
    """Removes the run folders of engines that are gone (their parent was killed)."""
    for folder in runs.iterdir():
        if _is_stale(folder):
            _remove(folder)


def _prepare(folder: Path, parts: Parts, store: Store) -> None:
    longest = folder / "exec/containerd/containerd-debug.sock"
    if len(str(longest)) > SOCKET_LIMIT:
        raise EngineUnavailable(
            f"The engine's sockets would have paths of over {SOCKET_LIMIT} bytes: {longest}",
            "Point XDG_CACHE_HOME to a folder with a shorter path.",
        )
    (folder / "config").mkdir()
    extra = {"cliPluginsExtraDirs": [str(parts.prefix / "usr/libexec/docker/cli-plugins")]}
    (folder / "config/config.json").write_text(json.dumps(extra))
    features = {"containerd-snapshotter": store is Store.CONTAINERD}
    (folder / "daemon.json").write_text(json.dumps({"features": features}))


def _spawn(folder: Path, parts: Parts, log: Path, *, outlive: bool) -> int:
    """Starts dockerd in namespaces of its own and returns the process that holds them.

    dockerd and all it starts inherit the locked file, so the lock says whether any is left.
    """
    command = [
        *([] if outlive else ["setpriv", "--pdeathsig", "KILL"]),
        *("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"),
        *_on_memory(folder / "data"),
        *("dockerd", "--config-file", str(folder / "daemon.json")),
        *("--host", f"unix://{folder / 'docker.sock'}", "--pidfile", str(folder / "dockerd.pid")),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
        # A build uses the host's network, so the machine's own is left as it is.
        *("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
    ]
    with (folder / "lock").open("w") as lock, log.open("wb") as output:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PATH": parts.path},
            pass_fds=[lock.fileno()],
            start_new_session=True,
        )
    (folder / "pid").write_text(str(process.pid))
    (folder / "log").write_text(str(log))
    return process.pid


def _on_memory(folder: Path) -> list[str]:
    """Returns a prefix for a command that gives it ``folder`` in memory, where there is enough.

    The engine writes gigabytes of small files, syncs them and drops them at the end; in memory
    that is several times as fast, and goes with the mount namespace.
    """
    folder.mkdir()
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    if int(fields["MemAvailable"].split()[0]) * 1024 < MEMORY_WANTED:
        return []
    mount = f'mount -t tmpfs -o size={MEMORY_LIMIT},mode=711 dockopt-engine "$0" && exec "$@"'
    return ["sh", "-c", mount, str(folder)]


def _wait_until_ready(engine: Engine) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and _is_alive(engine.pid):
        if (engine.folder / "docker.sock").exists() and engine.answers():
            return
        time.sleep(0.2)
    raise EngineUnavailable(
        f"The engine did not come up; its log is {engine.log}",
        f"The log's end:\n{engine.log_tail()}",
    )


def _end(pid: int) -> None:
    """Asks dockerd to stop (it takes its control groups away), then kills its namespace."""
    for child in _children(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _is_alive(pid):
        os.kill(pid, signal.SIGKILL)
        while _is_alive(pid):
            time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _children(pid: int) -> Sequence[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _is_stale(folder: Path) -> bool:
    try:
        with (folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        # Made a moment ago by a process that is about to lock it, or left by one that died.
        return time.time() - folder.stat().st_mtime > START_SECONDS
    except BlockingIOError:
        return False
    return True


def _remove(folder: Path) -> None:
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)
    shutil.rmtree(folder)


def _new_log(name: str) -> Path:
    folder = cache_folder() / "logs"
    folder.mkdir(exist_ok=True)
    for old in sorted(folder.glob("*.log"))[: -KEPT_LOGS + 1]:
        old.unlink(missing_ok=True)
    return folder / f"{time.strftime('%Y%m%dT%H%M%S')}-{name}.log"
