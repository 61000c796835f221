"""Where models, data sets and clips come from: cache, mirror, network, or what the course ships.

An *asset* is a file or a set of files that the course does not ship: a checkpoint, a data set, a clip. ``assets.toml``
beside this file has a table for each. A :class:`Store` looks for it in this order, and checks size and hash:

1. **cache**: the folder ``COURSE_CACHE`` (default: ``data/cache`` of a checkout, else the user's cache folder),
2. **mirror**: ``COURSE_MIRROR``, a folder or an http(s) address with the same relative paths,
3. **network**: the addresses of the table,
4. **embedded**: what the course ships in its place.

``COURSE_ASSETS`` says how far to go. ``auto``, the default, takes from the network only what is small (25 MB at most).
Where nothing can be reached that costs ten seconds at most, once. ``full`` takes everything from the network, and is an
error if that fails. ``embedded`` takes only what the course ships, and makes no call to the network.
"""

import contextlib
import csv
import hashlib
import os
import shutil
import sys
import time
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.fetch import Fetcher, FetchError

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler
    from tqdm import tqdm

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
MODES = ("auto", "full", "embedded")
VARIABLES = ("COURSE_ASSETS", "COURSE_CACHE", "COURSE_MIRROR")
SMALL = 25_000_000  # bytes of an asset that mode ``auto`` fetches unasked
LOCK_PATIENCE = 15.0  # s that another notebook may hold a lock and do nothing

WAYS_OUT = (
    "Three ways out: (1) with a network, run `python -m course_utils prefetch` "
    "(in a notebook: `%run -m course_utils prefetch`); "
    "(2) set COURSE_MIRROR to a folder or an http address that holds the file under the same relative path; "
    "(3) set COURSE_ASSETS=embedded to work with what the course ships."
)


class AssetError(RuntimeError):
    """An asset could not be had; the message says what to do next."""


@dataclass(frozen=True)
class Resolved:
    """One asset as this run got it.

    Attributes
    ----------
    name, title : str
        Key and heading of the asset's table in ``assets.toml``.
    path : Path or None
        The file (for an unpacked archive and for a set of clips: the folder); None if nothing stands in as a file.
    source : {"cache", "mirror", "network", "embedded"}
        Where it came from.
    variant : str
        Which of the accepted versions it is.
    """

    name: str
    title: str
    path: Path | None
    source: str
    variant: str

    @property
    def is_real(self) -> bool:
        """Whether this is the asset itself and not what stands in for it."""
        return self.source != "embedded"

    @property
    def label(self) -> str:
        """Which version of the asset this is, or what stands in for it, in a few words."""
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
    for base in filter(None, (PACKAGE / "embedded", CHECKOUT and CHECKOUT / "data" / "embedded")):
        if (base / relative).exists():
            return base / relative
    raise AssetError(f"The course should ship {relative!r} and does not: reinstall it (python -m pip install .).")


def progress(*arguments: Any, **options: Any) -> "tqdm":
    """Return a tqdm progress bar that writes to stdout and vanishes when it is done: no bars in exported pages."""
    from tqdm import tqdm

    return tqdm(*arguments, file=sys.stdout, leave=False, **options)


def _folder(name: str, value: str, *bases: Path | None) -> Path:
    """Return the folder that a variable names; a relative one is looked up from the first of the bases that has it."""
    try:
        paths = [(base / Path(value).expanduser()).resolve() for base in bases if base]
        return next((path for path in paths if path.is_dir()), paths[-1])
    except (OSError, RuntimeError, ValueError) as error:  # ~nobody, links in a circle, a name that is too long
        raise AssetError(f"{name} is {value[:80]!r}, which is no folder ({error}). Correct it, or unset it.") from error


def _variant(path: Path, files: list[dict], tell: bool = False) -> str | None:
    """Return which version the file at ``path`` is, by size and hash, or None; ``tell``: warn of a wrong one."""
    try:
        size = path.stat().st_size
        for version in files if path.is_file() else ():
            algorithm, _, digest = version["hash"].partition(":")
            if size == version["bytes"]:
                with open(path, "rb") as file:
                    if hashlib.file_digest(file, algorithm).hexdigest() == digest:
                        return version["variant"]
        expected = " or ".join(f"{version['bytes']:,}" for version in files)
        what = f"{path} is damaged or another file ({size:,} bytes, expected {expected} with a known hash): it is not "
        what += "used. Delete it and run `python -m course_utils prefetch`."
        tell = tell and path.is_file()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        what = f"Files in {path.parent} cannot be read ({error.strerror}) and are not used: run "
        what += f"`chmod -R a+rX {path.parent}` as their owner, or set COURSE_CACHE to a folder of your own."
    if tell:
        warnings.warn(what, stacklevel=5)
    return None


def _cannot_write(error: Exception) -> str:
    why = getattr(error, "strerror", None) or error
    return f"cannot be written, {why}: set COURSE_CACHE to a folder of your own, with room on its disk"


class Store:
    """Finds assets, and keeps what it found and where from.

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
        self.mirror = None if mode == "embedded" else mirror
        if isinstance(self.mirror, str):
            self.mirror = mirror.rstrip("/") if mirror.startswith(("http://", "https://")) else Path(mirror)
        self.assets = table() if assets is None else assets
        self.used: dict[str, str] = {}
        self.environment: dict[str, str] | None = None
        self._found: dict[str, tuple[Resolved, dict[str, Path]]] = {}
        self._failures: dict[str, str] = {}
        self._told: set[str] = set()
        self._fetcher = Fetcher("full" if mode == "full" else "auto", self.cache / "unreachable.json")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **changes: Any) -> "Store":
        """Return the store that the variables ``COURSE_ASSETS``, ``COURSE_CACHE`` and ``COURSE_MIRROR`` ask for.

        Raises
        ------
        ValueError, AssetError
            If one of them makes no sense; the message says which.
        """
        said = {name: environment.get(name, "") for name in VARIABLES}
        mode, cache, mirror = said["COURSE_ASSETS"] or "auto", said["COURSE_CACHE"], said["COURSE_MIRROR"] or None
        if cache:
            cache = _folder("COURSE_CACHE", cache, CHECKOUT or Path.cwd())
        elif CHECKOUT:
            cache = CHECKOUT / "data" / "cache"
        else:
            import platformdirs

            cache = platformdirs.user_cache_dir("course-utils")
        if mirror and mode != "embedded" and not mirror.startswith(("http://", "https://")):
            if "://" in mirror:
                raise AssetError(f"COURSE_MIRROR is {mirror!r}: an address begins with http:// or https://.")
            folder = _folder("COURSE_MIRROR", mirror, Path.cwd(), CHECKOUT)
            if not folder.is_dir():
                raise AssetError(
                    f"COURSE_MIRROR names the folder {mirror!r}, which does not exist: correct or unset it."
                )
            mirror = folder
        store = cls(**{"mode": mode, "cache": cache, "mirror": mirror} | changes)
        store.environment = said
        return store

    # --- one file ---

    @contextlib.contextmanager
    def _locked(self, target: Path) -> Iterator[None]:
        """Hold the lock of a file of the cache; whoever holds it and does nothing is waited for in vain."""
        from filelock import FileLock, Timeout

        target.parent.mkdir(parents=True, exist_ok=True)
        lock, seen, since = FileLock(f"{target}.lock"), None, time.monotonic()
        while True:
            try:
                lock.acquire(timeout=0 if seen is None else 0.5)
                break
            except Timeout:
                parts = [path for path in target.parent.glob(f".{target.name}.*") if path.exists()]
                who = f" (process {parts[0].name.split('.')[-3]})" if parts else ""
                if seen is None:
                    print(f"Waiting for another notebook or command{who} that fetches {target.name}.", flush=True)
                now = [(path.name, path.stat().st_size) for path in parts]
                seen, since = now, since if now == seen else time.monotonic()
                if time.monotonic() - since > LOCK_PATIENCE or self._fetcher.halt.is_set():
                    said = f"another notebook or command{who} holds {target}.lock and does nothing: end it"
                    raise FetchError(said, host_failed=False) from None
        try:
            for old in target.parent.glob(f".{target.name}.*"):  # of tries that were killed
                shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
            yield
        finally:
            lock.release()

    def _download(self, url: str, target: Path, files: list[dict], show: bool, named: bool) -> str | None:
        """Fetch ``url`` to ``target`` and return its variant, or None; a failure leaves what was there before."""
        largest = max(version["bytes"] for version in files)
        try:
            with self._locked(target):
                if variant := _variant(target, files):  # another process has been at it
                    return variant
                part = target.with_name(f".{target.name}.{os.getpid()}.{time.time_ns()}.part")
                try:
                    self._fetcher.get(url, part, largest, show, named)
                    if variant := _variant(part, files):
                        part.replace(target)
                        return variant
                    raise FetchError(
                        f"it sent {part.stat().st_size:,} bytes that are not the file (unknown hash)", False
                    )
                finally:
                    with contextlib.suppress(OSError):
                        part.unlink(missing_ok=True)
        except FetchError as error:
            address = f"COURSE_MIRROR {self.mirror}" if named else "/".join(url.split("/")[:3])
            self._failures.setdefault(address, str(error))
        except OSError as error:
            self._failures[str(target.parent)] = _cannot_write(error)
        return None

    def _find_file(self, relative: str, files: list[dict], network: bool, show: bool = True):
        """Look for one file in cache, mirror and, if it is allowed, network: (path, source, variant), or None."""
        places = list(dict.fromkeys([relative, *(version["path"] for version in files if "path" in version)]))
        folders = [("cache", self.cache), *([("mirror", self.mirror)] if isinstance(self.mirror, Path) else [])]
        for place in places:
            for source, folder in folders:
                if variant := _variant(folder / place, files, tell=True):
                    return folder / place, source, variant
        urls = [(f"{self.mirror}/{place}", place, "mirror") for place in places if isinstance(self.mirror, str)]
        urls += [(url, relative, "network") for version in files for url in version["urls"] if network]
        for url, place, source in urls:
            if variant := self._download(url, self.cache / place, files, show, named=source == "mirror"):
                return self.cache / place, source, variant
        return None

    def _unpack(self, archive: Path, files: list[dict], variant: str) -> Path | None:
        """Unpack a checked ``.tar.gz`` below the cache, unless that has been done; return the folder, or None."""
        import tarfile

        digest = next(version["hash"] for version in files if version["variant"] == variant).partition(":")[2]
        folder = self.cache / "unpacked" / f"{archive.name.split('.')[0]}-{digest[:12]}"

        def complete() -> bool:
            paths = [(folder / member.name, member.size) for member in members]
            return all(path.is_file() and path.stat().st_size == size for path, size in paths)

        with tarfile.open(archive) as tar:
            members = [member for member in tar.getmembers() if member.isfile()]
        try:
            if complete():  # where nothing can be written, nothing has to be
                return folder
            with self._locked(folder), tarfile.open(archive) as tar:
                if not complete():  # another notebook may have been at it
                    scratch = folder.with_name(f".{folder.name}.{os.getpid()}.{time.time_ns()}.part")
                    scratch.mkdir()
                    for member in tar.getmembers():
                        member.mode &= scratch.stat().st_mode | 0o111  # what this user's umask leaves
                    # Python 3.11.0 to 3.11.3 know no filters; the archive's hash has been checked
                    tar.extraction_filter = getattr(tarfile, "data_filter", None)
                    tar.extractall(scratch)
                    shutil.rmtree(folder, ignore_errors=True)
                    scratch.replace(folder)
        except (FetchError, OSError) as error:
            self._failures[str(folder.parent)] = _cannot_write(error)
            return None
        return folder

    # --- assets ---

    def size(self, name: str) -> int:
        """Return how many bytes an asset has to download."""
        row = self.assets[name]
        return row.get("bytes") or row["files"][0]["bytes"]

    def manifest(self, name: str) -> list[dict]:
        """Return the rows of a set of clips: ``filename``, ``path`` below cache or mirror, accepted ``files``."""
        row, rows = self.assets[name], []
        with open(PACKAGE / row["manifest"], newline="", encoding="utf-8") as file:
            for line in csv.DictReader(file):
                if line["filename"] not in row.get("clips", [line["filename"]]):
                    continue
                path, url = f"{row['path']}/{line['filename']}", row["base_url"] + line["filename"]
                large = {"variant": "44.1 kHz", "bytes": 441044, "hash": f"md5:{line['md5_44k']}", "urls": [url]}
                small = {"variant": "16 kHz", "bytes": 160078, "hash": f"sha256:{line['sha256_16k']}", "urls": []}
                if "bytes_16k" in line:  # as Ogg Vorbis, of its own size and name
                    small |= {"bytes": int(line["bytes_16k"]), "path": f"{path.removesuffix('.wav')}.ogg"}
                rows.append({"filename": line["filename"], "path": path, "files": [large, small]})
        return rows

    def _find_clips(self, name: str, network: bool) -> dict[str, tuple[Path, str, str] | None]:
        rows, busy = self.manifest(name), network or isinstance(self.mirror, str)
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(self._find_file, row["path"], row["files"], network, False) for row in rows]
            bar = progress(jobs, desc=self.assets[name]["title"], unit="clip", disable=not busy)
            try:
                return {row["filename"]: job.result() for row, job in zip(rows, bar, strict=True)}
            except BaseException:  # Ctrl-C among them: whoever is still at it stops
                self._fetcher.halt.set()
                pool.shutdown(cancel_futures=True)
                raise

    def _find(self, name: str) -> tuple[Resolved, dict[str, Path]]:
        """Look for an asset: what :meth:`resolve` returns, and the files of a set of clips by name."""
        row = self.assets[name]
        if self.mode != "embedded":
            network = self.mode == "full" or self.size(name) <= self.small
            self._fetcher.begin()
            if "manifest" in row:
                found = self._find_clips(name, network)
                missing = f"{list(found.values()).count(None)} of {len(found)} clips"
            else:
                found = {"": self._find_file(row["path"], row["files"], network)}
                missing = row["path"]
            if row.get("unpack") and found[""]:
                path, source, variant = found[""]
                found = {"": (path, source, variant) if (path := self._unpack(path, row["files"], variant)) else None}
            if all(found.values()):
                paths, sources, variants = ([part[k] for part in found.values()] for k in range(3))
                source = next(kind for kind in ("network", "mirror", "cache") if kind in sources)
                if source == "network":
                    print(f"Fetched {row['title']}, {self.size(name) / 1e6:.1f} MB, into {self.cache}.", flush=True)
                clips = dict(zip(found, paths, strict=True)) if "manifest" in row else {}
                path = paths[0].parent if clips else paths[0]
                return Resolved(name, row["title"], path, source, " and ".join(sorted(set(variants)))), clips
            if self.mode == "full":
                tried = "".join(f"\n  {address}: {why}" for address, why in self._failures.items())
                self._failures.clear()
                raise AssetError(f"{row['title']}: could not get {missing}. {WAYS_OUT}{tried}")
        path = embedded(row["embedded"]) if "embedded" in row else None
        return Resolved(name, row["title"], path, "embedded", row["embedded_title"]), {}

    def _tell(self) -> None:
        """Say once, in one line, which addresses failed and how."""
        new = {address: why for address, why in self._failures.items() if address not in self._told}
        self._failures.clear()
        self._told |= new.keys()
        if new:
            said = "; ".join(f"{address} ({why})" for address, why in new.items())
            line = f"Not available: {said}. The course goes on with what it ships; to try again, run "
            line += "`python -m course_utils prefetch`."
            if any(address.startswith("COURSE_MIRROR") for address in new):
                warnings.warn(line, stacklevel=5)
            else:
                print(line, flush=True)

    def _resolve(self, name: str) -> tuple[Resolved, dict[str, Path]]:
        if name not in self.assets:
            raise KeyError(f"No asset is called {name!r}; there are {', '.join(self.assets)}.")
        found = self._found.get(name) or self._find(name)
        self._tell()
        asset = found[0]
        if asset.is_real:
            self._found[name] = found  # what is missing may come
            if self.used.get(name) == "embedded" and "module" in self.assets[name]:
                print(
                    f"{asset.title} is here now. Cells that have loaded it before keep what stood in: run them again."
                )
        self.used[name] = asset.source
        return found

    def resolve(self, name: str) -> Resolved:
        """Get an asset, from as near as possible; see :func:`resolve`."""
        return self._resolve(name)[0]

    def clips(self, name: str) -> dict[str, Path]:
        """Return the files of a set of clips, by file name; empty unless all of them are available."""
        return self._resolve(name)[1]

    def speaker(self, name: str) -> Resolved:
        """Return the network that answers for ``name``: itself, or the first of the table that may and is there."""
        rows = [name, *(other for other, row in self.assets.items() if name in row.get("speaks_for", ()))]
        found = (self.resolve(row) for row in rows)
        return next(asset for asset in found if asset.is_real or asset.path)

    def forget_failures(self) -> None:
        """Ask again who could not be reached before."""
        self._fetcher.remember({})
        self._told.clear()


# --- the store that lessons use ---

_default: Store | None = None


def store() -> Store:
    """Return the store that lessons use: made from the environment, and made anew where that has changed since."""
    global _default
    said = {name: os.environ.get(name, "") for name in VARIABLES}
    if _default is None or _default.environment not in (None, said):
        made = Store.from_environment(os.environ)
        before = {} if _default is None else _default.used
        made.used = {name: source for name, source in before.items() if name in made.assets}
        _default = made
    return _default


@contextlib.contextmanager
def using(other: Store) -> Iterator[Store]:
    """Have lessons use another store within a ``with`` block, whatever the environment says."""
    global _default
    before, _default, environment, other.environment = _default, other, other.environment, None
    try:
        yield other
    finally:
        _default, other.environment = before, environment


def resolve(name: str) -> Resolved:
    """Get an asset, from as near as possible.

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
        In mode ``full``, if neither cache, mirror nor network gave a file with the right hash.

    Notebook: 01_audio_tagging, 02_yamnet
    """
    return store().resolve(name)


def used() -> dict[str, str]:
    """Return the source of each asset that this process has resolved, by name."""
    return dict(store().used)


def overview(*names: str) -> "Styler":
    """Say, for each asset, what this run uses and how to get the real one.

    Returns
    -------
    pandas.io.formats.style.Styler
        A table with one row an asset: what is used, where it came from, and what to do for the real one.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 04_sound_event_detection, 05_distillation
    """
    import pandas as pd

    here, rows, answering = store(), [], []
    for name in names:
        asset, row = here.resolve(name), here.assets[name]
        uses = f"the real one ({asset.variant})" if asset.is_real else asset.variant
        if "module" in row:
            speaker = asset if asset.is_real else here.speaker(name)
            uses = uses if speaker.name == name else f"{speaker.label} in its place"
            place = "" if speaker.name == name else f" in place of {asset.title.split(',')[0]}"
            answering.append((speaker.title if speaker.is_real else speaker.variant.split(" (")[0]) + place)
        todo = f"%run -m course_utils prefetch {name} ({here.size(name) / 1e6:.1f} MB)"
        if here.mirror:
            todo = f"{here.mirror} does not have it: ask whoever keeps it, or {todo}"
        elif here.mode == "embedded":
            todo += ", without COURSE_ASSETS=embedded"
        rows.append(
            {
                "asset": asset.title,
                "this run uses": uses,
                "from": asset.source,
                "to get the real one": "" if asset.is_real else todo,
            }
        )
    if answering:
        print(f"Networks that answer here: {'; '.join(dict.fromkeys(answering))}.")
    left = [{"selector": "th, td", "props": "text-align: left"}]
    return pd.DataFrame(rows).style.hide(axis="index").set_table_styles(left)
