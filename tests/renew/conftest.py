"""The renewal program against the stand-in platform, with an endpoint in the test's own
process. A certificate authority serves the whole session."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "proof"))

from ringcentral import RingCentral                 # noqa: E402
from standin.certificates import Authority          # noqa: E402
from standin.hook import Hook                       # noqa: E402

from place import Place                             # noqa: E402


@pytest.fixture(scope="session")
def platform_directory(tmp_path_factory):
    return tmp_path_factory.mktemp("platform")


@pytest.fixture(scope="session")
def hook_pair(platform_directory):
    return Authority(platform_directory / "certificates").issue("hook")


@pytest.fixture
def platform(platform_directory):
    with RingCentral(platform_directory) as running:
        yield running


@pytest.fixture
def hook(hook_pair):
    with Hook(hook_pair) as running:
        yield running


@pytest.fixture
def other_hook(hook_pair):
    with Hook(hook_pair) as running:
        yield running


@pytest.fixture
def place(tmp_path, platform, hook):
    return Place(tmp_path, platform, hook)
