"""Write the slides of the notebooks below ``build/slides/``.

``python -m makers slides`` (``make slides``) writes a deck for each lesson from its last execution, after executing
those whose code, package, assets or settings have changed since, and ``index.html``, the start page.
With ``--pdf`` (``make pdf``) it also prints two handouts of each deck: ``NAME.pdf`` has three slides a page with lines
to write on, ``NAME-notes.pdf`` has the notes beside them. With ``--present`` (``make present``) it serves the web site
on this computer and opens it, or with ``--present 3`` (``make present N=3``) the third deck, until it is interrupted.
"""

import argparse
import contextlib
import functools
import http.server
import sys
import webbrowser
from pathlib import Path

from makers import build, execute, site, slides


def handouts(names: list[str]) -> None:
    """Print the handouts of each notebook's deck, with lines and with notes."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = slides.launch(play)
        for name in names:
            for notes in (False, True):
                done = slides.write_handout(execute.BUILD / "slides" / f"{name}.html", browser, notes)
                print(f"build/slides/{done.name}")
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a line for each request."""

    def log_message(self, *_):
        """Say nothing."""


def present(page: Path, port: int, folder: Path | None = None) -> None:
    """Serve a page and its neighbours on this computer alone and open it in the browser, until interrupted.

    What is served is ``folder``, or the folder of the page.

    Raises
    ------
    OSError
        If the port cannot be used.
    """
    folder = folder or page.parent
    handler = functools.partial(Quiet, directory=str(folder))
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        raise OSError(f"Port {port} cannot be used ({error}). Choose another, or leave out --port.") from error
    with server:
        address = f"http://127.0.0.1:{server.server_port}/{page.relative_to(folder).as_posix()}"
        print(f"Opening {address} in your browser. If nothing opens, go there. Ctrl+C here ends it.", flush=True)
        webbrowser.open(address)
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit status is 0 if every deck was written."""
    parser = argparse.ArgumentParser(prog="python -m makers slides", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="notebooks, by the beginning of their names (default: all)")
    parser.add_argument(
        "--pdf", action="store_true", help="print two handouts of each deck, too; needs Chromium or Chrome"
    )
    parser.add_argument(
        "--present",
        metavar="N",
        nargs="?",
        const="",
        help="serve the web site on this computer, and open it, or deck N of it",
    )
    parser.add_argument("--port", type=int, default=0, help="for --present; default: any that is free")
    chosen = parser.parse_args(arguments)
    if chosen.present is not None and chosen.names:
        parser.error("--present takes the number of one notebook, and no further names")
    names = [chosen.present.zfill(2)] if chosen.present else chosen.names
    lessons = build.choose(names)
    if not lessons:
        print(f"No notebook's name begins with {' or '.join(names)}.", file=sys.stderr)
        return 2
    try:
        if failed := build.decks(lessons, quiet=chosen.present is not None):
            return min(failed, 1)
        if chosen.pdf:
            handouts([lesson.name for lesson in lessons])
        if chosen.present is not None:
            if not (site.output() / "index.html").is_file():
                site.write_all()
            page = f"slides/{lessons[0].name}.html" if chosen.present else "index.html"
            present(site.output() / page, chosen.port, site.output())
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # no browser to print with, a port that is taken, metadata that are wrong
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
