"""A WSGI application, for gunicorn."""

import json
import os
import re

SPOOL = os.environ["SPOOL"]
DIRECTORY = os.open(f"{SPOOL}/new", os.O_RDONLY)


def keep(body):
    uuid = json.loads(body)["uuid"]
    if not re.fullmatch("[A-Za-z0-9-]+", uuid):
        raise ValueError("uuid")
    part = f"{SPOOL}/tmp/{uuid}"
    with open(part, "xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, f"{SPOOL}/new/{uuid}.json")
    os.fsync(DIRECTORY)


def application(environ, start_response):
    body = environ["wsgi.input"].read()
    token = environ.get("HTTP_VALIDATION_TOKEN")
    status = "200 OK"
    try:
        if body:
            keep(body)
    except (OSError, ValueError, KeyError):
        status = "503 Service Unavailable"
    start_response(status, [("Validation-Token", token)] if token else [])
    return [b""]
