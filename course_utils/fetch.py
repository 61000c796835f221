"""Fetch one file over HTTP quickly, or say in a few words why that does not work.

Each try runs in a thread of its own, and a watcher counts what arrives. A name may not be resolved; a server may accept
and stay silent, stop half-way, or send one byte per second. In each case too little arrives, and the watcher goes on
without it. A host that has failed is not asked again for a while, not even by other processes.
"""

from __future__ import annotations  # as doctor imports it, in an old Python too

import contextlib
import json
import os
import re
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

FLOOR = 10_000  # bytes per second; anything slower is as good as nothing
PATIENCE = {"auto": 4.0, "full": 15.0}  # s without an answer, or below the floor
ALLOWANCE = {"auto": 9.0, "full": 45.0}  # s of waiting for nothing, in all
WAITS = (0, 1, 2, 4)  # s before a busy server is asked, and asked again
WHY = {  # what an error of requests contains, and how we say it
    "ProxyError": "the proxy that http_proxy or https_proxy names does not answer",
    "CERTIFICATE_VERIFY_FAILED": "its certificate is not accepted",
    "SSLError": "no secure connection to it can be made",
    "NameResolutionError": "its name is unknown here, or there is no network",
    "refused": "connection refused",
    "NewConnectionError": "there is no way to it from here, or no network",
}
BROKEN = ("ConnectionError", "ProtocolError", "IncompleteRead", "InvalidChunkLength")  # of a connection that was there


IN_TEXT = re.compile(  # addresses in a text, with or without their beginnings
    r"(?:[A-Za-z][\w+.-]+:/|//)\S*|(?<![^\s'\"(<])[^\s/'\"(<]+@\S*|(?<=[^\s?])\?[^\s=]+=\S*"
)
PART = r"[^\s/:@?#&='\"]{3,}"  # what is left of a password that was taken for something else


def shown(address: str) -> str:
    """Return an address as it may be shown: without user, password, query and fragment.

    A password may hold ``/``, ``?``, ``#`` or ``@`` by mistake, or stand where a port should. So whatever might be part
    of one is left out. The path of a file stays as it is.
    """
    if re.match(r"[~.]|/(?!/)|[A-Za-z]:[/\\]", address):
        return address
    scheme, place, rest = re.fullmatch(r"((?:[A-Za-z][\w+.-]*:)?/+|)([^?#]*)(.*)", address, re.DOTALL).groups()
    place = "…" if "@" in rest else re.sub(r".*@", "…@", place, flags=re.DOTALL)
    return scheme + re.sub(r"^([^/:[]*):(?!\d*(/|$))[^/]*", r"\1:…", place)


def _known(*addresses: str) -> list[str]:
    """Return addresses, and those of the environment that errors may quote."""
    return list(filter(None, (*addresses, os.environ.get("COURSE_MIRROR"), *urllib.request.getproxies().values())))


def without_secrets(text: str, *known: str) -> str:
    """Return a text with its addresses as :func:`shown` shows them, those first that may be known to be in it."""
    for address in _known(*known):
        text = text.replace(address, shown(address))

    def clean(match: re.Match) -> str:
        address, end = re.fullmatch(r"(.*?)([]'\")>,.;:]*)", match[0], re.DOTALL).groups()
        return shown(address) + end

    return IN_TEXT.sub(clean, text)


def host_of(address: str) -> str:
    """Return the host and port of an address, by which failures are remembered."""
    return shown(address).partition("//")[2].split("/")[0].removeprefix("…@")


def below(address: str, path: str) -> str:
    """Return the address of a file below another address, whose query is sent with each file."""
    parts = urllib.parse.urlsplit(address)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{path}", fragment="").geturl()


class FetchError(Exception):
    """A file could not be fetched; the message says why."""


class HostError(FetchError):
    """A host failed, so its other files cannot be fetched either."""


class BusyError(HostError):
    """A host is too busy now."""


class BrokenError(HostError):
    """A connection broke off."""


class WrongError(FetchError):
    """What came is not the file that was asked for."""


def _explained(error: Exception, url: str) -> Exception:
    """Return an error of requests in plain words; leave our own errors and those of the disk as they are."""
    if isinstance(error, FetchError) or getattr(error, "errno", None):  # of all OSErrors only the disk's have a number
        return error
    if (answer := getattr(error, "response", None)) is not None:
        kind = BusyError if answer.status_code == 429 or answer.status_code >= 500 else FetchError
        return kind(f"it answered {answer.status_code} {answer.reason}")
    said = f"{type(error).__name__}: {error}"
    if why := next((why for sign, why in WHY.items() if sign in said), None):
        return HostError(why)
    if any(sign in said for sign in BROKEN):
        return BrokenError("the connection broke off")
    said = without_secrets(said, url)
    parts = (set(re.findall(PART, address)) - set(re.findall(PART, shown(address))) for address in _known(url))
    if any(part in said for some in parts for part in some):
        said = f"{type(error).__name__}: look at its address, and at that of the proxy"
    return HostError(said[:160])


class _Try(threading.Thread):
    """One try at an address, which the watcher may leave behind at any time."""

    def __init__(self, url: str, file: BinaryIO, largest: int, bar: Any):
        super().__init__(daemon=True)
        self.url, self.file, self.largest, self.bar = url, file, largest, bar
        self.came, self.left_behind, self.error = -1, False, None  # bytes that came; -1: no answer yet

    def run(self) -> None:
        import requests

        from course_utils import __version__

        # As it is on the wire: some servers label a .tar.gz as encoded, and it must not be unpacked on the way.
        agent = f"course-utils/{__version__} (Environmental Audio AI course)"
        headers = {"User-Agent": agent, "Accept-Encoding": "identity"}
        try:
            session = requests.Session()
            session.max_redirects = 8
            with session, session.get(self.url, stream=True, timeout=60, headers=headers) as response:
                response.raise_for_status()
                self.bar.total, self.came = int(response.headers.get("content-length") or 0) or None, 0
                while (chunk := response.raw.read(1 << 14, decode_content=False)) and not self.left_behind:
                    self.came += len(chunk)
                    if self.came > self.largest:
                        raise FetchError(f"it sends more than the {self.largest:,} bytes that the file has")
                    self.file.write(chunk)
                    self.bar.update(len(chunk))
        except Exception as error:
            self.error = _explained(error, self.url)


class Fetcher:
    """Fetches files, and remembers which hosts have failed.

    Parameters
    ----------
    mode : {"auto", "full"}
        How long to wait in vain: in ``auto`` 9 s in all, once; in ``full`` 45 s, and after a minute again. In ``full``,
        a file that broke off or is wrong is asked for a second time.
    memory : Path
        File that tells other processes what failed. It counts for an hour if the failure took a second or more, else
        for a minute.
    """

    def __init__(self, mode: str, memory: Path):
        self.mode, self.memory, self.left, self.reached = mode, memory, ALLOWANCE[mode], False
        self.halt, self.lock, self.failed = threading.Event(), threading.Lock(), {}
        self.refilled = float("-inf")
        with contextlib.suppress(Exception):  # there is none, or it is not what was written
            if memory.is_file():
                kept = json.loads(memory.read_text(encoding="utf-8"))
                self.failed = {
                    name: (float(when), float(spent), without_secrets(str(why)))
                    for name, (when, spent, why) in kept.items()
                    if not re.search("[@?#]", name)  # as earlier versions of the course wrote them
                }

    def begin(self) -> None:
        """Begin a call. In ``full`` mode, calls within a minute share the time to wait."""
        self.halt.clear()
        if self.mode == "full" and time.monotonic() - self.refilled > 60:
            self.left, self.refilled = ALLOWANCE["full"], time.monotonic()

    def forget(self) -> None:
        """Forget what failed, here and for other processes, and have the full time to wait."""
        self.left, self.reached, self.refilled = ALLOWANCE[self.mode], False, float("-inf")
        self.remember({})

    def remember(self, failed: dict[str, tuple[float, float, str]]) -> None:
        """Remember which hosts have failed (when, after how long, why), for other processes too."""
        with self.lock, contextlib.suppress(OSError):  # where nothing can be written, no other process knows
            self.failed = failed
            self.memory.parent.mkdir(parents=True, exist_ok=True)
            part = self.memory.with_name(f".{self.memory.name}.{os.getpid()}.{time.time_ns()}.part")
            try:
                part.write_text(json.dumps(failed), encoding="utf-8")
                part.replace(self.memory)
            finally:
                part.unlink(missing_ok=True)

    def known(self, name: str) -> str | None:
        """Return why a host (``"*"``: the whole network) is not asked at present, or None."""
        when, spent, why = self.failed.get(name, (0.0, 0.0, ""))
        return why if 0 <= time.time() - when < (3600 if spent >= 1 else 60) else None

    def get(
        self,
        url: str,
        path: Path,
        largest: int,
        check: Callable[[Path], str | None],
        show: bool = False,
        named: bool = False,
    ) -> str:
        """Fetch ``url`` to ``path``, and return what ``check`` says of it.

        Parameters
        ----------
        largest : int
            Bytes after which it can no longer be the file.
        check : callable
            Given the path, it returns which version of the file has come, or None if it is none.
        show : bool
            Whether to draw a progress bar.
        named : bool
            Whether the user named this address. Then it is asked even if nothing else on the network was reached.

        Raises
        ------
        FetchError
            If the file could not be fetched; a host that failed is remembered.
        OSError
            If the file could not be written.
        """
        name, begin = host_of(url), time.monotonic()
        shy = self.mode == "auto" and not named  # of asking at all, once the network has failed
        if why := self.known(name) or (shy and self.known("*")):
            raise FetchError(f"{why}; that was a short while ago, and it isn't asked again yet")
        for wait in WAITS:
            if self.halt.wait(wait) or self.left <= 0:
                raise FetchError("not asked: the call was stopped, or other addresses used up its time")
            start = time.monotonic()
            try:
                self._try(url, path, largest, show)
                self.reached = True
                if version := check(path):
                    return version
                raise WrongError(f"it sent {path.stat().st_size:,} bytes, but they are not the file that was asked for")
            except FetchError as error:
                last = error
            if self.mode == "full" and not wait and isinstance(last, (BrokenError, WrongError)):
                continue
            with self.lock:
                self.left -= time.monotonic() - start + wait
            if not isinstance(last, BusyError) or self.left < 2 * wait:
                break
        if isinstance(last, HostError) and not self.halt.is_set():
            failed = self.failed | {name: (time.time(), time.monotonic() - begin, str(last))}
            others = any(self.known(other) for other in self.failed if other != name)
            if shy and not self.reached and (others or self.left <= 0):
                failed["*"] = (time.time(), ALLOWANCE["auto"] - self.left, str(last))
            self.remember(failed)
        raise last

    def _try(self, url: str, path: Path, largest: int, show: bool) -> None:
        """Fetch ``url`` once: wait for an answer, then for enough bytes in each stretch of time."""
        from course_utils.assets import progress

        bar = progress(unit="B", unit_scale=True, desc=Path(shown(url)).name[:40], disable=not show, delay=0.5)
        with open(path, "wb") as file, bar:
            one = _Try(url, file, largest, bar)
            one.start()
            waited = self._await(one, 1, min(PATIENCE[self.mode], max(1.0, self.left)))
            patience = min(PATIENCE[self.mode], max(1.0, self.left - waited))
            while one.is_alive():
                self._await(one, FLOOR * patience, patience)
        if one.error:
            raise one.error

    def _await(self, one: _Try, enough: float, patience: float) -> float:
        """Wait until enough has arrived (first: an answer) or the try has ended; return how long that took."""
        start, before = time.monotonic(), one.came
        while one.is_alive() and one.came < before + enough:
            if self.halt.is_set() or time.monotonic() - start > patience:
                one.left_behind = True
                what = "no answer" if one.came < 0 else f"only {one.came - before:,} bytes arrived"
                raise HostError(f"{what} within {patience:.0f} s")
            one.join(0.05)
        return time.monotonic() - start
