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
import hashlib
import os
import sys
import tarfile
import time
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import platformdirs
from tqdm import tqdm

from course_utils.fetch import Fetcher, FetchError

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
EMBEDDED = CHECKOUT / "data" / "embedded" if CHECKOUT else PACKAGE / "embedded"
MODES = ("auto", "full", "embedded")
VARIABLES = ("COURSE_ASSETS", "COURSE_CACHE", "COURSE_MIRROR")
SMALL = 25_000_000  # bytes of an asset that mode ``auto`` fetches unasked
LOCK_PATIENCE = 15.0  # s that another notebook may hold a lock and do nothing

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
        raise AssetError(
            f"{name} is {value[:80]!r}, which is not a folder ({error}). Correct it, or unset it."
        ) from error


def _mirror(value: str | Path | None) -> str | Path | None:
    """Return the address or the folder that ``COURSE_MIRROR`` names, if it names one."""
    if not value or isinstance(value, Path):
        return value or None
    if value.startswith(("http://", "https://")):
        return value.rstrip("/")
    if not (folder := _folder("COURSE_MIRROR", value, Path.cwd(), CHECKOUT)).is_dir():
        why = "but that folder does not exist. (An address begins with http:// or https://.)"
        raise AssetError(f"COURSE_MIRROR is {value!r}, {why} Correct it, or unset it.")
    return folder


def remedy(folder: Path) -> str:
    """Return what to do if files of a folder cannot be read."""
    return f"run `chmod -R a+rX {folder}` as its owner, or set COURSE_CACHE to a folder of your own."


def _variant(path: Path, files: list[dict], tell: bool = False) -> str | None:
    """Return which version the file at ``path`` is, by size and hash, or None; ``tell``: warn of a wrong one."""
    try:
        for version in files:
            algorithm, _, digest = version["hash"].partition(":")
            if path.stat().st_size == version["bytes"]:
                with open(path, "rb") as file:
                    if hashlib.file_digest(file, algorithm).hexdigest() == digest:
                        return version["variant"]
        what = f"{path} is damaged, or is another file, so the course doesn't use it. Delete it and run {PREFETCH}."
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        what = f"The files in {path.parent} cannot be read ({error.strerror}): {remedy(path.parent)}"
    if tell:
        warnings.warn(what, stacklevel=5)
    return None


def _parts(target: Path) -> list[Path]:
    """Return what tries at a file of the cache have begun beside it, those that were killed too."""
    return [path for path in target.parent.glob(f".{target.name}.*") if path.exists()]


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
        return cls(mode or said or "auto", cache, mirror)

    # --- one file ---

    def _lock(self, target: Path) -> contextlib.AbstractContextManager:
        """Lock a file of the cache; give up if another process holds it and does nothing."""
        target.parent.mkdir(parents=True, exist_ok=True)
        lock, seen, since = filelock.FileLock(f"{target}.lock"), None, time.monotonic()
        while True:
            try:
                return lock.acquire(timeout=0.5)
            except filelock.Timeout:
                sizes = {path.name: path.stat().st_size for path in _parts(target)}
                processes = [f"(process {name.split('.')[-3]})" for name in sizes]
                who = " ".join(["another notebook or command", *processes])
                if seen is None:
                    print(f"Waiting for {who} to fetch {target.name}.", flush=True)
                if sizes != seen:
                    seen, since = sizes, time.monotonic()
                if time.monotonic() - since > LOCK_PATIENCE or self._fetcher.halt.is_set():
                    raise FetchError(f"{who} holds {target}.lock but does nothing: end it") from None

    @contextlib.contextmanager
    def _noting(self, target: Path, address: str) -> Iterator[None]:
        """Note, to tell it later, why a file of the cache cannot be had from an address, or cannot be written."""
        try:
            yield
        except FetchError as error:
            self._failures.setdefault(address, str(error))
        except OSError as error:
            remedy = "set COURSE_CACHE to a folder of your own, with room on its disk"
            self._failures[str(target.parent)] = f"cannot be written, {error.strerror or error}: {remedy}"

    def _download(self, url: str, target: Path, files: list[dict], show: bool, named: bool) -> str | None:
        """Fetch ``url`` to ``target`` and return its variant, or None; a failure leaves what was there before."""
        address = f"COURSE_MIRROR {self.mirror}" if named else "/".join(url.split("/")[:3])
        with self._noting(target, address), self._lock(target):
            if variant := _variant(target, files):  # another process has been at it
                return variant
            part = target.with_name(f".{target.name}.{os.getpid()}.{time.time_ns()}.part")
            try:
                self._fetcher.get(url, part, max(version["bytes"] for version in files), show, named)
                if variant := _variant(part, files):
                    part.replace(target)
                    return variant
                raise FetchError(f"it sent {part.stat().st_size:,} bytes, but they are not the file that was asked for")
            finally:
                for path in _parts(target):  # those of tries that were killed too
                    path.unlink(missing_ok=True)

    def _find_file(self, relative: str, files: list[dict], network: bool, show: bool = True) -> tuple | None:
        """Look for one file in cache, mirror and, if it is allowed, network: (path, source, variant), or None."""
        places = list(dict.fromkeys(version.get("path", relative) for version in files))
        for place in places:
            for source, folder in (("cache", self.cache), ("mirror", self.mirror)):
                if isinstance(folder, Path) and (variant := _variant(folder / place, files, tell=True)):
                    return folder / place, source, variant
        urls = [(f"{self.mirror}/{place}", place, "mirror") for place in places if isinstance(self.mirror, str)]
        urls += [(url, relative, "network") for version in files for url in version["urls"] if network]
        for url, place, source in urls:
            if variant := self._download(url, self.cache / place, files, show, named=source == "mirror"):
                return self.cache / place, source, variant
        return None

    def _unpack(self, archive: Path, source: str, variant: str, files: list[dict]) -> tuple | None:
        """Unpack a checked ``.tar.gz`` below the cache, but for what has been done: as :meth:`_find_file`."""
        digest = next(version["hash"] for version in files if version["variant"] == variant).partition(":")[2]
        folder = self.cache / "unpacked" / f"{archive.name.split('.')[0]}-{digest[:12]}"
        with tarfile.open(archive) as tar:
            members = {folder / member.name: member for member in tar if member.isfile()}

            def missing() -> list[Path]:
                there = {path: path.stat().st_size for path in members if path.is_file()}
                return [path for path, member in members.items() if there.get(path) != member.size]

            if missing():  # else nothing has to be written
                with self._noting(folder, str(folder.parent)), self._lock(folder):
                    for path in missing():  # another notebook may have been at it
                        path.parent.mkdir(parents=True, exist_ok=True)
                        path.write_bytes(tar.extractfile(members[path]).read())
            return None if missing() else (folder, source, variant)

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
                raise AssetError(f"{row['title']}: could not get {missing}. {WAYS_OUT}{tried}")
        path = embedded(row["embedded"]) if "embedded" in row else None
        return Resolved(name, row["title"], path, "embedded", row["embedded_title"])

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
        if new:
            said = "; ".join(f"{address} ({why})" for address, why in new.items())
            then = "It came from elsewhere" if asset.is_real else "The course goes on with what it ships"
            line = (
                f"Not available: {said}. {then}. To try again, run `{_runner()} -m course_utils prefetch {asset.name}`."
            )
            if "COURSE_MIRROR" in said:
                warnings.warn(line, stacklevel=5)
            else:
                print(line, flush=True)

    def resolve(self, name: str) -> Resolved:
        """Get an asset from the nearest place that has it; see :func:`resolve`."""
        if name not in self.assets:
            raise KeyError(f"No asset is called {name!r}. The course has {', '.join(self.assets)}.")
        asset = self._found.get(name) or self._find(name)
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
        self._fetcher.remember({})
        self._told.clear()


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
        table = self.data.style.hide(axis="index")
        table = table.set_table_styles([{"selector": "th, td", "props": "text-align: left"}]).to_html()
        return f"<details><summary>What this lesson uses, and how to get the real thing</summary>{table}</details>"


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
            todo = f"{here.mirror} does not have it. Ask whoever looks after it, or {todo}"
        elif here.mode == "embedded":
            todo = f"remove the environment variable COURSE_ASSETS, then {todo}"
        rows.append((asset.title, uses, asset.source, "" if asset.is_real else todo))
    if answering:
        print(f"Networks in this run: {'; '.join(dict.fromkeys(answering))}.")
    return Overview(pd.DataFrame(rows, columns=["asset", "this run uses", "from", "to get the real one"]))
