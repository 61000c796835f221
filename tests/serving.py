"""A server on the loopback address that fails in every way that we know of, and fixtures that use it."""

import contextlib
import gzip
import hashlib
import http.server
import os
import socket
import threading

import pytest

from course_utils import assets, fetch

BODY = bytes(range(256)) * 400


def version(body: bytes, *urls: str, variant: str = "original") -> dict:
    return {
        "variant": variant,
        "bytes": len(body),
        "hash": f"sha256:{hashlib.sha256(body).hexdigest()}",
        "urls": list(urls),
    }


@pytest.fixture
def quick(monkeypatch):
    """Shorter waits, in the same proportions."""
    for table, values in ((fetch.PATIENCE, (0.6, 1.2)), (fetch.ALLOWANCE, (1.3, 3.0))):
        for mode, value in zip(("auto", "full"), values, strict=True):
            monkeypatch.setitem(table, mode, value)
    monkeypatch.setattr(fetch, "WAITS", (0, 0.1, 0.2))


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY, or ``files``; ``answers`` holds what to do first, ``always`` what to do after that.

    A number is a status to send. The other words are the methods of Handler that begin with ``do_as``; what follows
    after a space is given to the method.
    """

    daemon_threads = True

    def __init__(self, answers=(), always=200):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.always, self.agents, self.files, self.end = list(answers), always, [], {}, threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.agents.append(self.headers["User-Agent"])
        body = self.server.files.get(self.path, BODY if not self.server.files else None)
        answer = self.server.answers.pop(0) if self.server.answers else self.server.always
        if isinstance(answer, str):
            word, *detail = answer.split(" ", 1)
            getattr(self, f"do_as_{word}")(body, *detail)
        elif answer != 200 or body is None:
            self.send_error(404 if answer == 200 else answer)
        else:
            self.head(len(body))
            self.wfile.write(body)

    do_CONNECT = do_GET  # noqa: N815 - of a proxy

    def head(self, length=None, **headers):
        self.send_response(200)
        for name, value in {"Content-Length": length, **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def do_as_cut(self, body, at=None):
        self.head(len(body))
        self.wfile.write(body[: int(at) if at else len(body) // 2])

    def do_as_steps(self, body):
        self.head(len(body))
        for i in range(0, len(body), len(body) // 10):
            self.wfile.write(body[i : i + len(body) // 10])
            self.wfile.flush()
            self.server.end.wait(0.02)

    def do_as_raw(self, body, answer):
        self.wfile.write(answer.encode("latin-1"))

    def do_as_body(self, body, what):
        body = {
            "none": b"",
            "short": body[:-1],
            "long": body + b"x",
            "other": body[::-1],
            "packed": gzip.compress(body),
        }[what]
        self.head(len(body))
        self.wfile.write(body)

    def do_as_to(self, body, address):
        if self.path.endswith("/moved"):
            self.head(len(body))
            self.wfile.write(body)
            return
        self.send_response(302)
        self.send_header("Location", address.replace("HERE", f"{self.server.url}{self.path}"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_as_guarded(self, body, wanted):
        said = (self.headers.get("Authorization"), self.headers.get("Proxy-Authorization"), self.path.partition("?")[2])
        self.send_error(401) if wanted not in said else self.do_as_fine(body)

    def do_as_fine(self, body):
        self.head(len(body))
        self.wfile.write(body)

    def do_as_silent(self, body):
        self.server.end.wait(60)

    def do_as_stall(self, body):
        self.head(len(body))
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        self.server.end.wait(60)

    def do_as_stall_without_length(self, body):
        self.head()
        self.wfile.write(body[:100])
        self.wfile.flush()
        self.server.end.wait(60)

    def drip(self, data):
        for i in range(len(data)):
            self.wfile.write(data[i : i + 1])
            self.wfile.flush()
            if self.server.end.wait(0.05):
                return

    def do_as_drip(self, body):
        self.head(len(body))
        self.drip(body)

    def do_as_dripping_header(self, body):
        self.drip(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100_000)

    def do_as_endless(self, body):
        self.head()
        with contextlib.suppress(OSError):
            while not self.server.end.is_set():
                self.wfile.write(b"x" * 65536)

    def do_as_slam(self, body):
        self.connection.close()

    def do_as_login(self, body):
        page = b"<html>Please log in</html>"
        self.head(len(page), Content_Type="text/html")
        self.wfile.write(page)

    def do_as_encoded(self, body):
        self.head(len(body), Content_Encoding="gzip", Content_Type="application/x-tar")
        self.wfile.write(body)

    def do_as_gzip_if_welcome(self, body):
        welcome = "gzip" in self.headers.get("Accept-Encoding", "")
        body = gzip.compress(body) if welcome else body
        self.head(len(body), Content_Encoding="gzip" if welcome else None)
        self.wfile.write(body)

    def do_as_two_lengths(self, body):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\n12345")

    def do_as_bad_length(self, body):
        self.head("many")
        self.wfile.write(body)

    def do_as_bad_redirect(self, body):
        self.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n")

    def do_as_circle(self, body):
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_as_noise(self, body):
        self.wfile.write(b"\x16\x03\x01\x02\x00 this is not HTTP \r\n\r\n")

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    servers = []

    def start(*answers, always=200):
        servers.append(Server(answers, always))
        return servers[-1]

    yield start
    for one in servers:
        one.end.set()
        one.shutdown()
        one.server_close()


@pytest.fixture
def refused():
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@contextlib.contextmanager
def as_nobody():
    """Be a user whom permissions bind."""
    if os.name == "nt":
        pytest.skip("permissions are of another kind here")
    import pandas  # noqa: F401 - this user may not read where Python lies
    import requests  # noqa: F401

    if os.geteuid():
        yield
        return
    os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def rows():
    """A small asset table."""
    thing = {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY)]}
    thing |= {"embedded": "audioset_labels.csv", "embedded_title": "a small thing"}
    labels = {"title": "Labels", "path": "labels.csv", "files": [version(b"x")], "embedded_title": "none"}
    return {"thing": thing, "labels": labels}


@pytest.fixture
def make(rows, tmp_path):
    """Make a store of that table with an empty cache, or another one on the same cache."""

    def store(mode="auto", mirror=None, **more):
        return assets.Store(mode, tmp_path / "cache", mirror, **{"assets": rows, **more})

    return store
