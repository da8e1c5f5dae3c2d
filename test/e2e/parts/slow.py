"""The application, which takes its time to start: models to load, tables to warm."""

import os
import time

time.sleep(float(os.environ["SLOW"]))

from parts.app import app  # noqa: E402,F401
