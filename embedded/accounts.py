"""The account that PostgreSQL runs under when we are root, as which it refuses to run: made, and let in."""

import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from embedded.errors import EmbeddedServerError

#: Its name.
ROOTS_ACCOUNT = "readthrough"


@dataclass(frozen=True)
class Account:
    """The user and group that a child of root runs as."""

    uid: int
    gid: int


def roots_account() -> Account:
    """The account for the server of a root; made when it is not there. Raises EmbeddedServerError when it cannot be."""
    try:
        account = pwd.getpwnam(ROOTS_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ROOTS_ACCOUNT]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise EmbeddedServerError(
                f"PostgreSQL does not run as root, and an account {ROOTS_ACCOUNT!r} for it cannot be made ({error}): "
                "run as an ordinary user"
            ) from error
        account = pwd.getpwnam(ROOTS_ACCOUNT)
    return Account(account.pw_uid, account.pw_gid)


def let_pass(account: Account, path: Path) -> None:
    """Let the account go through the directories above `path`, and no more than go through: not list them.

    A directory whose group may do nothing in it is given to the account's group, so that nobody else gets in.
    """
    for directory in path.parents:
        status = directory.stat()
        mode = stat.S_IMODE(status.st_mode)
        if mode & stat.S_IXOTH:
            continue
        if status.st_gid == account.gid or not mode & stat.S_IRWXG:
            os.chown(directory, -1, account.gid)
            directory.chmod(mode | stat.S_IXGRP)
        else:
            directory.chmod(mode | stat.S_IXOTH)


def let_run(account: Account, programs: Path) -> None:
    """Let the account run PostgreSQL's programs, also when they were installed for root alone."""
    let_pass(account, programs)
    if (programs / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in [programs.parent, *programs.parent.rglob("*")]:
        path.chmod(stat.S_IMODE(path.stat().st_mode) | stat.S_IROTH | stat.S_IXOTH)
