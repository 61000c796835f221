"""Downloads and the cache: whatever goes wrong, the right file or one sentence, soon, and nothing lost."""

import base64
import contextlib
import errno
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import BODY, as_nobody, version

from course_utils import __main__, assets, doctor, fetch

from .checker import Seen, check
from .conftest import ROOT

KIND = "Downloads and the cache"
SOON = 30  # s with the shortened waits, on a busy computer too


@pytest.fixture
def table():
    """A small asset table; what it ships takes the place of the thing."""
    thing = {"title": "A thing", "path": "things/thing.bin", "files": [version(BODY)]}
    return {"thing": thing | {"embedded": "audioset_labels.csv", "embedded_title": "a small thing"}}


@pytest.fixture
def open_tmp():
    """A folder that every user can enter."""
    folder = Path(tempfile.mkdtemp(dir="/tmp" if os.name != "nt" else None))
    folder.chmod(0o755)
    yield folder
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder)


# --- the server, the way to it, and what it answers ---

RAW = "raw HTTP/1.1 200 OK\r\n"
SERVER = {
    "silent": ("the server accepts the call and never answers", "no answer within"),
    "stall": ("the server stops in the middle and stays silent", "bytes arrived within"),
    "stall_without_length": ("the server stops in the middle, and never said how much would come", "bytes arrived"),
    "drip": ("the server sends one byte at a time", "bytes arrived within"),
    "dripping_header": ("the server sends its header one byte at a time", "no answer within"),
    "slam": ("the server hangs up without an answer", "broke off"),
    "cut 0": ("the server hangs up after its header", "broke off"),
    "cut 1": ("the server sends one byte and hangs up", "broke off"),
    "cut": ("the server sends half of the file", "broke off"),
    f"cut {len(BODY) - 1}": ("the last byte is missing", "broke off"),
    "body none": ("the answer is empty", "sent 0 bytes"),
    "body short": ("the server's file lacks its last byte", "not the file"),
    "body long": ("the server's file has a byte too many", "more than"),
    "body other": ("the server has another file of the same size", "not the file"),
    "body packed": ("the server compresses the file though nobody asked", "not the file"),
    "login": ("a login page comes in place of the file", "not the file"),
    "endless": ("the answer never ends", "more than"),
    "two_lengths": ("the header gives two lengths", "multiple"),
    "bad_length": ("the header gives a length that is no number", "."),
    RAW + "Content-Length: -5\r\n\r\nabc": ("the header gives a negative length", "not the file|broke off"),
    RAW + "Content-Length: 99999999999999999999\r\n\r\nabc": ("the header gives an absurd length", "broke off"),
    RAW + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc": ("a chunk has a length that is no number", "broke off"),
    RAW + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc": ("a chunk breaks off", "broke off"),
    RAW + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n": ("there is not one chunk", "sent 0 bytes"),
    RAW + "X: " + "a" * 70_000 + "\r\n\r\n": ("a line of the header is far too long", "broke off"),
    RAW + "X: a\r\n" * 200 + "\r\n": ("the header has far too many lines", "broke off"),
    RAW + "no colon here\r\n\r\nabc": ("a line of the header makes no sense", "not the file|broke off"),
    "raw HTTP/1.1 abc OK\r\n\r\n": ("the status is no number", "broke off"),
    "raw HTTP/1.1 200": ("the answer ends within its first line", "not the file|broke off"),
    "raw HTTP/9.9 200 OK\r\n\r\n": ("the server speaks an unknown version of HTTP", "."),
    "noise": ("the server does not speak HTTP", "broke off"),
    "bad_redirect": ("the server sends us on to an address that is none", "."),
    "circle": ("the server sends us in a circle", "302"),
    "to HEREx": ("the server sends us on and on", "302"),
    "to ftp://127.0.0.1/thing": ("the server sends us on to FTP", "ftp"),
    "to file:///etc/passwd": ("the server sends us on to a file of this computer", "file:"),
    "to http://127.0.0.1:9/thing": ("the server sends us on to a port where nobody listens", "refused"),
    "to http://nowhere.invalid/thing": ("the server sends us on to a name that is unknown", "unknown|no way|proxy"),
    "raw HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n": ("the server sends us on and does not say where", "0 bytes"),
    204: ("the server answers that there is no content (204)", "0 bytes|204"),
    206: ("the server answers with a part (206)", "not the file|206"),
    304: ("the server answers that nothing has changed (304)", "0 bytes|304"),
    400: ("the server does not understand (400)", "400"),
    401: ("the server wants a password (401)", "401"),
    403: ("the server forbids it (403)", "403"),
    404: ("the server does not have the file (404)", "404"),
    407: ("a proxy wants a password (407)", "407"),
    410: ("the server does not have the file any more (410)", "410"),
    429: ("the server has too many guests (429)", "429"),
    451: ("the file is blocked by law (451)", "451"),
    500: ("the server has a fault of its own (500)", "500"),
    502: ("a server behind the server fails (502)", "502"),
    503: ("the server is down for a while (503)", "503"),
    504: ("a server behind the server is too slow (504)", "504"),
    599: ("the server answers with an unknown number (599)", "599"),
}
FINE = {
    "encoded": "the server labels the file as compressed, which it is not",
    "gzip_if_welcome": "the server would compress for whoever lets it",
    "to HERE/moved": "the server has moved the file",
    RAW + "Transfer-Encoding: chunked\r\n\r\n" + f"{len(BODY):x}\r\n{BODY.decode('latin-1')}\r\n0\r\n\r\n": (
        "the server sends the file in chunks"
    ),
}


@pytest.fixture
def make(table, tmp_path):
    """Make a store of that table, with a cache of its own for each of the calls of a test."""

    def store(mode, *urls, cache="cache", mirror=None):
        table["thing"]["files"][0]["urls"] = list(urls)
        return assets.Store(mode, tmp_path / cache, mirror, table)

    return store


def three_ways(make, url, words, good, name, fault):
    """Meet a fault in auto, in full, and at a mirror that was named while the network works."""
    seen, cache = check(make("auto", f"{url}/thing", cache="auto"), "thing", {"": BODY}, SOON)
    assert not seen.is_real
    assert re.search(words, seen.said), seen.said
    full, _ = check(make("full", f"{url}/thing", cache="full"), "thing", {"": BODY}, SOON)
    assert full.asset is None
    assert re.search(words, full.said), full.said
    mirror, _ = check(make("auto", f"{good}/thing", cache="mirror", mirror=url), "thing", {"": BODY}, SOON)
    assert mirror.is_real
    assert f"COURSE_MIRROR {url}" in mirror.said
    fault(KIND, name, seen.said, cache, max(seen.seconds, full.seconds, mirror.seconds))


@pytest.mark.parametrize("answer", SERVER, ids=[name for name, _ in SERVER.values()])
def test_a_server_that_fails(make, server, quick, fault, answer):
    name, words = SERVER[answer]
    three_ways(make, server(always=answer).url, words, server().url, name, fault)


@pytest.mark.parametrize("answer", FINE, ids=FINE.values())
@pytest.mark.parametrize("mode", ["auto", "full"])
def test_a_server_that_is_odd_but_right(make, server, quick, fault, mode, answer):
    seen, cache = check(make(mode, f"{server(always=answer).url}/thing"), "thing", {"": BODY}, SOON)
    assert seen.is_real
    if mode == "auto":
        fault(KIND, FINE[answer], seen.said, cache, seen.seconds)


@pytest.fixture
def certificate(tmp_path):
    """A certificate that nobody signed but its owner."""
    if not shutil.which("openssl"):
        pytest.skip("openssl makes the certificate, and is not here")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


def test_a_certificate_that_nobody_knows(make, server, certificate, fault):
    one, good = server(), server()
    one.socket = certificate.wrap_socket(one.socket, server_side=True)
    url = one.url.replace("http:", "https:")
    name = "nobody vouches for the server's certificate"
    three_ways(make, url, "its certificate is not accepted", good.url, name, fault)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("https is spoken to a server that speaks http only", 200, "no secure connection|broke off"),
        ("the server never answers when a secure connection is asked for", "wait", "no answer within"),
    ],
)
def test_a_secure_connection_that_is_none(make, server, quick, fault, name, answer, words):
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = (
            f"https://127.0.0.1:{deaf.getsockname()[1]}" if answer == "wait" else server().url.replace("http", "https")
        )
        three_ways(make, url, words, server().url, name, fault)


def _unknown(*_, **__):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _try_again(*_, **__):
    raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def _unreachable(*_, **__):
    raise OSError(errno.ENETUNREACH, "Network is unreachable")


NETWORK = {  # what to patch in socket, and with what
    "the server's name is unknown": ("getaddrinfo", _unknown, "its name is unknown"),
    "the name server fails for the moment": ("getaddrinfo", _try_again, "its name is unknown"),
    "the name server never answers": ("getaddrinfo", lambda *_, **__: time.sleep(20), "no answer within"),
    "there is no way to the network": ("socket.connect", _unreachable, "no way to it"),
    "a firewall swallows every call": ("socket.connect", lambda *_: time.sleep(20), "no answer within"),
}


@pytest.mark.parametrize("name", NETWORK)
def test_no_way_to_the_server(make, quick, monkeypatch, fault, name):
    what, patch, words = NETWORK[name]
    owner, _, attribute = what.rpartition(".")
    if owner:
        monkeypatch.setattr(socket, "socket", type("Socket", (socket.socket,), {attribute: patch}))
    else:
        monkeypatch.setattr(socket, attribute, patch)
    url = "http://10.255.255.1/thing" if owner else "http://some-host.example/thing"
    seen, cache = check(make("auto", url, cache="auto"), "thing", {"": BODY}, SOON)
    full, _ = check(make("full", url, cache="full"), "thing", {"": BODY}, SOON)
    assert not seen.is_real
    assert not full.is_real
    assert re.search(words, seen.said), seen.said
    assert re.search(words, full.said), full.said
    fault(KIND, name, seen.said, cache, max(seen.seconds, full.seconds))


PROXIES = {
    "nobody listens at the address of the proxy": ("http://127.0.0.1:9", None, "proxy"),
    "the proxy never answers": ("", "silent", "no answer within"),
    "the proxy wants a password": ("", 407, "407|proxy"),
    "the proxy forbids it": ("", 403, "403|proxy"),
    "the proxy hangs up": ("", "slam", "proxy|broke off"),
    "the proxy shows a login page": ("", "login", "not the file|proxy|broke off|secure"),
    "the address of the proxy makes no sense": ("http://[::1", None, "."),
    "the name of the proxy is unknown": ("http://proxy.invalid:8080", None, "proxy"),
    "the proxy is of a kind that is not installed": ("socks5://127.0.0.1:9", None, "SOCKS"),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_that_fails(make, server, quick, monkeypatch, fault, name, scheme):
    proxy, answer, words = PROXIES[name]
    monkeypatch.setenv(f"{scheme}_proxy", proxy or server(always=answer).url)
    url = f"{scheme}://some-host.example/thing"
    seen, cache = check(make("auto", url, cache="auto"), "thing", {"": BODY}, SOON)
    full, _ = check(make("full", url, cache="full"), "thing", {"": BODY}, SOON)
    assert not seen.is_real
    assert not full.is_real
    assert re.search(words, seen.said), seen.said
    if scheme == "https":
        fault(KIND, name, seen.said, cache, max(seen.seconds, full.seconds))


# --- the cache ---


def _file(body, name="thing.bin"):
    def prepare(cache):
        (cache / "things").mkdir(parents=True, exist_ok=True)
        (cache / "things" / name).write_bytes(body)

    return prepare


def _memory(text):
    def prepare(cache):
        cache.mkdir(exist_ok=True)
        (cache / "unreachable.json").write_bytes(text if isinstance(text, bytes) else text.encode())

    return prepare


def _folder(path, *files):
    def prepare(cache):
        (cache / path).mkdir(parents=True)
        for file in files:
            (cache / path / file).write_bytes(b"somebody's own")

    return prepare


def _link(target):
    def prepare(cache):
        (cache / "things").mkdir(parents=True)
        (cache / "things/thing.bin").symlink_to(target)

    return prepare


def _linked_folder(cache):
    cache.mkdir()
    (cache / "things").symlink_to(cache / "nowhere")


def _fifo(path):
    def prepare(cache):
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(cache / path)

    return prepare


def _read_only(cache):
    _file(b"x" * len(BODY))(cache)
    (cache / "things/thing.bin").chmod(0o444)


def _several(*prepares):
    return lambda cache: [prepare(cache) for prepare in prepares]


DAMAGED = r"is damaged, or is another file"
CACHE = {  # how the cache is prepared; what is said of it without a network; whether the file comes with one
    "the file is damaged": (_file(b"x" * len(BODY)), DAMAGED, True),
    "the file is empty": (_file(b""), DAMAGED, True),
    "the file lacks its last byte": (_file(BODY[:-1]), DAMAGED, True),
    "the file has a byte too many": (_file(BODY + b"x"), DAMAGED, True),
    "one bit of the file is another": (_file(bytes([BODY[0] ^ 1]) + BODY[1:]), DAMAGED, True),
    "an empty folder lies in the place of the file": (_folder("things/thing.bin"), DAMAGED, True),
    "a folder with files lies in the place of the file": (_folder("things/thing.bin", "own.txt"), DAMAGED, True),
    "a file lies in the place of the folder": (
        _several(lambda c: c.mkdir(), lambda c: (c / "things").touch()),
        "",
        False,
    ),
    "a link leads nowhere": (_link("nowhere"), "", True),
    "a link leads to itself": (_link("thing.bin"), "cannot be read", True),
    "a link leads to a device": (_link("/dev/zero"), DAMAGED, True),
    "the folder is a link that leads nowhere": (_linked_folder, "", False),
    "a pipe lies in the place of the file": (_fifo("things/thing.bin"), DAMAGED, True),
    "the file is damaged and read-only": (_read_only, DAMAGED, True),
    "the file's name is in capital letters": (_file(BODY[:9], "THING.BIN"), "", True),
    "a killed download left half a file": (_file(BODY[:999], ".thing.bin.123456.1.part"), "", True),
    "a folder lies in the place of the lock": (_folder("things/thing.bin.lock"), "", False),
    "a folder lies in the place of the memory of failures": (_folder("unreachable.json"), "", True),
    "a pipe lies in the place of the memory of failures": (_fifo("unreachable.json"), "", True),
    "the memory of failures is empty": (_memory(""), "", True),
    "the memory of failures breaks off": (_memory('{"127.0.0.1": [17'), "", True),
    "the memory of failures is a list": (_memory("[1, 2]"), "", True),
    "the memory of failures is nothing": (_memory("null"), "", True),
    "the memory of failures has other fields": (_memory('{"127.0.0.1": {"a": 1}}'), "", True),
    "the memory of failures has too few fields": (_memory('{"127.0.0.1": [1]}'), "", True),
    "the memory of failures has words for numbers": (_memory('{"a": ["x", "y", "z"]}'), "", True),
    "the memory of failures has numbers without end": (_memory('{"a": [1e999, NaN, 3]}'), "", True),
    "the memory of failures has a number of 500 digits": (_memory(f'{{"a": [1{"0" * 500}, 1, ""]}}'), "", True),
    "the memory of failures is nested without end": (_memory("[" * 100_000), "", True),
    "the memory of failures is no text": (_memory(b"\xff\xfe\x00\x01"), "", True),
    "the clock was put back by ten years": (
        _memory(json.dumps({"*": [time.time() + 3e8, 9.0, "no answer"]})),
        "",
        True,
    ),
}


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are of another kind here")
@pytest.mark.parametrize("name", CACHE)
def test_a_cache_that_is_not_as_it_should_be(make, server, refused, tmp_path, quick, fault, name):
    """First without a network, then with one."""
    prepare, words, comes = CACHE[name]
    for cache in ("auto", "full"):
        prepare(tmp_path / cache)
    seen, _ = check(make("auto", f"{refused}/thing", cache="auto"), "thing", {"": BODY}, SOON)
    assert not seen.is_real
    assert re.search(words, seen.said), seen.said
    before = list(tmp_path.rglob("own.txt"))
    full, cache = check(make("full", f"{server().url}/thing", cache="full"), "thing", {"": BODY}, SOON)
    assert full.is_real == comes, full.said
    assert len(list(tmp_path.rglob("own.txt"))) == len(before)  # set aside, not thrown away
    assert "course_utils prefetch" not in full.said.split("Three ways out")[0]  # that is what was run
    if comes:
        again, _ = check(make("auto", cache="full"), "thing", {"": BODY}, SOON)
        assert (again.is_real, again.said) == (True, "")
    fault(KIND, name, seen.said, cache, max(seen.seconds, full.seconds))


PERMISSIONS = {  # path, mode, what lies there before, whether the file is used
    "the file may not be read": ("things/thing.bin", 0o000, BODY, "cannot be read", False),
    "the folder may not be read": ("things", 0o000, BODY, "cannot be read", False),
    "the whole cache may not be read": ("", 0o000, BODY, "cannot be read", False),
    "the cache may not be written, and is empty": ("things", 0o555, None, "cannot be written", False),
    "the cache may not be written, and the file is damaged": ("things", 0o555, b"x", "cannot be written", False),
    "the cache may not be written, and has the file": ("things", 0o555, BODY, "", True),
}


@pytest.mark.parametrize("name", PERMISSIONS)
def test_permissions(table, server, quick, open_tmp, fault, name):
    locked, mode, body, words, is_used = PERMISSIONS[name]
    cache = open_tmp / "cache"
    table["thing"]["files"][0]["urls"] = [f"{server().url}/thing"]
    (cache / "things").mkdir(parents=True)
    if body is not None:
        (cache / "things/thing.bin").write_bytes(body)
    (cache / locked).chmod(mode)
    with as_nobody():
        for how in ("auto", "full"):
            seen, state = check(assets.Store(how, cache, None, table), "thing", {"": BODY}, SOON)
            assert seen.is_real == is_used
            assert re.search(words, seen.said), seen.said
    fault(KIND, name, seen.said, state, seen.seconds)


def test_a_full_disk(make, server, monkeypatch, fault):
    """The kernel's own: what is written to /dev/full finds no room."""
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    monkeypatch.setattr(assets, "scratch", lambda target: Path("/dev/full"))
    one = server()
    seen, cache = check(make("auto", f"{one.url}/thing"), "thing", {"": BODY}, SOON)
    full, _ = check(make("full", f"{one.url}/thing"), "thing", {"": BODY}, SOON)
    assert "No space left on device" in seen.said
    assert "No space left on device" in full.said
    assert one.url not in seen.said  # it is not the host's fault
    fault(KIND, "the disk is full", seen.said, cache, seen.seconds)
    monkeypatch.undo()
    assert check(make("full", f"{one.url}/thing"), "thing", {"": BODY}, SOON)[0].is_real


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("the disk fills up when the file is put in its place", errno.ENOSPC),
        ("the user's share of the disk is used up", errno.EDQUOT),
        ("the disk has become read-only", errno.EROFS),
        ("the disk fails", errno.EIO),
    ],
)
def test_a_disk_that_fails(make, server, monkeypatch, fault, name, number):
    def replace(self, target):
        raise OSError(number, os.strerror(number), str(self))

    one = server()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        seen, cache = check(make("auto", f"{one.url}/thing"), "thing", {"": BODY}, SOON)
        full, _ = check(make("full", f"{one.url}/thing"), "thing", {"": BODY}, SOON)
    assert not seen.is_real
    assert os.strerror(number) in seen.said
    assert os.strerror(number) in full.said
    fault(KIND, name, seen.said, cache, seen.seconds)
    assert check(make("full", f"{one.url}/thing"), "thing", {"": BODY}, SOON)[0].is_real


@pytest.mark.parametrize("where", ["file", "mirror"])
def test_a_mirror_folder_that_is_damaged(make, tmp_path, quick, refused, fault, where):
    mirror = tmp_path / "mirror"
    (_file(b"x" * len(BODY)) if where == "file" else _folder("things/thing.bin"))(mirror)
    seen, cache = check(make("auto", f"{refused}/thing", mirror=mirror), "thing", {"": BODY}, SOON)
    assert "Ask whoever looks after the mirror" in seen.said
    what = "is damaged" if where == "file" else "is a folder"
    fault(KIND, f"the file in the mirror's folder {what}", seen.said, cache, seen.seconds)


def test_a_lock_that_another_process_holds_and_does_nothing(make, table, server, quick, monkeypatch, tmp_path, fault):
    """That of every asset is held; only the first one is waited for."""
    monkeypatch.setattr(assets, "LOCK_PATIENCE", 2.0)
    table["other"] = table["thing"] | {"path": "things/other.bin"}
    (tmp_path / "cache/things").mkdir(parents=True)
    with contextlib.ExitStack() as held:
        for name in ("thing", "other"):
            held.enter_context(filelock.FileLock(tmp_path / f"cache/things/{name}.bin.lock", thread_local=False))
        store = make("auto", f"{server().url}/thing")
        seen, cache = check(store, "thing", {"": BODY}, SOON)
        assert "does nothing: end it" in seen.said
        assert seen.seconds > 2
        assert Seen(store, "other").seconds < 2  # and what is the same is not told again
        fault(KIND, "another process holds the lock and does nothing", seen.said, cache, seen.seconds)
    store.forget_failures()
    assert check(store, "thing", {"": BODY}, SOON)[0].is_real


ADDRESSES = [
    "http://",
    "https:///course",
    "http://[::1/course",
    "http://host:port/course",
    "http://host:99999/",
    "http://:80",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_mirror_address_that_is_none(address, fault):
    start = time.monotonic()
    with pytest.raises(assets.AssetError, match=r"which is not a whole address\. Correct it, or unset it") as error:
        assets.Store.from_environment({"COURSE_MIRROR": address})
    fault(KIND, f"COURSE_MIRROR is {address}", str(error.value), "as before", time.monotonic() - start)


# --- passwords: no door shows one, and each is sent ---

PASSWORDS = {  # what is set, to an address that nobody answers at; what everybody reads of it
    "a mirror with a password does not answer": ({"COURSE_MIRROR": "http://user:s3cret@{}/x"}, "http://…@{}/x"),
    "a mirror with a token in place of a user does not answer": ({"COURSE_MIRROR": "http://s3cret@{}"}, "http://…@{}"),
    "a mirror with a token in its query does not answer": (
        {"COURSE_MIRROR": "http://{}/x?token=s3cret"},
        "http://{}/x",
    ),
    "a mirror with a signature does not answer": (
        {"COURSE_MIRROR": "http://{}/x?X-Amz-Expires=9&X-Amz-Signature=s3cret@x"},
        "http://…",
    ),
    "a mirror with a space in its password does not answer": (
        {"COURSE_MIRROR": "http://user:my s3cret@{}/x"},
        "http://…@{}/x",
    ),
    "a mirror with @ in its password does not answer": (
        {"COURSE_MIRROR": "http://user:s3cret@s3cret@{}/x"},
        "http://…@{}/x",
    ),
    "a mirror with a slash in its password": ({"COURSE_MIRROR": "http://user:/s3cret@{}/x"}, "http://…@{}/x"),
    "a mirror with a question mark in its password": ({"COURSE_MIRROR": "http://user:a?s3cret@{}/x"}, "http://…"),
    "a mirror with a password and no port": (
        {"COURSE_MIRROR": "http://user:s3cret@host:port/x"},
        "http://…@host:…/x",
    ),
    "a mirror with a password that begins with htp": ({"COURSE_MIRROR": "htp://user:s3cret@{}/x"}, "htp://…@{}/x"),
    "a mirror with a password and one slash": ({"COURSE_MIRROR": "http:/user:s3cret@{}/x"}, "http:/…@{}/x"),
    "a mirror with a password and no http": ({"COURSE_MIRROR": "user:s3cret@{}/x"}, "…@{}/x"),
    "a mirror with a password and a path without end": (
        {"COURSE_MIRROR": "htp://user:s3cret@{}" + "/abc" * 2000},
        "htp://…@{}/abc",
    ),
    "a mirror behind a proxy with a password that does not answer": (
        {"COURSE_MIRROR": "http://some-host.example", "http_proxy": "http://user:s3cret@{}"},
        "proxy",
    ),
    "a proxy with a password and no http does not answer": ({"https_proxy": "user:s3cret@{}"}, "proxy"),
    "a proxy with a password and an address that makes no sense": ({"https_proxy": "http://user:s3cret@[::1"}, "[::1"),
    "a proxy with a password and of a kind that is unknown": ({"https_proxy": "foo://user:s3cret@{}"}, "Proxy URL"),
    "a proxy with a password and without a host": ({"https_proxy": "http://user:s3cret"}, "look at its address"),
    "a mirror with a password and without a host": ({"COURSE_MIRROR": "http://user:s3cret/x"}, "'http://user:…/x'"),
    "a proxy with a password and of a kind that is not installed": (
        {"https_proxy": "socks5://user:s3cret@{}"},
        "SOCKS",
    ),
    "a proxy with a slash in its password": ({"https_proxy": "http://user:s3/s3cret@{}"}, "proxy"),
}


@pytest.fixture
def doors(table, monkeypatch, capsys, recwarn, tmp_path):
    """Return a function that goes through all doors of the course, and returns what each says."""
    for variable in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor, "CHECKS", dict.fromkeys((doctor.settings, doctor.data, doctor.network), 20.0))
    table["thing"] |= {"licence": "free", "source": "here"}
    monkeypatch.setattr(assets, "table", lambda: table)

    def go(variables: dict[str, str]) -> dict[str, str]:
        said = {}
        table["thing"]["files"][0]["urls"] = [] if "COURSE_MIRROR" in variables else ["https://some-host.example/x"]
        for mode in ("auto", "full"):
            monkeypatch.setenv("COURSE_ASSETS", mode)
            for variable, value in variables.items():
                monkeypatch.setenv(variable, value)
            for command in ("info", "prefetch thing", "doctor", "doctor --json"):
                __main__.main(command.split())
                said[f"{command}, {mode}"] = capsys.readouterr().out
            try:
                shown = assets.overview("thing")
                said[f"overview, {mode}"] = repr(shown) + shown._repr_html_()
            except assets.AssetError as error:
                said[f"error, {mode}"] = str(error)
                assert error.__cause__ is None  # a notebook would show it
            said[f"cell, {mode}"] = "".join(capsys.readouterr()) + "".join(str(one.message) for one in recwarn)
            with contextlib.suppress(FileNotFoundError):
                said[f"memory, {mode}"] = (tmp_path / "cache/unreachable.json").read_text(encoding="utf-8")
                (tmp_path / "cache/unreachable.json").unlink()
            recwarn.clear()
        return said

    return go


@pytest.mark.parametrize("name", PASSWORDS)
def test_no_password_is_shown(doors, refused, quick, fault, name):
    host = refused.removeprefix("http://")
    variables, words = PASSWORDS[name]
    start = time.monotonic()
    said = doors({variable: value.format(host) for variable, value in variables.items()})
    assert not [
        door
        for door, text in said.items()
        if "s3cret" in text or ("user" in text.replace("user_", "") and "without a host" not in name)
    ]
    line = next(line for line in said["prefetch thing, auto"].splitlines() if words.format(host) in line)
    if "not answer" in name and "COURSE_MIRROR" in variables:
        assert f"COURSE_MIRROR {words.format(host)}" in said["cell, auto"] or words == "proxy"
        assert next(iter(json.loads(said["memory, auto"]))) in (host, "…", "some-host.example")
    fault(KIND, name, line.strip(), "empty", time.monotonic() - start)


QUOTED = {  # where a server sends us on to, which errors of libraries quote
    "the server sends us on to FTP, with a password": "ftp://user:s3cret@127.0.0.1/x?token=s3cret",
    "the server sends us on to an address that makes no sense, with a password": "http://user:s3cret@[::1/x?a=s3cret",
    "the server sends us on to a port that is no number, with a password": "http://user:s3cret@127.0.0.1:port/x",
    "the server sends us on to where nobody listens, with a signature": "http://127.0.0.1:9/x?X-Amz-Signature=s3cret",
    "the server sends us on to a name that is too long, with a password": f"http://user:s3cret@{'x' * 99}.example/x",
    "the server sends us on to nothing, with a token": "http:///x?token=s3cret",
}


@pytest.mark.parametrize("name", QUOTED)
def test_errors_of_libraries_quote_no_password(make, server, quick, fault, tmp_path, name):
    one = server(always=f"to {QUOTED[name]}")
    seen, cache = check(make("auto", f"{one.url}/thing?token=s3cret"), "thing", {"": BODY}, SOON)
    full, _ = check(make("full", f"{one.url}/thing?token=s3cret"), "thing", {"": BODY}, SOON)
    assert not seen.is_real
    kept = [path.read_text() for path in tmp_path.rglob("unreachable.json")]
    assert "s3cret" not in " ".join([seen.said, full.said, *kept])
    assert one.url.removeprefix("http://") in seen.said
    fault(KIND, name, seen.said, cache, seen.seconds)


def test_an_error_that_quotes_an_address_in_any_way_is_cleaned(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://user:my s3cret@proxy.example:3128")
    url = "http://user:s3 cret@host.example/x?token=s3cret"
    for text in (
        f"Invalid URL {url!r}: no host",
        "No connection adapters were found for 'ftp://user:s3cret@host.example/x?token=s3cret'",
        "HTTPConnectionPool(host='x', port=9): Max retries exceeded with url: /x?token=s3cret (Caused by Odd('y'))",
        "Failed to parse: http://user:my s3cret@proxy.example:3128",
        "Failed to parse: user:s3cret@host.example",
    ):
        said = str(fetch._explained(ValueError(text), url))
        assert said.startswith("ValueError: ")
        assert not re.search("user|s3|cret", said), said
    said = fetch.without_secrets("The file /media/a@b/x.bin is odd (http://h.example/y). Is it? See a=b.")
    assert said == "The file /media/a@b/x.bin is odd (http://h.example/y). Is it? See a=b."


WHERE = ["http://u:{}@h.example/x", "http://h.example/x?{}", "http://{}@h.example", "https://h.example/x#{}"]


@given(st.text(min_size=1), st.sampled_from([*WHERE, "u:{}@h.example:3128", "//{}@h.example"]))
def test_whatever_a_password_holds_it_is_not_shown(secret, address):
    shown = fetch.shown(address.format(f"S3{secret}S3"))
    assert "S3" not in shown
    assert shown in (
        *("http://…@h.example/x", "http://…", "http://h.example/x", "http://…@h.example"),
        *("https://…", "https://h.example/x", "…@h.example:3128", "…", "//…@h.example", "//…"),
    )


@pytest.mark.parametrize(
    ("mirror", "asked"),
    [
        ("http://user:s3cret@{}/x", "Basic " + base64.b64encode(b"user:s3cret").decode()),
        ("http://user:p%40ss%2Fword@{}/x/", "Basic " + base64.b64encode(b"user:p@ss/word").decode()),
        ("http://{}/x?token=s3cret/", "token=s3cret/"),
        ("http://{}?sv=1&sig=a%2Fb", "sv=1&sig=a%2Fb"),
    ],
)
def test_what_a_mirror_asks_for_is_sent_to_it(make, server, quick, mirror, asked):
    one = server(always=f"guarded {asked}")
    seen, _ = check(make("full", mirror=mirror.format(one.url.removeprefix("http://"))), "thing", {"": BODY}, SOON)
    assert seen.is_real, seen.said
    wrong, _ = check(make("full", cache="other", mirror=one.url), "thing", {"": BODY}, SOON)
    assert "401" in wrong.said


def test_what_a_proxy_asks_for_is_sent_to_it(make, server, quick, monkeypatch):
    one = server(always=f"guarded Basic {base64.b64encode(b'user:s3cret').decode()}")
    monkeypatch.setenv("http_proxy", one.url.replace("//", "//user:s3cret@"))
    assert check(make("full", "http://some-host.example/thing"), "thing", {"": BODY}, SOON)[0].is_real


def test_a_bar_shows_no_password(server, monkeypatch, tmp_path):
    drawn, bar = [], assets.progress
    monkeypatch.setattr(assets, "progress", lambda **options: drawn.append(options["desc"]) or bar(**options))
    one = server(always="guarded token=s3cret")
    url = f"{one.url}/thing.bin?token=s3cret"
    fetch.Fetcher("auto", tmp_path / "memory").get(url, tmp_path / "x", len(BODY), lambda path: "original", show=True)
    assert drawn == ["thing.bin"]


def test_hosts_are_told_apart_without_their_passwords(server, refused, quick, tmp_path):
    host, memory = refused.removeprefix("http://"), tmp_path / "unreachable.json"
    now = time.time()
    memory.write_text(
        json.dumps({f"user:s3cret@{host}": [now, 9, "old"], "old.example": [now, 9, "http://a:s3cret@b"]})
    )
    fetcher = fetch.Fetcher("full", memory)
    for _ in range(2):
        with pytest.raises(fetch.FetchError, match="connection refused"):
            fetcher.get(f"http://user:s3cret@{host}/x?token=s3cret", tmp_path / "x", 9, lambda path: None)
    assert list(json.loads(memory.read_text())) == ["old.example", host]
    assert "s3cret" not in memory.read_text()
    with pytest.raises(fetch.FetchError, match="isn't asked again yet"):
        fetch.Fetcher("full", memory).get(f"http://other:one@{host}/x", tmp_path / "x", 9, lambda path: None)
    other = server().url.replace("//", "//user:s3cret@")
    assert fetcher.get(f"{other}/x", tmp_path / "x", len(BODY), lambda path: "it") == "it"


# --- what is here may go or change, while a notebook is open ---


def _deleted(path):
    path.unlink()


def _overwritten(path):
    path.write_bytes(BODY[::-1])


def _replaced(path):
    other = path.with_name("other")
    other.write_bytes(BODY[::-1])
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))  # of the same size and time
    other.replace(path)


@pytest.mark.parametrize("settled", [True, False])
@pytest.mark.parametrize("what", [_deleted, _overwritten, _replaced])
def test_what_has_changed_since_it_was_found_is_not_handed_out(make, monkeypatch, tmp_path, settled, what):
    monkeypatch.setattr(assets, "SETTLED", 0 if settled else 10**12)
    _file(BODY)(tmp_path / "cache")
    store = make("auto")
    assert check(store, "thing", {"": BODY})[0].is_real
    time.sleep(0.02)  # as long as the kernel's clock ticks
    what(tmp_path / "cache/things/thing.bin")
    seen = check(store, "thing", {"": BODY})[0] if what is not _deleted else None
    assert not (seen.is_real if seen else store.resolve("thing").is_real)


def test_a_settled_file_is_hashed_once(make, monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "SETTLED", 0)
    _file(BODY)(tmp_path / "cache")
    time.sleep(0.02)
    store, hashed = make("auto"), []
    monkeypatch.setattr(assets, "version_of", lambda path, files: hashed.append(path) or "original")
    for _ in range(3):
        store.resolve("thing")
    assert len(hashed) == 1


@pytest.mark.parametrize("what", [_deleted, _overwritten, _replaced])
def test_the_bytes_that_are_loaded_are_checked_when_they_are_read(make, tmp_path, what):
    _file(BODY)(tmp_path / "cache")
    with assets.using(make("auto")) as store:
        asset = store.resolve("thing")
        assert assets.read(asset) == BODY
        what(asset.path)
        with pytest.raises(assets.AssetError, match=r"A thing: .* Run `python -m course_utils prefetch thing`"):
            assets.read(asset)


def test_the_bytes_of_what_the_course_ships_are_given(make):
    with assets.using(make("embedded")) as store:
        assert assets.read(store.resolve("thing")) == assets.embedded("audioset_labels.csv").read_bytes()


# --- sets of clips ---


@pytest.fixture
def clips(table, tmp_path):
    """Add a set of 20 clips to the table; return their bodies."""
    import hashlib

    bodies = {f"{i}.wav": bytes([65 + i]) * 441044 for i in range(20)}
    lines = ["filename,md5_44k,sha256_16k"]
    lines += [f"{name},{hashlib.md5(body).hexdigest()},{'0' * 64}" for name, body in bodies.items()]
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    row = {"title": "Clips", "path": "audio", "manifest": [tmp_path / "clips.csv"], "embedded_title": "no audio"}
    table["clips"] = row | {"bytes": 20 * 441044, "base_url": "http://127.0.0.1:9/"}
    return bodies


ONCE = ["cut", "slam", "body short", "login", RAW + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc", 503]


@pytest.mark.parametrize("answer", ONCE)
def test_one_clip_that_fails_once_is_asked_for_again(make, table, clips, server, quick, fault, answer):
    one = server(*[200] * 7, answer)
    one.files |= {f"/{name}": body for name, body in clips.items()}
    table["clips"]["base_url"] = f"{one.url}/"
    seen, cache = check(make("full"), "clips", clips, SOON)
    assert seen.is_real
    assert len(one.agents) == 21
    if answer == "cut":
        fault(KIND, "one clip of twenty breaks off, once", seen.said, cache, seen.seconds)


def test_a_clip_that_fails_twice_ends_the_run_and_keeps_the_others(make, table, clips, server, quick, fault):
    one = server(always=404)
    one.always, one.files = 200, {f"/{name}": body for name, body in clips.items() if name != "7.wav"}
    table["clips"]["base_url"] = f"{one.url}/"
    seen, _ = check(make("full"), "clips", clips, SOON)
    assert "could not get 1 of 20 clips" in seen.said
    one.files["/7.wav"], before = clips["7.wav"], len(one.agents)
    assert check(make("full"), "clips", clips, SOON)[0].is_real
    assert len(one.agents) == before + 1  # the others are kept
    fault(KIND, "one clip of twenty is not there", seen.said, "the other clips, whole", seen.seconds)


def test_many_damaged_clips_are_told_in_one_line(make, clips, tmp_path, fault):
    (tmp_path / "cache/audio").mkdir(parents=True)
    for name in clips:
        (tmp_path / "cache/audio" / name).write_bytes(b"x")
    seen, cache = check(make("auto"), "clips", clips, SOON)
    assert "So are 19 more" in seen.said
    assert seen.said.endswith("run `python -m course_utils prefetch clips`.")
    fault(KIND, "all clips of a set are damaged", seen.said, cache, seen.seconds)


# --- with the waits that people have ---

REAL = """
import json, sys, time
from course_utils import assets
sys.path.insert(0, {tests!r})
from faults.checker import Seen
table = {{"thing": {row!r}}}
seen = Seen(assets.Store({mode!r}, {cache!r}, None, table), "thing")
print(json.dumps([seen.is_real, seen.said, seen.seconds]))
"""
WAITS = [
    ("silent", "auto"),
    ("silent", "full"),
    ("stall", "auto"),
    ("drip", "full"),
    (503, "full"),
    ("dripping_header", "auto"),
]


def test_the_real_waits(table, server, tmp_path, fault):
    """All at a time, each in a process of its own; and a prefetch of everything where no host ever answers."""
    silent, jobs = server(always="silent"), {}
    for number, (answer, mode) in enumerate(WAITS):
        row = table["thing"] | {"files": [version(BODY, f"{server(always=answer).url}/thing")]}
        code = REAL.format(tests=str(ROOT / "tests"), row=row, mode=mode, cache=str(tmp_path / str(number)))
        jobs[answer, mode] = [sys.executable, "-c", code], os.environ
    environment = {**os.environ, "https_proxy": silent.url, "http_proxy": silent.url, "COURSE_MIRROR": ""}
    environment |= {"COURSE_CACHE": str(tmp_path / "all"), "COURSE_ASSETS": "auto"}
    jobs["all", "prefetch"] = [sys.executable, "-m", "course_utils", "prefetch"], environment
    start, options = time.monotonic(), {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    running = {key: subprocess.Popen(command, env=env, **options) for key, (command, env) in jobs.items()}
    ended = {}
    for key, process in running.items():
        ended[key] = *process.communicate(timeout=100), time.monotonic() - start
    for (answer, mode), (out, err, _) in ended.items():
        assert "Traceback" not in err, err
        if mode != "prefetch":
            is_real, said, seconds = json.loads(out.splitlines()[-1])
            assert not is_real
            assert seconds < (15 if mode == "auto" else 50), said
            name = (SERVER[answer][0], "in a full run, " + SERVER[answer][0])[mode == "full"]
            fault(KIND, f"{name} (with the real waits)", said, "empty", seconds)
    out, _, seconds = ended["all", "prefetch"]
    assert seconds < 60 + 10  # of which ten at most are Python's start, on a busy computer
    last = out.strip().splitlines()[-2]
    assert "Some assets could not be fetched" in last
    fault(KIND, "a prefetch of everything, and no server ever answers (with the real waits)", last, "empty", seconds)
