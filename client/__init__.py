"""A client of Readthrough: hand it a script, wait, save the audio. It knows the HTTP API and nothing of the server.

`Readthrough` for programs that wait, `AsyncReadthrough` for those that must not; both say the same words.
"""

from client.asynchronous import AsyncReadthrough
from client.errors import ClientError, JobNotCompleted, Refused, Unreachable
from client.nouns import Job, Parsed, Progress, Turn, Voice
from client.synchronous import Readthrough

__all__ = [
    "AsyncReadthrough",
    "ClientError",
    "Job",
    "JobNotCompleted",
    "Parsed",
    "Progress",
    "Readthrough",
    "Refused",
    "Turn",
    "Unreachable",
    "Voice",
]
