"""Find and mend what is wrong in the cache: damaged files, and what killed processes have left behind.

Only what the course puts into its cache is looked at. Whatever else lies there stays as it is.
"""

import contextlib
import errno
import json
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from course_utils import archives, assets, features, fetch

if TYPE_CHECKING:
    from course_utils.assets import Store

PART = re.compile(r"\.(.+)\.\d+\.\d+\.part")
UNPACKED = re.compile(r".+-[0-9a-f]{12}")
ILL = tuple[str, Callable[[], str] | None]  # what is wrong, and what mends it and says how, if anything does


def _places(store: "Store") -> dict[Path, list[dict]]:
    """Return each file that the cache may hold, with its accepted versions."""
    rows = [row for name, own in store.assets.items() for row in (store.manifest(name) if "manifest" in own else [own])]
    places = ((version.get("path", row["path"]), row["files"]) for row in rows for version in row["files"])
    return {store.cache / place: files for place, files in places}


def _kind(path: Path) -> str:
    """Return what lies at a path: a file, a folder, another thing; "" if nothing does, or it may not be looked at."""
    try:
        mode = path.stat().st_mode
        return "folder" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else "other"
    except PermissionError:
        return ""
    except OSError:  # a link that leads nowhere
        return "other" if os.path.lexists(path) else ""


def _held(target: Path) -> bool:
    """Return whether a process holds the lock of a file, or may hold it."""
    if _kind(lock := Path(f"{target}.lock")) != "file":
        return False
    try:
        with filelock.FileLock(lock, timeout=0):
            return False
    except (OSError, filelock.Timeout):
        return True


def _remove(path: Path) -> str:
    path.unlink(missing_ok=True)
    return "removed"


def _renamed(path: Path) -> str:
    return f"renamed to {assets.set_aside(path)}"


def _in(folder: Path, pattern: str) -> list[Path]:
    """Return what lies in a folder and has such a name, as far as it may be looked at."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:  # of Python before 3.13
        return []


def _damaged(places: dict[Path, list[dict]], cache: Path) -> Iterator[ILL]:
    """Yield what lies in the place of a file, or of its folder, and is none."""
    folders = {folder for path in places for folder in path.parents if folder.is_relative_to(cache)}
    folders |= {cache / "features", cache / "unpacked"}
    for path in sorted(folder for folder in folders if _kind(folder) in ("file", "other")):
        yield f"{path} is no folder, but one belongs there", lambda path=path: _renamed(path)
    for path in (Path(f"{place}.lock") for place in places):
        if _kind(path) == "folder":
            yield f"{path} is a folder, but a file belongs there", lambda path=path: _renamed(path)
    for path, files in places.items():
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            try:
                if not assets.version_of(path, files) and not _held(path):
                    what = f"{path} is damaged, or is another file"
                    yield what, lambda path=path: _renamed(path)
            except (FileNotFoundError, NotADirectoryError):
                raise
            except OSError as error:
                if _kind(path) == "other":  # a link to itself
                    yield f"{path} is no file, but one belongs there", lambda path=path: _renamed(path)
                elif error.errno != errno.ELOOP:
                    remedy = assets.remedy(path.parent).rstrip(".")
                    yield f"{path} cannot be read ({error.strerror}): {remedy}", None


def _unpacked(store: "Store") -> Iterator[ILL]:
    """Yield the unpacked archives that differ from their archives."""
    for row in store.assets.values():
        for folder in (store.cache, store.mirror) if row.get("unpack") else ():
            with contextlib.suppress(OSError, TypeError, fetch.FetchError, archives.ArchiveError):
                archive = folder / row["path"]  # of a mirror that is an address or none: TypeError
                if variant := assets.version_of(archive, row["files"]):
                    target, wanted = store.unpacked(archive, variant, row["files"])
                    if target.exists() and any(archives.differences(target, wanted)) and not _held(target):

                        def mend(archive=archive, variant=variant, row=row) -> str:
                            store.unpack(archive, variant, row["files"])
                            return "unpacked again"

                        yield f"{target} differs from {archive.name}, of which it is unpacked", mend
                    break


def _left_over(store: "Store", places: dict[Path, list[dict]]) -> Iterator[ILL]:
    """Yield what was begun and never finished."""
    for folder in sorted({path.parent for path in places} | {store.cache, store.cache / "unpacked"}):
        for path in _in(folder, ".*.part"):
            target = PART.fullmatch(path.name) and folder / PART.fullmatch(path.name)[1]
            unpacked = target and folder.name == "unpacked" and UNPACKED.fullmatch(target.name)
            known = unpacked or target in places or target == store.cache / "unreachable.json"
            if known and _kind(path) == "file" and not _held(target):
                yield f"{path} is left over from a download that was stopped", lambda path=path: _remove(path)
    for path in _in(store.cache / "features", "*/.*.npz"):
        with contextlib.suppress(OSError):
            if features.SCRATCH.fullmatch(path.name) and time.time() - path.stat().st_mtime > 60:
                yield f"{path} is left over from a computation that was stopped", lambda path=path: _remove(path)


def _ills(store: "Store") -> Iterator[ILL]:
    places = _places(store)
    if _kind(store.cache) in ("file", "other"):
        yield f"{store.cache} is not a folder: set COURSE_CACHE to one", None
        return
    yield from _left_over(store, places)
    yield from _damaged(places, store.cache)
    yield from _unpacked(store)
    kept = [path for path in _in(store.cache / "features", "*/[!.]*.npz") if features.KEPT.fullmatch(path.name)]
    readable = [path for path in kept if _kind(path) == "file" and os.access(path, os.R_OK)]
    if damaged := [path for path in readable if not features.rows_of(path)]:
        more = f" (and {len(damaged) - 1} more like it)" if len(damaged) > 1 else ""

        def remove() -> str:
            for path in damaged:
                _remove(path)
            return "removed, so they are computed again"

        yield f"{damaged[0]}{more} holds no whole features of this version of the course", remove
    memory = store.cache / "unreachable.json"
    if _kind(memory) in ("folder", "other"):
        yield f"{memory} is not a file", lambda: _renamed(memory)
    elif _kind(memory) == "file":
        try:
            whole = all(len(row) == 3 for row in json.loads(memory.read_text(encoding="utf-8")).values())
        except Exception:  # it may hold anything
            whole = False
        if not whole:
            yield f"{memory} is damaged", lambda: _remove(memory)


def problems(store: "Store") -> list[str]:
    """Return what is wrong in a store's cache, a sentence each; nothing is changed."""
    return [f"{what}." for what, _ in _ills(store)]


def repair(store: "Store") -> list[str]:
    """Mend what is wrong in a store's cache.

    A damaged file is renamed to ``<name>.damaged``, because it might be somebody's own. What killed processes have left
    behind, and features that are not whole, are removed. An unpacked archive is unpacked again where it differs.
    Then the locks that nobody holds, and the memory of what could not be reached, are removed.

    Returns
    -------
    list of str
        A sentence for each thing that was mended, or could not be.
    """
    said = []
    for what, mend in list(_ills(store)):
        try:
            said.append(f"{what}: {mend()}." if mend else f"{what}.")
        except (OSError, fetch.FetchError, archives.ArchiveError) as error:
            said.append(f"{what}, and could not be mended: {getattr(error, 'strerror', None) or error}.")
    locks = 0
    places, unpacked = _places(store), store.cache / "unpacked"
    for folder in {path.parent for path in places} | {unpacked}:
        for path in _in(folder, "*.lock"):
            target = path.with_suffix("")
            if target not in places and not (folder == unpacked and UNPACKED.fullmatch(target.name)):
                continue
            with contextlib.suppress(OSError, filelock.Timeout), filelock.FileLock(path, timeout=0):
                path.unlink()
                locks += 1
    if locks:
        said.append(f"{locks} locks that nobody held: removed.")
    if _kind(store.cache / "unreachable.json") == "file":
        store.forget_failures()
        with contextlib.suppress(OSError):
            (store.cache / "unreachable.json").unlink()
            said.append("The addresses that failed in the last hour are asked again.")
    return said
