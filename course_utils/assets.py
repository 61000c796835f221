"""Where models, data sets and clips come from: cache, mirror, network, or what the course ships.

An *asset* is a file the course does not ship: a checkpoint, a data set, a clip. ``assets.toml`` beside this
file has a table for each. :func:`resolve` looks for it in this order, and checks size and hash once a process:

1. **cache**: the folder ``COURSE_CACHE`` (default: ``data/cache`` of a checkout, else the user's cache folder),
2. **mirror**: ``COURSE_MIRROR``, a folder or an http(s) address with the same relative paths,
3. **network**: the addresses of the table,
4. **embedded**: what the course ships in its place.

``COURSE_ASSETS`` says how far to go: ``auto`` (cache or mirror, otherwise embedded; never the network),
``full`` (cache, mirror, network; an error if all fail; the default in Colab), ``embedded`` (only what is shipped).
"""

import os
import sys
import tomllib
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent if (PACKAGE.parent / "pyproject.toml").is_file() else None
MODES = ("auto", "full", "embedded")

WAYS_OUT = (
    "Three ways out: (1) with a network, run `python -m course_utils prefetch` (in a notebook, "
    "`%run -m course_utils prefetch`, then restart the kernel); "
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


_used: dict[str, str] = {}
_failures: list[str] = []
_unreachable: set[str] = set()
_known: dict[tuple, tuple[Resolved, dict[str, Path]]] = {}


# --- where things are ---


@cache
def table() -> dict[str, dict]:
    """Return the asset table: for each name, the fields of ``assets.toml``."""
    return tomllib.loads((PACKAGE / "assets.toml").read_text(encoding="utf-8"))


def mode() -> str:
    """Return how far to go for an asset: ``COURSE_ASSETS``, by default ``full`` in Colab and ``auto`` elsewhere."""
    value = os.environ.get("COURSE_ASSETS") or ("full" if "google.colab" in sys.modules else "auto")
    if value not in MODES:
        raise ValueError(f"COURSE_ASSETS is {value!r}; set it to one of {', '.join(MODES)}, or unset it.")
    return value


def cache_dir() -> Path:
    """Return the folder for downloads and computed features; it need not exist yet.

    ``COURSE_CACHE``, if set (a relative one counts from the checkout); else ``data/cache`` of the checkout; else the
    user's cache folder.
    """
    if value := os.environ.get("COURSE_CACHE"):
        return ((CHECKOUT or Path.cwd()) / Path(value).expanduser()).resolve()
    if CHECKOUT:
        return CHECKOUT / "data" / "cache"
    import pooch

    return Path(pooch.os_cache("course-utils"))


def mirror() -> str | Path | None:
    """Return ``COURSE_MIRROR`` as an address, as an existing folder, or None if it is not set.

    A relative folder is looked up from the working directory, then from the checkout.
    """
    value = os.environ.get("COURSE_MIRROR")
    if not value:
        return None
    if value.startswith(("http://", "https://")):
        return value.rstrip("/")
    for base in filter(None, (Path.cwd(), CHECKOUT)):
        if (folder := (base / Path(value).expanduser()).resolve()).is_dir():
            return folder
    raise AssetError(f"COURSE_MIRROR names the folder {value!r}, which does not exist. Correct it, or unset it.")


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


def progress(*arguments, **options):
    """Return a tqdm progress bar that writes to stdout and vanishes when it is done: no bars in exported pages."""
    from tqdm import tqdm

    return tqdm(*arguments, file=sys.stdout, leave=False, **options)


# --- checking and downloading one file ---


def _identify(path: Path, files: list[dict]) -> str | None:
    """Return the variant that the file at ``path`` is, by size and hash, or None."""
    import pooch

    size = path.stat().st_size
    for version in files:
        algorithm, _, digest = version["hash"].partition(":")
        if size == version["bytes"] and pooch.file_hash(str(path), alg=algorithm) == digest:
            return version["variant"]
    return None


def _check(path: Path, files: list[dict]) -> str | None:
    """Return the variant of the file at ``path``, or None: silently if it is missing, with a warning if it is wrong."""
    if not path.is_file():
        return None
    if not (variant := _identify(path, files)):
        expected = " or ".join(f"{version['bytes']:,}" for version in files)
        warnings.warn(
            f"{path} is damaged or another file ({path.stat().st_size:,} bytes, expected {expected} with a known "
            "hash): it is not used. Delete it and run `python -m course_utils prefetch`.",
            stacklevel=4,
        )
    return variant


class _Downloader:
    """What pooch calls to fetch one address: named User-Agent, progress bar, back-off on 429 and 5xx."""

    def __init__(self, show: bool):
        self.show = show

    def __call__(self, url, output_file, pooch, check_only=False):
        import requests
        from requests.adapters import HTTPAdapter, Retry

        from course_utils import __version__

        # Waits of 0, 2, 4 and 8 s. Retry-After is not followed: a server may ask for an hour.
        statuses = (429, 500, 502, 503, 504)
        retries = Retry(4, connect=1, backoff_factor=1, status_forcelist=statuses, respect_retry_after_header=False)
        with requests.Session() as session:
            session.headers["User-Agent"] = f"course-utils/{__version__} (Environmental Audio AI course)"
            for scheme in ("http://", "https://"):
                session.mount(scheme, HTTPAdapter(max_retries=retries))
            try:
                response = session.get(url, stream=True, timeout=(10, 60))
            except requests.RequestException:  # no answer, or 429 and 5xx to the end
                _unreachable.add(_host(url))
                raise
            with response:
                response.raise_for_status()
                total = int(response.headers.get("content-length", 0)) or None
                with (
                    open(output_file, "wb") as file,
                    progress(total=total, unit="B", unit_scale=True, desc=Path(url).name, disable=not self.show) as bar,
                ):
                    for chunk in response.iter_content(1 << 16):
                        file.write(chunk)
                        bar.update(len(chunk))


def _host(url: str) -> str:
    return url.split("/")[2]


def _cannot_write(folder: Path) -> AssetError:
    return AssetError(f"Cannot write to {folder}: set COURSE_CACHE to a folder of your own, with room on its disk.")


def _download(url: str, target: Path, files: list[dict], show: bool = True) -> str | None:
    """Fetch ``url`` to ``target`` and return its variant, or None; a failure leaves what was there before.

    The file comes into a folder of its own beside the target, and takes the target's place once its hash is known.
    A lock keeps two notebooks from fetching the same file; an address that cannot be reached is asked once.
    """
    import tempfile

    import pooch
    import requests
    from filelock import FileLock

    if _host(url) in _unreachable:
        return None
    pooch.get_logger().setLevel("WARNING")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{target}.lock"), tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as folder:
            if target.is_file() and (variant := _identify(target, files)):
                return variant
            fetched = Path(pooch.retrieve(url, None, target.name, folder, downloader=_Downloader(show)))
            if variant := _identify(fetched, files):
                fetched.replace(target)
                return variant
            _failures.append(f"{url}: {fetched.stat().st_size:,} bytes that are not the file (its hash is unknown)")
    except requests.RequestException as error:
        _failures.append(f"{url}: {error}")
    except OSError as error:
        raise _cannot_write(target.parent) from error
    return None


def _fetch_file(relative: str, files: list[dict], show: bool = True) -> tuple[Path, str, str] | None:
    """Look for one file in cache, mirror and (mode ``full``) network: (path, source, variant), or None."""
    where, cached = mirror(), cache_dir() / relative
    places = list(dict.fromkeys([relative, *(version["path"] for version in files if "path" in version)]))
    for place in places:
        if variant := _check(cache_dir() / place, files):
            return cache_dir() / place, "cache", variant
        if isinstance(where, Path) and (variant := _check(where / place, files)):
            return where / place, "mirror", variant
    for place in places:
        if isinstance(where, str) and (variant := _download(f"{where}/{place}", cache_dir() / place, files, show)):
            return cache_dir() / place, "mirror", variant
    if mode() == "full":
        for url in [url for version in files for url in version["urls"]]:
            if variant := _download(url, cached, files, show):
                return cached, "network", variant
    return None


def _unpack(archive: Path, files: list[dict], variant: str) -> Path:
    """Unpack a checked ``.tar.gz`` below the cache, unless that has been done, and return the folder."""
    import shutil
    import tarfile
    import tempfile

    from filelock import FileLock

    digest = next(version["hash"] for version in files if version["variant"] == variant).partition(":")[2]
    folder = cache_dir() / "unpacked" / f"{archive.name.split('.')[0]}-{digest[:12]}"

    def complete() -> bool:
        paths = [(folder / member.name, member.size) for member in members]
        return all(path.is_file() and path.stat().st_size == size for path, size in paths)

    with tarfile.open(archive) as tar:
        members = [member for member in tar.getmembers() if member.isfile()]
    if complete():  # where nothing can be written, nothing has to be
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"), tarfile.open(archive) as tar:
            if not complete():  # another notebook may have been at it
                scratch = tempfile.mkdtemp(dir=folder.parent)
                try:
                    # Python 3.11.0 to 3.11.3 know no filters; the archive's hash has been checked
                    tar.extraction_filter = getattr(tarfile, "data_filter", None)
                    tar.extractall(scratch)
                    shutil.rmtree(folder, ignore_errors=True)
                    Path(scratch).replace(folder).chmod(0o755)  # scratch folders are their maker's only
                finally:
                    shutil.rmtree(scratch, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(folder.parent) from error
    return folder


# --- what the notebooks and the package call ---


def manifest(name: str) -> list[dict]:
    """Return the rows of a set of clips: ``filename``, ``path`` below cache or mirror, accepted ``files``."""
    import csv

    row = table()[name]
    rows = []
    with open(PACKAGE / row["manifest"], newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            path = f"{row['path']}/{line['filename']}"
            url = row["base_url"] + line["filename"]
            files = [{"variant": "44.1 kHz", "bytes": 441044, "hash": f"md5:{line['md5_44k']}", "urls": [url]}]
            small = {"variant": "16 kHz", "bytes": 160078, "hash": f"sha256:{line['sha256_16k']}", "urls": []}
            if "bytes_16k" in line:  # as Ogg Vorbis, of its own size and name
                small |= {"bytes": int(line["bytes_16k"]), "path": f"{path.removesuffix('.wav')}.ogg"}
            rows.append({"filename": line["filename"], "path": path, "files": [*files, small]})
    return rows


def _find(name: str) -> tuple[Resolved, dict[str, Path]]:
    """Look for an asset: what :func:`resolve` returns, and the files of a set of clips by name."""
    row = table()[name]
    _unreachable.clear()
    _failures.clear()
    if mode() != "embedded":
        if "manifest" in row:
            rows = manifest(name)
            busy = mode() == "full" or isinstance(mirror(), str)
            with ThreadPoolExecutor(8) as pool:
                jobs = pool.map(lambda clip: _fetch_file(clip["path"], clip["files"], show=False), rows)
                found = list(progress(jobs, total=len(rows), desc=row["title"], unit="clip", disable=not busy))
            if all(found):
                sources = {source for _, source, _ in found}
                source = next(kind for kind in ("network", "mirror", "cache") if kind in sources)
                variants = " and ".join(sorted({variant for *_, variant in found}))
                paths = {clip["filename"]: path for clip, (path, _, _) in zip(rows, found, strict=True)}
                return Resolved(name, row["title"], found[0][0].parent, source, variants), paths
            missing = f"{found.count(None)} of {len(rows)} clips"
        else:
            if found := _fetch_file(row["path"], row["files"]):
                path, source, variant = found
                if row.get("unpack"):
                    path = _unpack(path, row["files"], variant)
                return Resolved(name, row["title"], path, source, variant), {}
            missing = row["path"]
        if mode() == "full":
            tried = "".join(f"\n  failed: {failure}" for failure in _failures[-3:])
            raise AssetError(f"{row['title']}: could not get {missing}. {WAYS_OUT}{tried}")
    path = embedded(row["embedded"]) if "embedded" in row else None
    return Resolved(name, row["title"], path, "embedded", row["embedded_title"]), {}


def _resolve(name: str) -> tuple[Resolved, dict[str, Path]]:
    if name not in table():
        raise KeyError(f"No asset is called {name!r}; there are {', '.join(table())}.")
    key = (name, mode(), None if mode() == "embedded" else mirror(), cache_dir())
    if key not in _known:
        _known[key] = _find(name)
    record(name, _known[key][0].source)
    return _known[key]


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
    return _resolve(name)[0]


def clips(name: str = "esc50-animals") -> dict[str, Path]:
    """Return the files of a set of clips, by file name; empty if only the embedded features are at hand."""
    return _resolve(name)[1]


def overview(*names: str):
    """Say, for each asset, what this run uses and how to get the real one.

    Returns
    -------
    pandas.io.formats.style.Styler
        A table with one row an asset: what is used, where it came from, and what to do for the real one.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 04_sound_event_detection, 05_distillation
    """
    import pandas as pd

    rows = []
    for name in names:
        asset, row = resolve(name), table()[name]
        size = row.get("bytes") or row["files"][0]["bytes"]
        todo = f"%run -m course_utils prefetch {name} ({size / 1e6:.1f} MB), then restart the kernel"
        todo += ", without COURSE_ASSETS=embedded" if mode() == "embedded" else ""
        rows.append(
            {
                "asset": asset.title,
                "this run uses": f"the real one ({asset.variant})" if asset.is_real else asset.variant,
                "from": asset.source,
                "to get the real one": "" if asset.is_real else todo,
            }
        )
    left = [{"selector": "th, td", "props": "text-align: left"}]
    return pd.DataFrame(rows).style.hide(axis="index").set_table_styles(left)


def used() -> dict[str, str]:
    """Return the source of each asset that this process has resolved, by name."""
    return dict(_used)


def record(name: str, source: str) -> None:
    """Note where something came from, for :func:`used`."""
    _used[name] = source
