from fixtures import *  # noqa: F403
from settings import CONFINED

# Builds with a sanitizer are not confined, and have a thread more.
collect_ignore = [] if CONFINED else ["test_confinement.py", "test_guardian.py"]
