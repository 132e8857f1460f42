import pytest

from ringcentral import RingCentral
from standin.certificates import Authority
from standin.client import Client
from standin.hook import Hook


@pytest.fixture(scope="session")
def directory(tmp_path_factory):
    """One test authority for all platforms: making certificates takes its time."""
    return tmp_path_factory.mktemp("platform")


@pytest.fixture(scope="session")
def authority(directory):
    return Authority(directory / "certificates")


@pytest.fixture(scope="session")
def pair(authority):
    """A good certificate for 127.0.0.1."""
    return authority.issue("good")


@pytest.fixture
def start(directory, pair):
    """Starts platforms with the settings given; ends them after the test."""
    running = []

    def started(**options):
        running.append(RingCentral(directory, **{"certificate": pair, **options}).start())
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


@pytest.fixture
def hook(pair):
    with Hook(pair) as running:
        yield running
