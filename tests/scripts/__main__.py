"""`python -m tests.scripts NAME ...` writes down what is read in these texts, or in all, for somebody to look at."""

from __future__ import annotations

import sys

from service.requests.script.reader import parse_dialogue
from tests.scripts import FOLDER, described, samples


def main() -> None:
    """Write the lower halves anew."""
    for sample in samples():
        if sample.name in sys.argv[1:] or not sys.argv[1:]:
            read = described(parse_dialogue(sample.text))
            (FOLDER / f"{sample.name}.txt").write_bytes(f"{sample.text}\n%%%\n{read}".encode())


if __name__ == "__main__":
    main()
