"""ONNX Runtime Web: what the page needs of it, kept in one file beside this module.

To make that file anew, or of another version (then change :data:`VERSION` and :data:`INTEGRITY`), fetch the package
and name it::

    npm pack onnxruntime-web@1.30.0
    python -m makers.hear.runtime onnxruntime-web-1.30.0.tgz

The package holds no text of its licence (MIT), so that and the licences of what it is built of come from the Python
package onnxruntime, which is built from the same sources.
"""

import base64
import hashlib
import importlib.util
import io
import sys
import tarfile
from pathlib import Path

from makers import files

VERSION = "1.30.0"
INTEGRITY = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""As npm has published it of this version: ``npm view onnxruntime-web@1.30.0 dist.integrity``."""
KEPT = Path(__file__).with_name(f"onnxruntime-web-{VERSION}.tar.xz")
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
LICENCES = ("LICENSE", "ThirdPartyNotices.txt")


def unpack() -> dict[str, bytes]:
    """Return the files that are kept, by name: script, WebAssembly and licences."""
    with tarfile.open(KEPT, "r:xz") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


def keep(package: Path) -> None:
    """Keep what is needed of npm's package.

    Raises
    ------
    ValueError
        If it isn't the package that npm has published.
    """
    data = package.read_bytes()
    found = f"sha512-{base64.b64encode(hashlib.sha512(data).digest()).decode()}"
    if found != INTEGRITY:
        raise ValueError(f"{package} isn't onnxruntime-web {VERSION} as published: its integrity is {found}.")
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        contents = {name: archive.extractfile(f"package/dist/{name}").read() for name in (SCRIPT, WASM)}
    licences = Path(importlib.util.find_spec("onnxruntime").submodule_search_locations[0])
    contents |= {name: (licences / name).read_bytes() for name in LICENCES}
    with files.replacing(KEPT) as part, tarfile.open(part, "w:xz", preset=9) as archive:
        for name, content in contents.items():
            about = tarfile.TarInfo(name)  # no time and no owner: the same file every time
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
    print(f"{KEPT.name}: {KEPT.stat().st_size / 1e6:.2f} MB")
