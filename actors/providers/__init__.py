"""The vendors, by name: one line here for each, one file beside it."""

from collections.abc import Callable, Mapping

from actors.providers.azure import Azure
from actors.providers.cartesia import Cartesia
from actors.providers.deepgram import Deepgram
from actors.providers.elevenlabs import ElevenLabs
from actors.providers.espeak import Espeak
from actors.providers.gemini import Gemini
from actors.providers.google import Google
from actors.providers.kokoro.provider import Kokoro
from actors.providers.openai import OpenAI
from actors.providers.polly import Polly
from actors.providers.provider import Provider
from actors.providers.settings import ProviderSettings

PROVIDERS: Mapping[str, Callable[[ProviderSettings], Provider]] = {
    "kokoro": Kokoro,
    "espeak": Espeak,
    "azure": Azure,
    "openai": OpenAI,
    "elevenlabs": ElevenLabs,
    "google": Google,
    "gemini": Gemini,
    "polly": Polly,
    "cartesia": Cartesia,
    "deepgram": Deepgram,
}
