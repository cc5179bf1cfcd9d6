"""A bare Debian 12 in a folder, and commands that run in it as on a machine of its own.

It shares this machine's kernel and network, package sources, pip settings and certificates; nothing else. Every command
runs in a process and mount namespace that ends with it: no process and no mount of it can be left, whatever happens.
"""

from __future__ import annotations

import fcntl
import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

SUITE: Final = "bookworm"

#: How long making it may take, in seconds.
DEBOOTSTRAP_S: Final = 1200

#: In it is what a user's home would be.
HOME: Final = Path("/root")

#: The folder's name begins so, wherever temporary files are.
PREFIX: Final = "readthrough-fresh-"

#: Programs that are needed here, and the Debian package of each.
PROGRAMS: Final[Mapping[str, str]] = {"debootstrap": "debootstrap", "unshare": "util-linux", "git": "git"}

#: Ends with us even if we are killed, and takes its whole world with it.
IN_A_WORLD_OF_ITS_OWN: Final = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--propagation", "private", "--"),
)

#: What a machine's own kernel has mounted before anything runs; then the command.
BOOT: Final = """
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mkdir -p "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$1/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
exec chroot "$1" sh -c "$2"
"""

#: How this machine reaches the world: copied as far as they exist here.
SETTINGS: Final = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/xdg/pip",
    "/root/.config/pip",
    "/root/.pip",
    "/usr/local/share/ca-certificates",
    "/etc/ssl/certs",
)

#: The same for apt, where this machine is of the same suite.
APT_SETTINGS: Final = ("/etc/apt", "/usr/share/keyrings")

#: Variables that say how the world is reached. Where one names a file or a folder of this machine, that comes along.
VARIABLES: Final = re.compile(
    r"PIP_(?!CACHE_DIR)\w+|(https?|ftp|all|no)_proxy|SSL_CERT_(FILE|DIR)|(CURL|REQUESTS)_CA_BUNDLE|NODE_EXTRA_CA_CERTS",
    re.IGNORECASE,
)


class CannotBeMade(Exception):
    """There can be no new machine here; the message says why in one line."""


class Failed(Exception):
    """A command on the new machine failed; the message says which, and how."""


class BareMachine:
    """The new machine, in a folder of this one."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "root"

    def make(self) -> None:
        """Have debootstrap make it.

        Raises:
            Failed: it could not.
        """
        mirror = mirror_of(SUITE)
        self._run(
            [
                *("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, str(self.root)),
                *([mirror] if mirror else []),
            ],
            dict(os.environ),
            DEBOOTSTRAP_S,
        )
        same_suite = platform.freedesktop_os_release().get("VERSION_CODENAME") == SUITE
        if same_suite:
            # debootstrap's own choice of sources would stand beside this machine's.
            (self.root / "etc/apt/sources.list").unlink(missing_ok=True)
        named = (word for value in self._variables().values() for word in value.split() if word.startswith("/"))
        for path in (*SETTINGS, *(APT_SETTINGS if same_suite else ()), *named):
            self._bring(Path(path))

    def run(self, command: str, *, folder: Path = HOME, timeout_s: float) -> None:
        """Run a line of shell in that folder of it, with what it says on our standard output.

        Raises:
            Failed: it ended with another code than 0, or not in time.
        """
        environment = {
            "HOME": str(HOME),
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
            **self._variables(),
        }
        self._run(["sh", "-ec", BOOT, "boot", str(self.root), f"cd {folder} && {command}"], environment, timeout_s)

    def _run(self, command: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> None:
        try:
            done = subprocess.run(
                [*IN_A_WORLD_OF_ITS_OWN, *command],
                env=environment,
                stdin=subprocess.DEVNULL,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"`{command[-1]}` did not end within {timeout_s:.0f} s") from None
        if done.returncode != 0:
            raise Failed(f"`{command[-1]}` ended with code {done.returncode}")

    @staticmethod
    def _variables() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if VARIABLES.fullmatch(name)}

    def _bring(self, path: Path) -> None:
        if path.exists():
            there = self.root / path.relative_to("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            # Whatever is there is replaced, and no link of it followed: it would lead out of the folder.
            copy = ["cp", "--archive", "--remove-destination", "--no-target-directory"]
            subprocess.run([*copy, str(path.resolve()), str(there)], check=True)


def require_means() -> None:
    """Raise CannotBeMade unless this is root on a Linux that has what is needed."""
    if os.geteuid() != 0:
        raise CannotBeMade("it wants root: debootstrap, chroot and mount do")
    lacking = [package for program, package in PROGRAMS.items() if shutil.which(program) is None]
    if lacking:
        raise CannotBeMade(f"it wants `apt-get install {' '.join(lacking)}`")
    tried = subprocess.run([*IN_A_WORLD_OF_ITS_OWN, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise CannotBeMade(f"namespaces cannot be made here: {tried.stderr.strip()}")


@contextmanager
def temporary_folder() -> Generator[Path]:
    """A folder that is gone afterwards. Those of earlier runs that were killed go first."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(BlockingIOError), _held(old):
            _delete(old)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    with _held(folder):
        # debootstrap's programs run under accounts that must come through here.
        folder.chmod(0o755)
        try:
            yield folder
        finally:
            _delete(folder)


def mirror_of(suite: str, settings: Path = Path("/etc/apt")) -> str | None:
    """Where this machine gets the packages of that suite, by its own settings; None leaves it to debootstrap."""
    files = [settings / "sources.list", *sorted((settings / "sources.list.d").glob("*"))]
    for text in (file.read_text() for file in files if file.suffix in (".list", ".sources") and file.is_file()):
        for stanza in re.split(r"\n\s*\n", text):
            lines = [line for line in stanza.splitlines() if not line.startswith("#")]
            fields = dict(re.findall(r"^([\w-]+):\s*(.*)$", "\n".join(lines), re.MULTILINE))
            if suite in fields.get("Suites", "").split():
                return fields["URIs"].split()[0]
            for line in lines:
                if found := re.match(rf"deb\s+(?:\[.*?\]\s+)?(\S+)\s+{suite}\s", line):
                    return found[1]
    return None


@contextmanager
def _held(folder: Path) -> Generator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _delete(folder: Path) -> None:
    # What ran in it is being killed; its last files may still be coming.
    for _ in range(100):
        if subprocess.run(["rm", "-rf", "--one-file-system", str(folder)], check=False).returncode == 0:
            return
        time.sleep(0.1)
