from __future__ import annotations

import os
from typing import Any

import uvicorn


def serve(app: Any) -> None:
    """With uvicorn's fastest options, on $PORT."""
    uvicorn.run(
        app,
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
