"""Where things are, and who runs them."""

import os
import pwd
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("RINGSPOOL_BUILD", "build")
CGI = BUILD / "ringspool.cgi"
FCGI = BUILD / "ringspool.fcgi"
CONFINED = BUILD.name not in ("address", "thread", "coverage")  # they would not bear it

WEB = pwd.getpwnam("www-data")      # the web servers' own user

# The service's user, the consumer's and the renewal program's: numbers without
# an account, so that no test makes one.
SERVICE, CONSUMER, RENEWAL = 64100, 64101, 64102

TOKENS = ("first-verification-token", "second-verification-token")
