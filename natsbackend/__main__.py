"""`python -m natsbackend`, and the console script."""

from __future__ import annotations

import atexit
import gc
import os


def main() -> None:
    """Run the command line."""
    # importing makes thousands of objects that all stay: nothing to collect, and nothing to look at ever again
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # we use none; looking for them takes time
    from natsbackend.cli.app import app

    gc.freeze()
    gc.set_threshold(100_000, 20, 20)  # a command imports as much again before it begins its work
    gc.enable()
    atexit.register(gc.freeze)  # or the interpreter looks through everything once more before it ends
    app()


if __name__ == "__main__":
    main()
