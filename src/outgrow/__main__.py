"""The entry of `python -m outgrow` and of the console script: a signal that comes while modules are
still being imported ends the process without a traceback."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def main() -> NoReturn:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda sent, _: os._exit(128 + sent))
    from outgrow.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
