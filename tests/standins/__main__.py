"""A stand-in as a process of its own: `python -m tests.standins openai --port 8081`.

It writes its address as one line and runs until it is told to stop (SIGTERM, Ctrl-C). `POST /_control` takes what the
methods of `StandIn` take, as `{"fail": {"times": 2, "status": 503}}`; `GET /_calls` gives what has come so far.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping

from tests.standins.azure import AzureStandIn
from tests.standins.cartesia import CartesiaStandIn
from tests.standins.deepgram import DeepgramStandIn
from tests.standins.elevenlabs import ElevenLabsStandIn
from tests.standins.gemini import GeminiStandIn
from tests.standins.google import GoogleStandIn
from tests.standins.openai import OpenAIStandIn
from tests.standins.polly import PollyStandIn
from tests.standins.server import StandIn

STAND_INS: Mapping[str, type[StandIn]] = {
    kind.name: kind
    for kind in (
        OpenAIStandIn,
        AzureStandIn,
        ElevenLabsStandIn,
        GoogleStandIn,
        GeminiStandIn,
        PollyStandIn,
        CartesiaStandIn,
        DeepgramStandIn,
    )
}


def main() -> None:
    """Run one until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m tests.standins", description=__doc__)
    parser.add_argument("vendor", choices=sorted(STAND_INS))
    parser.add_argument("--port", type=int, default=0, help="any free one by default")
    arguments = parser.parse_args()
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with STAND_INS[arguments.vendor](arguments.port) as stand_in:
        sys.stdout.write(f"{stand_in.url}\n")
        sys.stdout.flush()
        signal.sigwait(ends)


if __name__ == "__main__":
    main()
