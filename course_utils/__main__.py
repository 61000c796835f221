"""Check your installation, fetch the real assets, or list them all: ``python -m course_utils doctor|prefetch|info``."""

import argparse
import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

from course_utils import __version__, assets, models


def libraries() -> list[str]:
    """Return what the course depends on, by the names that pip knows."""
    needed = importlib.metadata.requires("course-utils") or []
    return [re.match(r"[\w.-]+", line)[0] for line in needed if "extra ==" not in line]


def unreadable(folder: Path) -> list[Path]:
    """Return the files and folders below a folder that this user may not read."""
    errors: list[OSError] = []
    files = [Path(base, name) for base, _, names in os.walk(folder, onerror=errors.append) for name in names]
    locked = [Path(error.filename) for error in errors if isinstance(error, PermissionError)]
    return locked + [path for path in files if not os.access(path, os.R_OK)]


def info() -> int:
    """List every asset: what this computer would use, its size, licence and source."""
    store = assets.store()
    print(f"course-utils {__version__}, assets: {store.mode}, cache: {store.cache}")
    print(f"mirror: {store.mirror or 'none'}\n")
    # to look is not to download: neither from the network nor from a mirror that is an address
    mirror = store.mirror if isinstance(store.mirror, Path) else None
    looking = assets.Store("embedded" if store.mode == "embedded" else "auto", store.cache, mirror, small=0)
    for name, row in store.assets.items():
        asset = looking.resolve(name)
        missing = store.asks(name) and not asset.is_real
        state = "the network or a mirror; not fetched yet" if missing else f"{asset.source}: {asset.variant}"
        print(f"{name}\n  {row['title']}, {store.size(name) / 1e6:.1f} MB, {row['licence']}")
        print(f"  {row['source']}\n  uses {state}")
    return 0


def prefetch(names: list[str]) -> int:
    """Fetch the real assets into the cache, from a mirror or the network; 1 if one could not be fetched."""
    store = assets.Store.from_environment(os.environ, mode="full")
    if unknown := set(names) - set(store.assets):
        print(f"No asset is called {', '.join(sorted(unknown))}. The course has {', '.join(store.assets)}.")
        return 2
    store.used, failed = assets.store().used, []
    store.forget_failures()
    for name in names or store.assets:
        try:
            asset = store.resolve(name)
            print(f"{asset.title}: {asset.source} ({asset.variant})")
        except assets.AssetError as error:
            failed.append(name)
            print(str(error).replace(assets.WAYS_OUT, "").strip())
    if failed:
        print(f"Some assets could not be fetched. Try again later: python -m course_utils prefetch {' '.join(failed)}")
        print("Or set COURSE_MIRROR to a folder or an http address that holds these files under the same paths.")
    assets.store().forget_failures()
    return 1 if failed else 0


def doctor() -> int:
    """Check Python, libraries, embedded assets and device; 1 if the course cannot run here."""
    problems = []
    print(f"course-utils {__version__} on Python {platform.python_version()}, {platform.platform()}")
    for name in libraries():
        try:
            version = importlib.metadata.version(name)
            print(f"  {name:16} {version}")
            if name == "setuptools" and int(version.split(".")[0]) >= 81:  # what tensorflow-hub needs
                problems.append('setuptools is too new for tensorflow-hub. Run: python -m pip install "setuptools<81"')
        except importlib.metadata.PackageNotFoundError:
            problems.append(f"{name} is not installed. Run: python -m pip install -c constraints.txt -e .")
    try:
        store = assets.store()
        print(f"Assets: {store.mode}, cache {store.cache}, mirror {store.mirror or 'none'}")
        for folder in (store.cache, store.mirror):
            if isinstance(folder, Path) and (locked := unreadable(folder)):
                what = f"{locked[0]} cannot be read ({len(locked)} in all)"
                problems.append(f"{what}: {assets.remedy(folder)}")
        for row in store.assets.values():
            if "embedded" in row:
                assets.embedded(row["embedded"])
    except (ValueError, assets.AssetError) as error:
        problems.append(str(error))
    if not problems:
        try:
            models.start_tensorflow()
            import tensorflow as tf

            models.device()
            print(f"TensorFlow sees {len(tf.config.list_physical_devices('GPU'))} GPU(s).")
        except (ImportError, OSError) as error:
            windows = ", and Microsoft's Visual C++ Redistributable" if os.name == "nt" else ""
            problems.append(f"TensorFlow or PyTorch does not start ({error}). Install it again{windows}.")
    print("\n".join(["", "To mend:", *problems] if problems else ["", "All is well: the course can run here."]))
    return 1 if problems else 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for run in (doctor, info, prefetch):
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.set_defaults(run=run)
    command.add_argument("names", nargs="*", help="which assets (default: all)")  # of prefetch
    chosen = vars(parser.parse_args(arguments))
    try:
        return chosen.pop("run")(**chosen)
    except (assets.AssetError, ValueError) as error:
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
