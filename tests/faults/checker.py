"""What is right, whatever goes wrong: the correct file, or one sentence with a way out, soon, and nothing lost."""

import contextlib
import hashlib
import io
import json
import re
import time
import warnings
from pathlib import Path

from course_utils import assets

WAY_OUT = re.compile(
    r"prefetch|COURSE_MIRROR|COURSE_CACHE|COURSE_ASSETS|chmod|[Dd]elete it|end it|Ask whoever|--repair"
)
LIBRARY = re.compile(r"Traceback|HTTPConnectionPool|Max retries|object at 0x|urllib3|\[Errno|site-packages|\.py\b")
OURS = re.compile(r".*(\.lock|\.damaged\d*(/.*)?|/unreachable\.json)")


def snapshot(folder: Path) -> dict[str, str]:
    """Return what is in a folder: for each path, what kind of thing it is, or the digest of the file."""
    found = {}
    for path in folder.rglob("*") if folder.is_dir() else [folder]:
        kind = "link" if path.is_symlink() else "folder" if path.is_dir() else "file" if path.is_file() else "none"
        with contextlib.suppress(OSError):
            kind = hashlib.sha256(path.read_bytes()).hexdigest() if kind == "file" else kind
        if kind != "none":
            found[path.relative_to(folder.parent).as_posix()] = kind
    return found


class Seen:
    """What a call gave: the asset or None, what a person reads, and the seconds it took."""

    def __init__(self, store: assets.Store, name: str):
        out = io.StringIO()
        start = time.monotonic()
        with warnings.catch_warnings(record=True) as told, contextlib.redirect_stdout(out):
            warnings.simplefilter("always")
            try:
                self.asset, error = store.resolve(name), ""
            except assets.AssetError as refused:
                self.asset, error = None, str(refused)
        self.seconds = time.monotonic() - start
        printed = re.sub(r"[^\n]*\r", "", out.getvalue())  # bars
        self.said = "\n".join([*(str(one.message) for one in told), printed, error]).strip()

    @property
    def is_real(self) -> bool:
        return self.asset is not None and self.asset.is_real


def content(asset: assets.Resolved) -> dict[str, bytes]:
    """Return the files of an asset by name."""
    if asset.clips:
        return {name: path.read_bytes() for name, path in asset.clips.items()}
    if asset.path.is_dir():
        return {p.relative_to(asset.path).as_posix(): p.read_bytes() for p in asset.path.rglob("*") if p.is_file()}
    return {"": asset.path.read_bytes()}


def check(store: assets.Store, name: str, wanted: dict[str, bytes], seconds: float = 60, whole: tuple = ()) -> tuple:
    """Resolve an asset and assert that all is right; return what was seen, and the state of the cache in words.

    Parameters
    ----------
    wanted : dict of str to bytes
        The correct files of the asset.
    whole : tuple of bytes
        What else may lie under a final name, for instance the archive.
    """
    before = snapshot(store.cache)
    seen = Seen(store, name)
    after = snapshot(store.cache)
    assert seen.seconds < seconds, seen.seconds
    assert not LIBRARY.search(seen.said), seen.said
    if seen.is_real:
        assert content(seen.asset) == wanted
    else:
        assert WAY_OUT.search(seen.said), f"no way out: {seen.said!r}"
        head = seen.said.split("Three ways out")[0].strip()
        assert len(head.splitlines()) <= 3, seen.said
        assert re.search(r"[.`…)]$", head), seen.said
    right = {hashlib.sha256(body).hexdigest() for body in (*wanted.values(), *whole)}
    for path, kind in after.items():
        if before.get(path) != kind and kind not in ("folder", "link") and not OURS.fullmatch(path):
            assert kind in right, f"{path} is not whole"
    for path, kind in before.items():
        assert kind not in right or after.get(path) == kind, f"{path} was whole, and is not any more"
    assert not [path for path in after if path.endswith(".part")], "left over"
    memory = f"{store.cache.name}/unreachable.json"
    if after.get(memory) not in (None, before.get(memory), "folder", "link"):
        json.loads((store.cache / "unreachable.json").read_text(encoding="utf-8"))

    def kept(found: dict) -> dict:
        found = {path: kind for path, kind in found.items() if not OURS.fullmatch(path) and kind != "folder"}
        return found

    if kept(before) == kept(after):
        return seen, "as before" if kept(before) else "empty"
    return seen, "the file, whole" if seen.is_real else "mended in part"
