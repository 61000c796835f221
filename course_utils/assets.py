"""Where models, data sets and clips come from: cache, mirror, network, or what the course ships.

An *asset* is a file or a set of files that the course uses but does not ship: a checkpoint, a data set, a clip.
``assets.toml`` beside this file has a table for each. A :class:`Store` looks for it in this order, and checks size and
hash:

1. **cache**: the folder ``COURSE_CACHE`` (default: ``data/cache`` of a checkout, else the user's cache folder),
2. **mirror**: ``COURSE_MIRROR``, a folder or an http(s) address with the same relative paths,
3. **network**: the addresses of the table,
4. **embedded**: what the course ships in its place.

``COURSE_ASSETS`` says how far to go. ``auto``, the default, fetches only small assets from the network, of at most
25 MB. If nothing can be reached, that costs ten seconds at most, once. ``full`` fetches everything, and raises an error
if that fails. ``embedded`` uses only what the course ships, and makes no network call.
"""

import contextlib
import csv
import errno
import glob
import hashlib
import os
import re
import stat
import sys
import time
import tomllib
import urllib.parse
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import platformdirs
from markupsafe import Markup
from tqdm import tqdm

from course_utils import archives, writable
from course_utils import scratch as scratch_folder
from course_utils.fetch import Fetcher, FetchError, below, shown

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
EMBEDDED = CHECKOUT / "data" / "embedded" if CHECKOUT else PACKAGE / "embedded"
MODES = ("auto", "full", "embedded")
VARIABLES = ("COURSE_ASSETS", "COURSE_CACHE", "COURSE_MIRROR")
SMALL = 25_000_000  # bytes of an asset that mode ``auto`` fetches unasked
LOCK_PATIENCE = 15.0  # s that another notebook may hold a lock and do nothing
SETTLED = 2_000_000_000  # ns after which a change gives a file another time, on every file system

PREFETCH = "`python -m course_utils prefetch`"
WAYS_OUT = (
    f"Three ways out: (1) With a network, run {PREFETCH}, or `%run -m course_utils prefetch` in a notebook. "
    "(2) Set COURSE_MIRROR to a folder or an http address that holds the file under the same relative path. "
    "(3) Set COURSE_ASSETS=embedded to work with what the course ships."
)


class AssetError(RuntimeError):
    """The course could not get an asset; the message says what to do next."""


@dataclass(frozen=True)
class Resolved:
    """One asset as this run got it.

    Attributes
    ----------
    name, title : str
        Key and heading of the asset's table in ``assets.toml``.
    path : Path or None
        The file, or the folder of an unpacked archive or a set of clips; None if no file takes its place.
    source : {"cache", "mirror", "network", "embedded"}
        Where it came from.
    variant : str
        Which of the accepted versions it is.
    clips : dict of str to Path
        The files of a set of clips, by file name.
    """

    name: str
    title: str
    path: Path | None
    source: str
    variant: str
    clips: dict[str, Path] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_real(self) -> bool:
        """Whether this is the asset itself and not the small built-in version."""
        return self.source != "embedded"

    @property
    def label(self) -> str:
        """Which version of the asset this is, or what takes its place, in a few words."""
        return f"{self.title} ({self.variant})" if self.is_real else self.variant


def table() -> dict[str, dict]:
    """Return the asset table: for each name, the fields of ``assets.toml``."""
    return tomllib.loads((PACKAGE / "assets.toml").read_text(encoding="utf-8"))


def embedded(relative: str) -> Path:
    """Return the path of a file or folder that the course ships, for instance ``clips/scene.ogg``.

    Raises
    ------
    AssetError
        If the installation lacks it.
    """
    if not (EMBEDDED / relative).exists():
        raise AssetError(
            f"This installation lacks {relative!r}, which the course ships. Reinstall it: python -m pip install ."
        )
    return EMBEDDED / relative


def progress(*arguments: Any, **options: Any) -> tqdm:
    """Return a tqdm progress bar on stdout: it appears after half a second, and vanishes when it is done."""
    return tqdm(*arguments, file=sys.stdout, leave=False, **{"delay": 0.5} | options)


def _folder(name: str, value: str, *bases: Path | None) -> Path:
    """Return the folder that a variable names; a relative one is looked up from the first of the bases that has it."""
    try:
        paths = [(base / Path(value).expanduser()).resolve() for base in bases if base]
        for path in paths:
            try:
                path.stat()
            except OSError as error:
                if error.errno == errno.ELOOP:  # since Python 3.13, resolve() does not raise it
                    raise
        return next((path for path in paths if path.is_dir()), paths[-1])
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody, links in a circle, a name that is too long
        why = error.strerror if isinstance(error, OSError) else str(error).partition(" from ")[0].rstrip(".")
        message = f"{name} is {shown(value)[:80]!r}, which is not a folder ({why}). Correct it, or unset it."
        raise AssetError(message) from None  # the error quotes it


def _mirror(value: str | Path | None) -> str | Path | None:
    """Return the address or the folder that ``COURSE_MIRROR`` names, if it names one."""
    if not value or isinstance(value, Path):
        return value or None
    if value.startswith(("http://", "https://")):
        with contextlib.suppress(ValueError):
            parts = urllib.parse.urlsplit(value)
            if parts.hostname and parts.port != 0:  # a port that is no number raises ValueError
                return value if parts.query else value.rstrip("/")
        raise AssetError(
            f"COURSE_MIRROR is {shown(value)[:80]!r}, which is not a whole address. Correct it, or unset it."
        )
    if not (folder := _folder("COURSE_MIRROR", value, Path.cwd(), CHECKOUT)).is_dir():
        why = "but that folder does not exist. (An address begins with http:// or https://.)"
        if folder.exists():
            why = "which is a file and not a folder."
        raise AssetError(f"COURSE_MIRROR is {shown(value)!r}, {why} Correct it, or unset it.")
    return folder


def remedy(folder: Path) -> str:
    """Return what to do if files of a folder cannot be read."""
    return f"run `chmod -R a+rX {folder}` as its owner, or set COURSE_CACHE to a folder of your own."


def _version(files: list[dict], size: int, digest: Callable[[str], str]) -> str | None:
    """Return which version has this size and this digest, which is asked for by the name of an algorithm."""
    for version in files:
        algorithm, _, wanted = version["hash"].partition(":")
        if size == version["bytes"] and digest(algorithm) == wanted:
            return version["variant"]
    return None


def version_of(path: Path, files: list[dict]) -> str | None:
    """Return which version the file at ``path`` is, by size and hash, or None."""

    def digest(algorithm: str) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()

    status = path.stat()
    return _version(files, status.st_size, digest) if stat.S_ISREG(status.st_mode) else None


def _stamp(path: Path) -> tuple | None:
    """Return what changes when a file is written, or None if it was written just now, so that it might not."""
    with contextlib.suppress(OSError):
        status = path.stat()
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > SETTLED:
            return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    return None


def _checked(path: Path, files: list[dict]) -> bytes:
    """Return the bytes of a file if they are one of its versions."""
    with open(path, "rb") as file:
        body = file.read(1 + max(version["bytes"] for version in files))
    if not _version(files, len(body), lambda algorithm: hashlib.new(algorithm, body).hexdigest()):
        raise FetchError("it has changed since it was looked up, and is not the file any more")
    return body


def scratch(target: Path) -> Path:
    """Return the path of a new file beside ``target`` to write to first."""
    return target.with_name(f".{target.name}.{os.getpid()}.{time.time_ns()}.part")


def scratches(target: Path) -> dict[Path, int]:
    """Return the files that tries at ``target`` have begun beside it, those that were killed too, and their sizes."""
    found = {}
    for path in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        if re.fullmatch(r"\d+\.\d+\.part", path.name[len(target.name) + 2 :]):
            with contextlib.suppress(FileNotFoundError):
                found[path] = path.stat().st_size
    return found


def set_aside(path: Path) -> Path:
    """Rename a file or folder to ``<name>.damaged``, or the first such name that is free, and return that."""
    names = (f"{path.name}.damaged{number if number > 1 else ''}" for number in count(1))
    free = next(path.with_name(name) for name in names if not os.path.lexists(path.with_name(name)))
    return path.rename(free)


def _runner() -> str:
    """Return what starts a module here: ``%run`` in a notebook, ``python`` in a terminal."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return "%run" if shell else "python"


class Store:
    """Finds assets, and remembers what it found and where.

    Parameters
    ----------
    mode : {"auto", "full", "embedded"}
        How far to go for an asset.
    cache : Path
        Folder for downloads and computed features; it need not exist yet.
    mirror : str or Path, optional
        An http(s) address, or a folder.
    assets : dict, optional
        The asset table; by default that of ``assets.toml``.
    small : int
        Bytes of the largest asset that mode ``auto`` fetches from the network.

    Attributes
    ----------
    used : dict of str to str
        Source of each asset that was resolved, and where features came from (``"embeddings"``).
    """

    def __init__(
        self,
        mode: str = "auto",
        cache: str | Path = "data/cache",
        mirror: str | Path | None = None,
        assets: dict[str, dict] | None = None,
        small: int = SMALL,
    ):
        if mode not in MODES:
            raise ValueError(f"COURSE_ASSETS is {mode!r}; set it to one of {', '.join(MODES)}, or unset it.")
        self.mode, self.cache, self.small = mode, Path(cache), small
        self.mirror = None if mode == "embedded" else _mirror(mirror)
        self.assets = assets or table()
        self.used, self._found, self._failures, self._told = {}, {}, {}, set()
        self._stamps, self._amiss, self._listed, self._stuck = {}, {}, {}, False
        self._fetcher = Fetcher("full" if mode == "full" else "auto", self.cache / "unreachable.json")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], mode: str | None = None) -> "Store":
        """Return the store that the variables ``COURSE_ASSETS``, ``COURSE_CACHE`` and ``COURSE_MIRROR`` ask for.

        Parameters
        ----------
        mode : str, optional
            Takes the place of what ``COURSE_ASSETS`` says.

        Raises
        ------
        ValueError, AssetError
            If a variable makes no sense; the message says which.
        """
        said, cache, mirror = (environment.get(name) for name in VARIABLES)
        if cache:
            cache = _folder("COURSE_CACHE", cache, CHECKOUT or Path.cwd())
        else:
            cache = CHECKOUT / "data" / "cache" if CHECKOUT else platformdirs.user_cache_path("course-utils")
            if not writable(cache):  # a shared installation: what lies there is read, a folder of one's own is written
                places = (platformdirs.user_cache_path("course-utils"), (scratch_folder() or cache) / "cache")
                own = next(filter(writable, places), cache)
                mirror = mirror or (cache if cache.is_dir() and own != cache else None)
                cache = own
        return cls(mode or said or "auto", cache, mirror)

    @property
    def mirror_shown(self) -> str:
        """The mirror as it may be shown, without a password, or ``"none"``."""
        return shown(self.mirror) if isinstance(self.mirror, str) else str(self.mirror or "none")

    # --- one file ---

    def _lock(self, target: Path) -> contextlib.AbstractContextManager:
        """Lock a file of the cache; give up if another process holds it and does nothing."""
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(f"{target}.lock", mode=0o666)  # for every user of a shared cache
        seen, since, patience = None, time.monotonic(), 1.0 if self._stuck else LOCK_PATIENCE
        while True:
            try:
                return lock.acquire(timeout=0.5)
            except filelock.Timeout:
                sizes = scratches(target)
                processes = [f"(process {path.name.split('.')[-3]})" for path in sizes]
                who = " ".join(["another notebook or command", *processes])
                if "lock" not in self._told:
                    self._told.add("lock")
                    print(f"Waiting for {who} to fetch {target.name}.", flush=True)
                if sizes != seen:
                    seen, since = sizes, time.monotonic()
                if time.monotonic() - since > patience or self._fetcher.halt.is_set():
                    self._stuck = True  # who waited once does not wait for each file
                    raise FetchError(f"{who} holds {target}.lock but does nothing: end it") from None

    @contextlib.contextmanager
    def _writing(self, target: Path) -> Iterator[Path]:
        """Lock a file or folder of the cache, and give a scratch file; none is left, those of killed tries included."""
        with self._lock(target):
            try:
                yield scratch(target)
            finally:
                for path in scratches(target):
                    path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _noting(self, target: Path, address: str) -> Iterator[None]:
        """Note, to tell it later, why a file of the cache cannot be had from an address, or cannot be written."""
        try:
            yield
        except (FetchError, archives.ArchiveError) as error:
            self._failures.setdefault(address, str(error))
        except OSError as error:
            remedy = "set COURSE_CACHE to a folder of your own, with room on its disk"
            self._failures[str(target.parent)] = f"cannot be written, {error.strerror or error}: {remedy}"

    def _download(self, url: str, target: Path, files: list[dict], show: bool, named: bool) -> str | None:
        """Fetch ``url`` to ``target`` and return its variant, or None; a failure leaves what was there before."""
        address = f"COURSE_MIRROR {self.mirror_shown}" if named else "/".join(shown(url).split("/")[:3])
        with self._noting(target, address), self._writing(target) as part:
            with contextlib.suppress(OSError):  # there is none, or it may not be read
                if variant := version_of(target, files):  # another process has been at it
                    return variant
            largest = max(version["bytes"] for version in files)
            variant = self._fetcher.get(url, part, largest, lambda path: version_of(path, files), show, named)
            if target.is_dir():
                set_aside(target)
            part.replace(target)
            return variant

    def _look(self, path: Path, files: list[dict]) -> str | None:
        """Return which version a file of the cache or of a mirror is, or None; note what is wrong with it."""
        try:
            stamp = _stamp(path)
            if stamp and stamp == self._stamps.get(path, (None,))[0]:
                return self._stamps[path][1]
            if variant := version_of(path, files):
                self._stamps[path] = stamp, variant
                return variant
            self._amiss[path] = ""
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            self._amiss[path] = f"The files in {path.parent} cannot be read ({error.strerror}): {remedy(path.parent)}"
        return None

    def _find_file(self, relative: str, files: list[dict], network: bool, show: bool) -> tuple | None:
        """Look for one file in cache, mirror and, if it is allowed, network: (path, source, variant), or None."""
        places = list(dict.fromkeys(version.get("path", relative) for version in files))
        for place in places:
            for source, folder in (("cache", self.cache), ("mirror", self.mirror)):
                if isinstance(folder, Path) and (variant := self._look(folder / place, files)):
                    return folder / place, source, variant
        urls = [(below(self.mirror, place), place, "mirror") for place in places if isinstance(self.mirror, str)]
        urls += [(url, relative, "network") for version in files for url in version["urls"] if network]
        for url, place, source in urls:
            if variant := self._download(url, self.cache / place, files, show, named=source == "mirror"):
                return self.cache / place, source, variant
        return None

    def unpacked(self, archive: Path, variant: str, files: list[dict]) -> tuple[Path, dict[str, str]]:
        """Return where an archive is unpacked to, and the digests of what should be there.

        Raises
        ------
        FetchError, course_utils.archives.ArchiveError, OSError
            If the archive cannot be read, has changed since it was looked up, or is refused.
        """
        digest = next(version["hash"] for version in files if version["variant"] == variant).partition(":")[2]
        if digest not in self._listed:
            self._listed[digest] = archives.digests(archives.read(_checked(archive, files)))
        return self.cache / "unpacked" / f"{archive.name.split('.')[0]}-{digest[:12]}", self._listed[digest]

    def unpack(self, archive: Path, variant: str, files: list[dict]) -> None:
        """Unpack an archive, or mend what is unpacked; see :meth:`unpacked` for the errors."""
        folder, _ = self.unpacked(archive, variant, files)
        with self._writing(folder) as part:
            archives.mend(folder, archives.read(_checked(archive, files)), part)

    def _unpack(self, archive: Path, source: str, variant: str, files: list[dict]) -> tuple | None:
        """Unpack a checked ``.tar.gz`` below the cache, but for what has been done: as :meth:`_find_file`.

        What is unpacked is compared with the archive each time, by content. What differs is written again, and what
        the archive does not hold is removed.
        """
        folder = None
        with self._noting(self.cache / "unpacked" / archive.name, str(archive)):
            try:
                folder, wanted = self.unpacked(archive, variant, files)
                if any(archives.differences(folder, wanted)):  # else nothing has to be written
                    self.unpack(archive, variant, files)
                return folder, source, variant
            except OSError as error:
                if not (folder and folder.exists()):
                    raise
                why = f"its files are damaged, and cannot be mended ({error.strerror or error})"
                raise FetchError(f"{folder}: {why}. Delete it, or set COURSE_CACHE to a folder of your own") from error
        return None

    # --- assets ---

    def size(self, name: str) -> int:
        """Return how many bytes an asset has to download."""
        row = self.assets[name]
        return row.get("bytes") or row["files"][0]["bytes"]

    def manifest(self, name: str) -> list[dict]:
        """Return the rows of a set of clips: ``filename``, ``path`` below cache or mirror, accepted ``files``."""
        row, rows = self.assets[name], []
        tables = ((PACKAGE / file).read_text(encoding="utf-8").splitlines() for file in row["manifest"])
        for line in chain.from_iterable(map(csv.DictReader, tables)):
            filename, path = line["filename"], f"{row['path']}/{line['filename']}"
            url, md5, sha256 = row["base_url"] + filename, line["md5_44k"], line["sha256_16k"]
            large = {"variant": "44.1 kHz", "bytes": 441044, "hash": f"md5:{md5}", "urls": [url]}
            small = {"variant": "16 kHz", "bytes": 160078, "hash": f"sha256:{sha256}", "urls": []}
            if "bytes_16k" in line:  # as Ogg Vorbis, of its own size and name
                small |= {"bytes": int(line["bytes_16k"]), "path": f"{path.removesuffix('.wav')}.ogg"}
            if filename in row.get("clips", [filename]):
                rows.append({"filename": filename, "path": path, "files": [large, small]})
        return rows

    def asks(self, name: str) -> bool:
        """Return whether an asset that is not here would be fetched from the network."""
        return self.mode == "full" or (self.mode == "auto" and self.size(name) <= self.small)

    def _find_files(self, rows: list[dict], network: bool, title: str) -> list[tuple | None]:
        """Look for the files of an asset, for several at a time."""
        one, busy = len(rows) == 1, network or isinstance(self.mirror, str)
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(self._find_file, row["path"], row["files"], network, one) for row in rows]
            try:
                return [job.result() for job in progress(jobs, desc=title, unit="clip", disable=one or not busy)]
            except BaseException:  # Ctrl-C among them: whoever is still at it stops
                self._fetcher.halt.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _find(self, name: str) -> Resolved:
        """Look for an asset: what :meth:`resolve` returns."""
        row = self.assets[name]
        if self.mode != "embedded":
            rows = self.manifest(name) if "manifest" in row else [row]
            self._fetcher.begin()
            found = self._find_files(rows, self.asks(name), row["title"])
            if row.get("unpack"):
                found = [file and self._unpack(*file, row["files"]) for file in found]
            if all(found):
                paths, sources, variants = zip(*found, strict=True)
                source = next(kind for kind in ("network", "mirror", "cache") if kind in sources)
                if source == "network":
                    print(f"Fetched {row['title']}, {self.size(name) / 1e6:.1f} MB, into {self.cache}.", flush=True)
                clips = {clip["filename"]: path for clip, path in zip(rows, paths, strict=True) if "manifest" in row}
                path = paths[0].parent if clips else paths[0]
                return Resolved(name, row["title"], path, source, " and ".join(sorted(set(variants))), clips)
            if self.mode == "full":
                missing = f"{found.count(None)} of {len(found)} clips" if "manifest" in row else row["path"]
                tried = "".join(f"\n  {address}: {why}" for address, why in self._failures.items())
                self._failures.clear()
                self._tell_amiss(None)
                raise AssetError(f"{row['title']}: could not get {missing}. {WAYS_OUT}{tried}")
        path = embedded(row["embedded"]) if "embedded" in row else None
        return Resolved(name, row["title"], path, "embedded", row["embedded_title"])

    @staticmethod
    def _command(name: str) -> str:
        return f"`{_runner()} -m course_utils prefetch {name}`"

    def _tell_amiss(self, asset: Resolved | None) -> None:
        """Warn, in one line, of what lies in the cache or in the mirror's folder and cannot be used."""
        amiss, self._amiss = self._amiss, {}
        for path, what in list(amiss.items())[:1]:
            if not what:
                others = len(amiss) - 1
                more = f" So {'is' if others == 1 else 'are'} {others} more." if others else ""
                what = f"{path} is damaged, or is another file, so the course doesn't use it.{more}"
                if not path.is_relative_to(self.cache):
                    what += " Ask whoever looks after the mirror."
                elif asset and asset.is_real:
                    again = asset.source == "network" or isinstance(self.mirror, str)
                    remove = f"To remove it, run `{_runner()} -m course_utils doctor --repair`."
                    what += " It was fetched again." if again else f" That of the mirror is used. {remove}"
                elif asset:  # else that is what was tried just now
                    what += f" To fetch it again, run {self._command(asset.name)}."
            warnings.warn(what, stacklevel=6)

    def _tell(self, asset: Resolved) -> None:
        """Say once, in one line, which addresses failed and how; of one that came from elsewhere, if it was named.

        Once the network as a whole has failed, and that has been said, it isn't said of each address.
        """
        new = {address: why for address, why in self._failures.items() if address not in self._told}
        offline = self._fetcher.known("*") and any(address.startswith("http") for address in self._told)
        if offline:
            new = {address: why for address, why in new.items() if not address.startswith("http")}
        if asset.is_real:
            new = {address: why for address, why in new.items() if "COURSE_MIRROR" in address}
        self._failures.clear()
        self._told |= new.keys()
        self._tell_amiss(asset)
        if new:
            said = "; ".join(f"{address} ({why})" for address, why in new.items())
            again = f"The course goes on with what it ships. To try again, run {self._command(asset.name)}."
            line = f"Not available: {said}. {'It came from elsewhere.' if asset.is_real else again}"
            if "COURSE_MIRROR" in said:
                warnings.warn(line, stacklevel=5)
            else:
                print(line, flush=True)

    def _unchanged(self, name: str) -> bool:
        """Return whether the files of an asset that was found before are as they were."""
        if not (asset := self._found.get(name)) or self.assets[name].get("unpack"):  # that is compared each time
            return False
        stamps = {path: _stamp(path) for path in asset.clips.values() or [asset.path]}
        return all(stamp and stamp == self._stamps[path][0] for path, stamp in stamps.items())

    def read(self, asset: Resolved) -> bytes:
        """Return the bytes of an asset, checked; see :func:`read`."""
        try:
            if asset.is_real:
                return _checked(asset.path, self.assets[asset.name]["files"])
            return asset.path.read_bytes()
        except (FetchError, OSError) as error:
            why = f"{error.strerror or error}" if isinstance(error, OSError) else str(error)
            raise AssetError(
                f"{asset.title}: {asset.path} cannot be used ({why}). Run {self._command(asset.name)}, then try again."
            ) from error

    def resolve(self, name: str) -> Resolved:
        """Get an asset from the nearest place that has it; see :func:`resolve`."""
        if name not in self.assets:
            raise KeyError(f"No asset is called {name!r}. The course has {', '.join(self.assets)}.")
        before = self._found.get(name)
        asset = before if self._unchanged(name) else self._find(name)
        if before and asset.source == "cache" and (asset.path, asset.clips) == (before.path, before.clips):
            asset = before  # so that it is said where it came from
        self._tell(asset)
        if asset.is_real:
            self._found[name] = asset  # what is missing may come
            if self.used.get(name) == "embedded" and "module" in self.assets[name]:
                print(f"{asset.title} is here now. To use it, run the cells that load a network again.")
        self.used[name] = asset.source
        return asset

    def clips(self, name: str) -> dict[str, Path]:
        """Return the files of a set of clips by file name; an empty dict unless all of them are available."""
        return self.resolve(name).clips

    def speaker(self, name: str) -> Resolved:
        """Return the network that answers for ``name``: itself, or the first in the table that may and is available.

        If there is none, it is the asset itself, of which the course then ships features at most.
        """
        rows = [name, *(other for other, row in self.assets.items() if name in row.get("speaks_for", ()))]
        found = (self.resolve(row) for row in rows)
        return next((asset for asset in found if asset.is_real or asset.path), self.resolve(name))

    def forget_failures(self) -> None:
        """Forget which addresses failed, so that they are asked again."""
        self._fetcher.forget()
        self._told.clear()
        self._stuck = False

    def problems(self) -> list[str]:
        """Return what is wrong in the cache, a sentence each; nothing is changed."""
        from course_utils import upkeep

        return upkeep.problems(self)

    def repair(self) -> list[str]:
        """Mend what is wrong in the cache; see :func:`course_utils.upkeep.repair`."""
        from course_utils import upkeep

        return upkeep.repair(self)


# --- the store that lessons use ---

# With what the environment said when it was made; None: whatever that says.
_default: tuple[Store | None, list[str] | None] = (None, [])


def store() -> Store:
    """Return the store that lessons use: made from the environment, and made anew when that has changed."""
    global _default
    before, made_for = _default
    said = [os.environ.get(name) or "" for name in VARIABLES]
    if made_for not in (None, said):
        made = Store.from_environment(os.environ)
        if before:
            made.used = {name: source for name, source in before.used.items() if name in made.assets}
        _default = made, said
    return _default[0]


@contextlib.contextmanager
def using(other: Store) -> Iterator[Store]:
    """Make lessons use another store within a ``with`` block, whatever the environment says."""
    global _default
    before, _default = _default, (other, None)
    try:
        yield other
    finally:
        _default = before


def resolve(name: str) -> Resolved:
    """Get an asset from the nearest place that has it.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 05_how_sure, 07_distillation

    Parameters
    ----------
    name : str
        A key of ``assets.toml``, for instance ``"yamnet"``.

    Returns
    -------
    Resolved
        Path, source and variant of what this run uses.

    Raises
    ------
    AssetError
        In mode ``full``, if neither cache, mirror nor network has a file with the right hash.
    """
    return store().resolve(name)


def read(asset: Resolved) -> bytes:
    """Return the bytes of a single file, checked against the table at this very moment.

    What is loaded from these bytes is what was checked, whoever writes to the file meanwhile.

    Parameters
    ----------
    asset : Resolved
        As :func:`resolve` returns it; neither a set of clips nor an unpacked archive.

    Returns
    -------
    bytes
        The whole file. What the course ships is not checked.

    Raises
    ------
    AssetError
        If the file has changed since it was resolved, or cannot be read.
    """
    return store().read(asset)


def used() -> dict[str, str]:
    """Return the source of each asset that this process has resolved, by name."""
    return dict(store().used)


class Overview:
    """What a run uses for some assets: in a notebook a table that opens, in a terminal the table.

    Attributes
    ----------
    data : pandas.DataFrame
        One row per asset: what is used, where it came from, and how to get the real one.
    """

    def __init__(self, data: "pd.DataFrame"):
        self.data = data

    def __repr__(self) -> str:
        return self.data.to_string(index=False)

    def _repr_html_(self) -> str:
        table = self.data.style.hide(axis="index").format(escape="html")
        table = table.set_table_styles([{"selector": "th, td", "props": "text-align: left"}]).to_html()
        page = Markup("<details><summary>What this lesson uses, and how to get the real thing</summary>{}</details>")
        return str(page.format(Markup(table)))  # noqa: S704 - pandas has escaped its text


def overview(*names: str) -> Overview:
    """Say which networks answer, what this run uses for each asset, and how to get the real one.

    Notebook: all

    Returns
    -------
    Overview
        The details, folded: what is used, where it came from, and how to get the real one.
    """
    import pandas as pd

    here, rows, answering = store(), [], []
    for name in names:
        asset, row = here.resolve(name), here.assets[name]
        uses = f"the real one ({asset.variant})" if asset.is_real else asset.variant
        if "module" in row:
            speaker = here.speaker(name)
            answer = speaker.title if speaker.is_real else speaker.variant.split(" (")[0]
            if speaker.name != name:
                uses = f"{speaker.label} in its place"
                answer += f" in place of {asset.title.split(',')[0]}"
            answering.append(answer)
        todo = f"%run -m course_utils prefetch {name} ({here.size(name) / 1e6:.1f} MB)"
        if here.mirror:
            todo = f"{here.mirror_shown} does not have it. Ask whoever looks after it, or {todo}"
        elif here.mode == "embedded":
            todo = f"remove the environment variable COURSE_ASSETS, then {todo}"
        rows.append((asset.title, uses, asset.source, "" if asset.is_real else todo))
    if answering:
        print(f"Networks in this run: {'; '.join(dict.fromkeys(answering))}.")
    return Overview(pd.DataFrame(rows, columns=["asset", "this run uses", "from", "to get the real one"]))
