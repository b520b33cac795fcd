"""Processes of a world: in namespaces of their own, known by id and start time, one log each."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
_NAMES = "localhost upbound-function-upbound-environment.crossplane-system upbound-function-nothing.crossplane-system"
_HOLD = (
    f"ip link set lo up && mount -t tmpfs tmpfs /run && mkdir -p {SERVICE_ACCOUNT} && "
    f"printf '127.0.0.1 {_NAMES}\\n::1 {_NAMES}\\n' > /run/hosts && mount --bind /run/hosts /etc/hosts && exec sleep infinity"
)
_STOP_SECONDS = 15
_MINE: list[subprocess.Popen[bytes]] = []
"""What this process has started; it outlives us, and Python is not to complain of that."""


class Sandbox:
    """A network namespace that has only `lo`, and a mount namespace with a /run of its own: nothing clashes, nothing leaves.

    Processes are found again by another Sandbox over the same directory, so a world outlives the command that made it.
    """

    def __init__(self, directory: Path) -> None:
        """Keep process ids and logs in `directory`."""
        self.logs, self._pids, self._home = directory / "log", directory / "run", directory / "home"

    def open(self) -> None:
        """Make the namespaces, if they are not there."""
        for path in (self.logs, self._pids, self._home):
            path.mkdir(parents=True, exist_ok=True)
        if not self.alive("sandbox"):
            self._start("sandbox", ["unshare", "--net", "--mount", "sh", "-c", _HOLD], {})
            time.sleep(0.3)

    def enter(self, command: Sequence[str]) -> list[str]:
        """`command`, to be run in the namespaces."""
        return ["nsenter", f"--target={self.pid('sandbox')}", "--net", "--mount", f"--wd={Path.cwd()}", *command]

    def spawn(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None, account: Path | None = None) -> None:
        """Start a process, unless it is running. With `account`, a directory, it finds a service account where a pod finds one."""
        if self.alive(name):
            return
        if account:
            mount = f"mount --bind {shlex.quote(str(account))} {SERVICE_ACCOUNT} && exec {shlex.join(command)}"
            command = ["unshare", "--mount", "sh", "-c", mount]
        self._start(name, self.enter(command), env or {})

    def alive(self, name: str) -> bool:
        """Whether the process that was started as `name` runs."""
        return self.pid(name) != 0

    def pid(self, name: str) -> int:
        """Its id, or 0. An id that another process has now is not taken for it."""
        try:
            pid, started = (self._pids / name).read_text().split()
        except (FileNotFoundError, ValueError):
            return 0
        return int(pid) if started == _started(int(pid)) else 0

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and all that it started, and wait until it is gone."""
        if pid := self.pid(name):
            _signal(pid, how)
            deadline = time.monotonic() + _STOP_SECONDS
            while self.alive(name):
                if time.monotonic() > deadline:
                    _signal(pid, signal.SIGKILL)
                time.sleep(0.05)

    def close(self, *names: str) -> None:
        """Stop `names`, in this order, then everything else, and the namespaces last."""
        rest = sorted(p.name for p in self._pids.glob("*") if p.name not in (*names, "sandbox"))
        for name in (*names, *rest, "sandbox"):
            self.kill(name, signal.SIGTERM)
            (self._pids / name).unlink(missing_ok=True)

    def log(self, name: str, lines: int = 20) -> str:
        """The end of a process's log."""
        with contextlib.suppress(FileNotFoundError):
            return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
        return ""

    def _start(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        # Nothing of the caller's: no proxies, no credentials, no home.
        base = {"PATH": os.environ["PATH"], "HOME": str(self._home), "LANG": "C.UTF-8"}
        with (self.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(  # Our own commands.
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**base, **env}, start_new_session=True
            )
        _MINE.append(process)
        (self._pids / name).write_text(f"{process.pid} {_started(process.pid)}")


def _signal(pid: int, how: signal.Signals) -> None:
    """Send a signal to a process and all that it started, unless it is gone by now."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, how)


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty if there is none, or only a zombie.

    The first thread may be one while others have not ended yet, and with them what the process listens on.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except (FileNotFoundError, ProcessLookupError):  # The latter, when it ends between the opening and the reading.
        return ""
    return "" if fields[0] == "Z" and threads == 1 else fields[19]
