"""Check your installation, fetch the real assets, or list them all: ``python -m course_utils doctor|prefetch|info``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from course_utils import __version__

STATUS = """\
exit status: 0 if all is well, 1 if the course can't run here, 2 for a wrong option,
3 if the course runs here, but something should be looked at"""


def info() -> int:
    """List every asset: what this computer would use, its size, licence and source."""
    from course_utils import assets

    store = assets.store()
    print(f"course-utils {__version__}, assets: {store.mode}, cache: {store.cache}")
    print(f"mirror: {store.mirror_shown}\n")
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
    from course_utils import assets

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


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if all is well."""
    from course_utils.doctor import doctor

    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    commands = parser.add_subparsers(required=True)
    plain = argparse.RawDescriptionHelpFormatter
    for run in (doctor, info, prefetch):
        what = (run.__doc__ or "").partition("\n")[0]
        commands.add_parser(run.__name__, help=what, description=what, formatter_class=plain).set_defaults(run=run)
    command = commands.choices["doctor"]
    command.epilog = STATUS
    command.add_argument("--json", action="store_true", dest="as_json", help="print a report to attach to a question")
    command.add_argument("--repair", action="store_true", help="first mend what is safe to mend in the cache")
    commands.choices["prefetch"].add_argument("names", nargs="*", help="which assets (default: all)")
    chosen = vars(parser.parse_args(arguments))
    try:
        status = chosen.pop("run")(**chosen)
        sys.stdout.flush()
        return status
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes when it ends
        return 0
    except KeyboardInterrupt:
        print("Stopped.")
        return 130
    except (ValueError, OSError, RuntimeError, ImportError) as error:  # of the store, of the disk; a library is missing
        print(error)
        return 1


if __name__ == "__main__":
    sys.exit(main())
