"""``python -m edge --config edge.toml``: the gateway alone, without what only the command line needs.

``khettara edge run`` becomes this process: the libraries of the command line are a tenth of a gateway's memory, for years.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

# structlog would load it for pretty tracebacks: 4 MB of a gateway's memory. It has to be said before the rest is imported.
sys.modules["rich"] = None  # type: ignore[assignment]  # None is how an import is forbidden

from domain.errors import KhettaraError  # noqa: E402  (after the line above)
from edge.gateway import serve  # noqa: E402  (after the line above)
from edge.settings import load_edge_settings  # noqa: E402  (after the line above)


def main(arguments: list[str]) -> int:
    """Runs until SIGTERM or SIGINT; an error of ours is one clear line and exit code 2."""
    if len(arguments) != 2 or arguments[0] != "--config":
        sys.stderr.write("usage: python -m edge --config FILE\n")
        return 2
    path = Path(arguments[1])
    try:
        asyncio.run(serve(load_edge_settings(path), source=path))
    except KhettaraError as error:
        sys.stderr.write(f"khettara: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
