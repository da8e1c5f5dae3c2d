"""Where the tests of supply find what they judge."""

import os
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", ROOT / "build"))
RELEASE = BUILD / "wskeep"
