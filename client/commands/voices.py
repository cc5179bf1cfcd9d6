"""`readthrough voices`: whom a server can let speak."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Final

from client.commands.common import Here, connected, say, say_json, server_options, told

_PROG: Final = "readthrough voices"


def main(argv: list[str], here: Here) -> int:
    """The command."""
    return told(_PROG, lambda: _list(_parser().parse_args(argv), here))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROG,
        parents=[server_options()],
        description="The voices of a provider; without one, the providers.",
    )
    parser.add_argument("provider", nargs="?", help="whose voices")
    parser.add_argument("--language", help="only these: `zh` is every Chinese, `zh-TW` Taiwan's alone")
    return parser


def _list(given: argparse.Namespace, here: Here) -> int:
    with connected(given, here) as client:
        if given.provider is None:
            _tell_providers(client.providers(), as_json=given.json)
            return 0
        voices = client.voices(given.provider, given.language)
    if given.json:
        say_json([voice.raw for voice in voices])
        return 0
    say(f"{'VOICE':<32}  {'LANGUAGE':<10}  {'GENDER':<8}  NAME")
    for voice in voices:
        say(f"{voice.voice_id:<32}  {voice.language:<10}  {voice.gender or '':<8}  {voice.voice_name}")
    return 0


def _tell_providers(providers: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        say_json(providers)
        return
    say(f"{'PROVIDER':<12}  STATE")
    for one in providers:
        missing = ", ".join(one.get("missing_settings", []))
        say(f"{one['name']:<12}  {'ready' if one['configured'] else f'not configured: {missing}'}")
