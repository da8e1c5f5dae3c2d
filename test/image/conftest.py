import os
import pathlib

import pytest

import engines


@pytest.fixture(scope="session")
def engine():
    return engines.find(pathlib.Path(os.environ["STATE"]))
