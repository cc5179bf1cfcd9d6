"""How a worker and the child process in which a local voice lives talk: frames of a letter, a length and a payload."""

from __future__ import annotations

import struct
from typing import Final

#: The child's end of the socket pair is its standard input.
SOCKET_FD: Final = 0
HEADER: Final = struct.Struct(">cI")

#: To the child: what to speak, as JSON.
SPEAK: Final = b"S"
#: From the child: samples, the end of a turn (its payload is the sample rate in Hz), or in words why there is none,
#: for good or for now.
SAMPLES: Final = b"A"
END: Final = b"E"
REFUSED: Final = b"R"
FAILED: Final = b"F"
