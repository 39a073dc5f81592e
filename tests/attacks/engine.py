"""Asks the Docker daemon, as DOCKER_HOST names it, the two things that the harness wants to know."""

import http.client
import json
import os
import socket
from urllib.parse import urlsplit


def _address():
    return os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"


class _Connection(http.client.HTTPConnection):
    def __init__(self):
        self._parts = urlsplit(_address())
        super().__init__(self._parts.hostname or "docker", self._parts.port or 2375, timeout=5)

    def connect(self):
        if self._parts.scheme == "unix":
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(self._parts.path)
        else:
            super().connect()


def _get(path):
    connection = _Connection()
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def why_not():
    """Why there is no Docker daemon to use, or None."""
    try:
        status, _ = _get("/_ping")
    except (OSError, http.client.HTTPException) as error:
        return "no Docker daemon answers at %s: %s" % (_address(), error)
    return None if status == 200 else "%s is not a Docker daemon" % _address()


def containers():
    """Names of all containers that are ours, running or not."""
    status, body = _get("/containers/json?all=1")
    if status != 200:
        return set()
    ours = [one for one in json.loads(body) if any("caisson" in name for name in one["Labels"])]
    return {one["Names"][0] for one in ours}
