"""`readthrough jobs`: list, show, cancel, resubmit, download."""

from __future__ import annotations

import argparse
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from client.commands.common import Here, connected, say, say_json, server_options, told
from client.commands.progress import ProgressBar
from client.nouns import Job
from client.synchronous import Readthrough

_PROG: Final = "readthrough jobs"


def main(argv: list[str], here: Here) -> int:
    """The command."""
    return told(_PROG, lambda: _act(_parser().parse_args(argv), here))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=_PROG, description="Look after jobs.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    options = [server_options()]
    listing = actions.add_parser("list", parents=options, help="the latest, newest first")
    listing.add_argument("--limit", type=int, default=20, help="how many: 1 to 100, by default 20")
    listing.add_argument(
        "--status",
        choices=["pending", "processing", "completed", "failed", "cancelled"],
        help="only those",
    )
    for name, what in (
        ("show", "all of a job"),
        ("wait", "follow a job to its end"),
        ("cancel", "take a pending job back"),
        ("resubmit", "a new job with the input of one that has failed or was cancelled"),
    ):
        actions.add_parser(name, parents=options, help=what).add_argument("id", help="of the job, as listed")
    download = actions.add_parser("download", parents=options, help="save the audio of a completed job")
    download.add_argument("id", help="of the job, as listed")
    download.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="where to")
    return parser


def _act(given: argparse.Namespace, here: Here) -> int:
    with connected(given, here) as client:
        match given.action:
            case "list":
                _tell_list(client.jobs(given.limit, given.status), as_json=given.json)
            case "download":
                say(str(client.download(given.id, given.output)))
            case _:
                _tell(_looked_at(client, given.action, given.id), as_json=given.json)
    return 0


def _looked_at(client: Readthrough, action: str, job_id: str) -> Job:
    match action:
        case "wait":
            with ProgressBar() as bar:
                return client.wait(job_id, bar.show)
        case "cancel":
            return client.cancel(job_id)
        case "resubmit":
            return client.resubmit(job_id)
        case _:
            return client.job(job_id)


def _tell_list(jobs: Sequence[Job], *, as_json: bool) -> None:
    if as_json:
        say_json([job.raw for job in jobs])
        return
    say(f"{'ID':<36}  {'STATUS':<10}  {'CREATED':<20}  {'TURNS':>9}  TITLE")
    for job in jobs:
        turns = f"{job.progress.turns_done}/{job.progress.turns_total}" if job.progress else ""
        say(
            f"{job.id}  {job.status:<10}  {job.raw['created_at'][:19]}Z  {turns:>9}  {_printable(job.raw.get('title'))}"
        )


def _tell(job: Job, *, as_json: bool) -> None:
    if as_json:
        say_json(job.raw)
        return
    lines: list[tuple[str, Any]] = [
        ("id", job.id),
        ("status", job.status),
        ("provider", job.provider),
        ("created", job.raw["created_at"]),
        ("turns", f"{job.progress.turns_done} of {job.progress.turns_total}" if job.progress else None),
        ("audio", f"{job.duration_ms / 1000:.1f} s" if job.duration_ms else None),
        ("reason", f"{job.error_code}: {job.error_message}" if job.error_code else None),
        ("kept until", job.raw.get("expires_at")),
    ]
    for name, value in lines:
        if value is not None:
            say(f"{name:<11} {_printable(value)}")


def _printable(value: Any) -> str:
    """Without what would steer a terminal."""
    return "".join(sign for sign in str(value or "") if unicodedata.category(sign)[0] != "C")
