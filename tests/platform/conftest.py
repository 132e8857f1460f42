import pytest

from ringcentral import RingCentral
from standin.certificates import Authority
from standin.client import Client
from standin.hook import Hook


@pytest.fixture(scope="session")
def directory(tmp_path_factory):
    """One test authority for all platforms: making certificates takes its time."""
    return tmp_path_factory.mktemp("platform")


@pytest.fixture
def start(directory):
    """Starts platforms with the settings given; ends them after the test."""
    running = []

    def started(**options):
        running.append(RingCentral(directory, **options).start())
        return running[-1]
    yield started
    for platform in running:
        platform.stop()


@pytest.fixture
def platform(start):
    return start()


@pytest.fixture
def client(platform):
    return Client(platform)


@pytest.fixture(scope="session")
def authority(directory):
    return Authority(directory / "certificates")


@pytest.fixture
def hook(authority):
    with Hook(authority.issue("hook")) as running:
        yield running
