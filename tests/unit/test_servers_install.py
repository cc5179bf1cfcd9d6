"""What the system must have, installed: with an apt-get and a dpkg that only write down what they were asked."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.servers import apt, install, needs
from tests.servers.apt import InstallError, Patience, one_at_a_time, services_stay_off

ROOT = Path(__file__).parents[2]

#: No test waits for real.
HASTE = Patience(pauses_s=(0, 0, 0), locks_s=60, first_look_s=0, longest_look_s=0)

#: Takes the place of apt-get and of dpkg. What it answers is in a file for each kind of call; one that is not told
#: succeeds. An install waits while there is a file `held`, which a SIGINT ends as apt-get would be ended.
STAND_IN = """#!{python}
import json, signal, sys, time
from pathlib import Path

home = Path({home!r})
kind = next(word for word in ("--configure", "--fix-broken", "update", "install") if word in sys.argv)
signal.signal(signal.SIGINT, lambda *_: (home / "interrupted").touch() or sys.exit(130))
with (home / "calls").open("a") as calls:
    calls.write(kind + "\\n")
while kind == "install" and (home / "held").exists():
    time.sleep(0.01)
answers = home / (kind + ".answers")
told = json.loads(answers.read_text()) if answers.exists() else []
if told:
    answers.write_text(json.dumps(told[1:]))
    sys.stderr.write(told[0])
    sys.exit(100)
if kind == "install":
    (home / sys.argv[-1]).touch()
"""

FRONTEND_LOCK = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 42 (apt-get)"
LOCKS = [
    FRONTEND_LOCK,
    "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
    "E: Unable to lock directory /var/lib/apt/lists/",
    "dpkg: error: dpkg frontend lock was locked by another process with pid 42",
    "dpkg: error: dpkg frontend lock is locked by another process",
]
INTERRUPTED = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."
HALF_UNPACKED = "E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution)."
UNKNOWN = "E: Unable to locate package thing"

#: The command, on a machine whose paths are ours and that lacks one thing.
COMMAND = """
import sys
from pathlib import Path
from tests.servers import apt, install, needs

home = Path(sys.argv[1])
apt.LOCK, apt.SERVICE_POLICY = home / "lock", home / "policy-rc.d"
apt.may_install = lambda: True
needs.NEEDS = [needs.Need("thing", "thing", lambda _environment: (home / "thing").exists())]
sys.exit(install.main())
"""


class Machine:
    """A machine whose apt-get and dpkg are stand-ins."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.policy = home / "policy-rc.d"
        self.lock = home / "lock"
        self.started: list[subprocess.Popen[bytes]] = []
        (home / "bin").mkdir()
        for name in ("apt-get", "dpkg"):
            program = home / "bin" / name
            program.write_text(STAND_IN.format(python=sys.executable, home=str(home)))
            program.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        """The kinds of calls, in their order."""
        calls = self.home / "calls"
        return calls.read_text().split() if calls.exists() else []

    def answers(self, kind: str, words: Sequence[str]) -> None:
        """The next calls of this kind fail, with these words."""
        (self.home / f"{kind}.answers").write_text(json.dumps(words))

    def install(self, patience: Patience = HASTE) -> None:
        """Install `thing`."""
        with one_at_a_time(self.lock, lambda: None) as lock:
            apt.install(["thing"], lock, patience)

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """The command, in a process of its own; what it says is in the file of that name."""
        with (self.home / name).open("wb") as said:
            process = subprocess.Popen([sys.executable, "-c", COMMAND, self.home], cwd=ROOT, stdout=said, stderr=said)
        self.started.append(process)
        return process

    def end(self) -> None:
        """End what is left of it, after a test that failed."""
        (self.home / "held").unlink(missing_ok=True)
        for process in self.started:
            process.kill()
            process.wait()

    def asked(self) -> int:
        """What the policy says to RabbitMQ's package."""
        return subprocess.run([self.policy, "rabbitmq-server", "start"], check=False).returncode


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(apt, "LOCK", made.lock)
    monkeypatch.setattr(apt, "SERVICE_POLICY", made.policy)
    monkeypatch.setattr(apt, "may_install", lambda: True)
    monkeypatch.setattr(apt, "PATIENCE", HASTE)
    monkeypatch.setattr(
        needs,
        "NEEDS",
        [needs.Need("thing", "thing", lambda _environment: (tmp_path / "thing").exists(), "a substitute")],
    )
    yield made
    made.end()


@pytest.mark.parametrize("words", LOCKS)
def test_a_held_lock_is_waited_for(machine: Machine, words: str) -> None:
    machine.answers("install", [words] * 5)

    machine.install()

    assert machine.calls == ["install"] * 6


def test_the_lock_of_the_lists_is_waited_for_in_an_update(machine: Machine) -> None:
    machine.answers("install", [UNKNOWN])
    machine.answers("update", ["E: Unable to lock directory /var/lib/apt/lists/"] * 3)

    machine.install()

    assert machine.calls == ["install", "--configure", "--fix-broken", *["update"] * 4, "install"]


def test_a_lock_that_nobody_lets_go_of_is_not_waited_for_without_end(machine: Machine) -> None:
    machine.answers("install", [FRONTEND_LOCK] * 100)

    with pytest.raises(InstallError, match="is held by process 42"):
        machine.install(Patience(pauses_s=(), locks_s=0.1, first_look_s=0.03, longest_look_s=0.03))


@pytest.mark.parametrize("words", [INTERRUPTED, HALF_UNPACKED])
def test_an_interrupted_dpkg_is_repaired(machine: Machine, words: str) -> None:
    machine.answers("install", [words])

    machine.install()

    repaired = [call for call in machine.calls if call != "update"]
    assert repaired == ["install", "--configure", "--fix-broken", "install"]


def test_lists_are_updated_only_where_that_can_help(machine: Machine) -> None:
    machine.install()
    machine.answers("install", [INTERRUPTED])
    machine.install()
    assert "update" not in machine.calls

    machine.answers("install", [UNKNOWN])
    machine.install()
    assert machine.calls.count("update") == 1


def test_what_fails_to_the_last_is_said_with_its_reason(machine: Machine) -> None:
    machine.answers("install", [UNKNOWN] * 100)

    with pytest.raises(InstallError, match=r"`apt-get install thing` failed: E: Unable to locate package thing"):
        machine.install()

    assert machine.calls.count("install") == 1 + len(HASTE.pauses_s)


def test_two_at_once_install_once(machine: Machine) -> None:
    (machine.home / "held").touch()
    first = machine.start("first")
    wait_until(lambda: machine.calls == ["install"])
    second = machine.start("second")
    wait_until(lambda: "waiting for it" in (machine.home / "second").read_text())

    (machine.home / "held").unlink()

    assert (first.wait(30), second.wait(30)) == (0, 0)
    assert machine.calls == ["install"]


def test_one_that_is_stopped_lets_apt_end_and_takes_its_policy_away(machine: Machine) -> None:
    (machine.home / "held").touch()
    stopped = machine.start("stopped")
    wait_until(lambda: machine.calls == ["install"])
    assert machine.asked() == apt.SERVICE_FORBIDDEN

    stopped.send_signal(signal.SIGTERM)

    assert stopped.wait(30) == 130
    assert (machine.home / "interrupted").exists()
    assert not machine.policy.exists()


def test_what_is_here_is_left_alone(machine: Machine) -> None:
    (machine.home / "thing").touch()

    assert install.main() == 0
    assert machine.calls == []


def test_what_is_missing_is_installed(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.main() == 0
    assert machine.calls == ["install"]
    assert capsys.readouterr().out == "Installing thing with apt-get ...\n"


def test_where_nothing_may_be_installed_one_line_says_what_to_install(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(apt, "may_install", lambda: False)

    assert install.main() == 1

    assert machine.calls == []
    assert capsys.readouterr().err == (
        "the tests need what is not on this machine: thing. As root on Debian or Ubuntu: "
        "`apt-get install --no-install-recommends thing`; for thing also a substitute\n"
    )


def test_what_cannot_be_installed_is_said_in_one_line_with_the_reason(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.answers("install", [f"Reading package lists...\n{UNKNOWN}"] * 100)

    assert install.main() == 1

    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "apt-get install --no-install-recommends thing" in said
    assert "Installing it here failed" in said
    assert UNKNOWN in said


def test_a_package_that_does_not_bring_what_it_should_is_found_out(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs, "NEEDS", [needs.Need("thing", "another", lambda _environment: False)])

    assert install.main() == 1


def test_what_does_as_well_is_enough_where_nothing_may_be_installed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apt, "may_install", lambda: False)
    monkeypatch.setattr(
        needs, "NEEDS", [needs.Need("thing", "thing", lambda _environment: False, has_substitute=lambda: True)]
    )

    assert install.main() == 0


def test_with_the_address_of_a_rabbitmq_none_is_needed() -> None:
    assert needs.RABBITMQ.is_met({"RABBITMQ_URL": "amqp://server/"})
    assert needs.RABBITMQ not in needs.missing({"RABBITMQ_URL": "amqp://server/"})


@pytest.mark.skipif(shutil.which("flock") is None, reason="a policy of Debian's, which has flock")
def test_a_policy_of_ours_forbids_nothing_once_we_are_gone_and_is_deleted_by_the_next(machine: Machine) -> None:
    with one_at_a_time(machine.lock, lambda: None), services_stay_off(machine.policy, machine.lock):
        assert machine.asked() == apt.SERVICE_FORBIDDEN
        left = machine.policy.read_text()
    assert not machine.policy.exists()

    # As after a kill -9.
    machine.policy.write_text(left)
    machine.policy.chmod(0o755)
    assert machine.asked() == 0

    with one_at_a_time(machine.lock, lambda: None), services_stay_off(machine.policy, machine.lock):
        assert machine.asked() == apt.SERVICE_FORBIDDEN
    assert not machine.policy.exists()


def test_a_policy_that_forbids_is_left_as_it_is(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 101\n")
    machine.policy.chmod(0o755)
    before = machine.policy.stat()

    with services_stay_off(machine.policy, machine.lock):
        assert machine.policy.stat() == before
    assert machine.policy.stat() == before


@pytest.mark.parametrize("mode", [0o755, 0o644])
def test_beside_a_policy_that_would_let_services_start_nothing_is_installed(machine: Machine, mode: int) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 0\n")
    machine.policy.chmod(mode)

    assert install.main() == 1

    assert machine.calls == []
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0\n"
