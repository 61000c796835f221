"""``python -m course_utils doctor | prefetch | info``: is everything there, get the real assets, what is what."""

import argparse
import contextlib
import importlib.metadata
import os
import platform
import sys
from pathlib import Path

from course_utils import __version__, assets

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "librosa",
    "soundfile",
    "soxr",
    "matplotlib",
    "seaborn",
    "tensorflow",
    "tensorflow-hub",
    "setuptools",
    "torch",
    "panns-inference",
    "codecarbon",
    "sed_eval",
    "scikit-learn",
    "ipywidgets",
    "anywidget",
    "tqdm",
    "pooch",
    "requests",
    "filelock",
)


@contextlib.contextmanager
def environment(**changes: str):
    """Set variables for a while: a notebook that calls a command by ``%run`` goes on as it was."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def info() -> int:
    """Print every asset: what this computer would use, its size, licence and source."""
    where = None if assets.mode() == "embedded" else assets.mirror()
    print(f"course-utils {__version__}, assets: {assets.mode()}, cache: {assets.cache_dir()}")
    print(f"mirror: {where or 'none'}\n")
    for name, row in assets.table().items():
        # to look is not to download: neither from the network nor from a mirror that is an address
        mode = "embedded" if assets.mode() == "embedded" else "auto"
        with environment(COURSE_ASSETS=mode, COURSE_MIRROR=str(where) if isinstance(where, Path) else ""):
            asset = assets.resolve(name)
        state = f"{asset.source}: {asset.variant}"
        if assets.mode() == "full" and not asset.is_real:
            state = "the network, or a mirror: not fetched yet"
        size = row.get("bytes") or row["files"][0]["bytes"]
        print(f"{name}\n  {row['title']}, {size / 1e6:.1f} MB, {row['licence']}\n  {row['source']}\n  uses {state}")
    return 0


def prefetch(names: list[str]) -> int:
    """Get the real assets into the cache (or from the mirror); 1 if one could not be had."""
    if unknown := set(names) - set(assets.table()):
        print(f"No asset is called {', '.join(sorted(unknown))}; there are {', '.join(assets.table())}.")
        return 2
    failed = 0
    for name in names or assets.table():
        try:
            with environment(COURSE_ASSETS="full"):
                asset = assets.resolve(name)
            print(f"{asset.title}: {asset.source} ({asset.variant})")
        except assets.AssetError as error:
            failed = 1
            print(f"{error}")
    return failed


def doctor() -> int:
    """Check Python, libraries, embedded assets and device; 1 if the course cannot run."""
    problems = []
    print(f"course-utils {__version__} on Python {platform.python_version()}, {platform.platform()}")
    for name in LIBRARIES:
        try:
            print(f"  {name:16} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} is not installed: python -m pip install -c constraints.txt -e .")
    try:
        # what tensorflow-hub needs
        if int(importlib.metadata.version("setuptools").split(".")[0]) >= 81:
            problems.append('setuptools is too new for tensorflow-hub: python -m pip install "setuptools<81"')
    except importlib.metadata.PackageNotFoundError:
        pass
    for row in assets.table().values():
        if "embedded" in row:
            try:
                assets.embedded(row["embedded"])
            except assets.AssetError as error:
                problems.append(str(error))
    try:
        print(f"Assets: {assets.mode()}, cache {assets.cache_dir()}, mirror {assets.mirror() or 'none'}")
    except (ValueError, assets.AssetError) as error:
        problems.append(str(error))
    if not problems:
        from course_utils import models

        try:
            models.start_tensorflow()
            import tensorflow as tf

            models.device()
            print(f"TensorFlow sees {len(tf.config.list_physical_devices('GPU'))} GPU(s).")
        except (ImportError, OSError) as error:
            windows = ", and Microsoft's Visual C++ Redistributable" if os.name == "nt" else ""
            problems.append(f"TensorFlow or PyTorch does not start ({error}): install it again{windows}.")
    print("\n".join(["", "To mend:", *problems] if problems else ["", "All is well: the course can run here."]))
    return 1 if problems else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="is everything there that the course needs?")
    commands.add_parser("info", help="every asset: size, licence, source, and what this computer would use")
    fetch = commands.add_parser("prefetch", help="get the real assets, before the lecture")
    fetch.add_argument("names", nargs="*", help="which (default: all)")
    chosen = parser.parse_args(arguments)
    if chosen.command == "prefetch":
        return prefetch(chosen.names)
    try:
        return {"doctor": doctor, "info": info}[chosen.command]()
    except (assets.AssetError, ValueError) as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
