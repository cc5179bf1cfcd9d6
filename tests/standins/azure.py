"""The stand-in for Azure AI Speech.

https://learn.microsoft.com/azure/ai-services/speech-service/rest-text-to-speech
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final
from xml.etree import ElementTree

from actors.audio.wav import wav_of
from tests.standins import tone
from tests.standins.server import Call, Reply, StandIn, path_of

KEY: Final = "0123456789abcdef0123456789abcdef"
OUTPUT_FORMAT: Final = "riff-24khz-16bit-mono-pcm"
_NAMESPACE: Final = "{http://www.w3.org/2001/10/synthesis}"
_MSTTS: Final = "{https://www.w3.org/2001/mstts}"
_LANGUAGE: Final = "{http://www.w3.org/XML/1998/namespace}lang"


def _directions(root: ElementTree.Element) -> dict[str, Any]:
    """The rate and the style of a document that has one of each, around what one voice says."""
    prosody, styled = root.find(f".//{_NAMESPACE}prosody"), root.find(f".//{_MSTTS}express-as")
    asked: dict[str, Any] = {} if prosody is None else {"rate": float(prosody.get("rate", "1"))}
    return asked if styled is None else {**asked, "style": styled.get("style")}


def _voice(short_name: str, local_name: str, gender: str, *styles: str) -> Mapping[str, Any]:
    return {
        "Name": f"Microsoft Server Speech Text to Speech Voice ({short_name})",
        "DisplayName": short_name.split("-")[2].removesuffix("Neural"),
        "LocalName": local_name,
        "ShortName": short_name,
        "Gender": gender,
        "Locale": "-".join(short_name.split("-")[:2]),
        "SampleRateHertz": "24000",
        "VoiceType": "Neural",
        **({"StyleList": list(styles)} if styles else {}),
        "Status": "GA",
    }


VOICES: Final = (
    _voice("zh-TW-HsiaoYuNeural", "曉雨", "Female"),
    _voice("zh-TW-YunJheNeural", "雲哲", "Male"),
    _voice("zh-HK-HiuMaanNeural", "曉曼", "Female"),
    _voice("zh-CN-XiaoxiaoNeural", "晓晓", "Female"),
    _voice("en-US-JennyNeural", "Jenny", "Female", "cheerful", "whispering"),
    _voice("en-GB-RyanNeural", "Ryan", "Male"),
)


class AzureStandIn(StandIn):
    """Speaks `POST /cognitiveservices/v1` and lists its voices."""

    name: ClassVar[str] = "azure"

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that send a provider here."""
        return {"AZURE_SPEECH_KEY": KEY, "AZURE_SPEECH_REGION": "eastasia", "AZURE_SPEECH_ENDPOINT": self.url}

    def parse(self, body: bytes) -> Any:
        """What the SSML says: `{"language": ..., "spoken": [[voice, text], ...]}`."""
        if not body:
            return None
        try:
            root = ElementTree.fromstring(body)  # noqa: S314 - from our own provider
        except ElementTree.ParseError as error:
            raise ValueError(str(error)) from error
        if root.tag != f"{_NAMESPACE}speak" or root.get("version") != "1.0" or not root.get(_LANGUAGE):
            raise ValueError("not a speak element")
        voices = root.findall(f"{_NAMESPACE}voice")
        said = {"language": root.get(_LANGUAGE), "spoken": [[v.get("name"), "".join(v.itertext())] for v in voices]}
        return said | _directions(root)

    def answer(self, call: Call) -> Reply:
        """The route table of the vendor."""
        if call.headers.get("ocp-apim-subscription-key") != KEY:
            words = "Access denied due to invalid subscription key or wrong API endpoint."
            return Reply.of_json(401, {"error": {"code": "401", "message": words}})
        match call.method, path_of(call):
            case "POST", "/cognitiveservices/v1":
                return self._speech(call)
            case "GET", "/cognitiveservices/voices/list":
                return Reply.of_json(200, list(VOICES))
            case _:
                return Reply.of_json(404, {"error": {"code": "404", "message": "Resource not found"}})

    def _speech(self, call: Call) -> Reply:
        headers = call.headers
        if headers.get("content-type") != "application/ssml+xml":
            return Reply(415, b"")
        if headers.get("x-microsoft-outputformat") != OUTPUT_FORMAT or not headers.get("user-agent"):
            return Reply(400, b"")
        known = {voice["ShortName"] for voice in VOICES}
        if not call.body or not call.body["spoken"] or any(name not in known for name, _ in call.body["spoken"]):
            return Reply(400, b"")
        speed, style = call.body.get("rate", 1.0), call.body.get("style")
        if not 0.5 <= speed <= 2.0:
            return Reply(400, b"")
        samples = b"".join(tone.pcm(text, name, speed, style) for name, text in call.body["spoken"])
        return Reply(200, wav_of(samples, tone.SAMPLE_RATE_HZ), {"Content-Type": "audio/x-wav"})
