"""Write the web site below ``build/site/``.

``python -m makers site`` (``make site``) writes it from the last execution of each lesson, after executing those whose
code, package, assets or settings have changed since.
"""

import sys
import time

from makers import build, execute, lessons, site


def main() -> int:
    """Run the command line; the exit status is 0 if every notebook ran and no page is wrong."""
    every = lessons.lessons()
    if not all(map(execute.last, every)):
        return min(build.run(every), 1)
    begin = time.perf_counter()
    if warned := site.write_all():
        print(warned, file=sys.stderr)
    print(f"Open build/site/index.html. It took {time.perf_counter() - begin:.0f} s.")
    return 1 if warned else 0


if __name__ == "__main__":
    sys.exit(main())
