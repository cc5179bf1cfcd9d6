"""The stand-in for Murmur, a vendor that does not exist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "murmur-stand-in-key"
VOICES: Final = ("low", "high")


class MurmurStandIn(StandIn):
    """Speaks `POST /speak`."""

    name: ClassVar[str] = "murmur"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"MURMUR_API_KEY": KEY, "MURMUR_BASE_URL": self.url}

    def parse(self, body: bytes) -> Any:
        """The JSON."""
        return json.loads(body) if body else None

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        if call.headers.get("x-api-key") != KEY:
            return Reply.of_json(401, {"error": "wrong key"})
        if (call.method, path_of(call)) != ("POST", "/speak"):
            return Reply.of_json(404, {"error": "no such page"})
        if call.body["voice"] not in VOICES:
            return Reply.of_json(400, {"error": "no such voice"})
        return Reply(200, tone.wav(call.body["text"], call.body["voice"]), {"Content-Type": "audio/wav"})
