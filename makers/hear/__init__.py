"""The part of the web site that hears: YAMNet-mini in the visitor's browser, from files in a folder.

:func:`write` writes the files and returns the HTML for a page. Network and runtime are scripts that hold compressed
data, because a page that is opened from a folder may load scripts and nothing else. The page asks for them when a
button is pressed.
"""

import base64
import csv
import gzip
import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import assets
from makers import files

from . import model, runtime

FOLDER = Path(__file__).resolve().parent
CLIPS = {
    "speech_whistling": "Speech and whistling",
    "scene": "A voice and a siren",
    "three_sounds/knock_5": "A knock on the door",
}
LOWEST, HIGHEST = -5.0, 3.5
"""Values of the log-mel spectrogram that become the darkest and the brightest colour."""


def digest(paths: list[Path]) -> str:
    """Return 16 hexadecimal digits that change with the contents of files."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]


def packed(content: bytes) -> str:
    """Return a file's content, compressed, as text."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def write_part(folder: Path, name: str, value: dict[str, Any], comment: str = "") -> None:
    """Write a script that hands a value to the page."""
    files.write(folder / f"{name}.js", f"{comment}(window.hearParts ??= {{}}).{name} = {json.dumps(value)};\n")


def rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_network(folder: Path, mini: Path) -> dict[str, Any]:
    """Write the network with what goes with it, and the picture that is there before anybody presses a button.

    Returns
    -------
    dict
        The surest window of the picture: where it is, in percent of the width, and its five best ``tags``.
    """
    import matplotlib
    import soundfile
    import soxr
    from PIL import Image

    from course_utils.models.yamnet import YAMNET_HOP, YAMNET_RATE, YAMNET_WINDOW

    magma = matplotlib.colormaps["magma"](np.arange(256), bytes=True)
    saved_model = model.load(mini)
    waveform, rate = soundfile.read(assets.embedded("clips") / "speech_whistling.ogg", dtype="float32")
    scores, _, log_mel = (part.numpy() for part in saved_model(soxr.resample(waveform, rate, YAMNET_RATE)))
    log_mel = log_mel[: round(YAMNET_RATE / model.FRAME_HOP * len(waveform) / rate)]
    levels = np.clip(255 * (log_mel - LOWEST) / (HIGHEST - LOWEST), 0, 255).astype(np.uint8)
    picture = Image.fromarray(levels.T[::-1])
    picture.putpalette(magma[:, :3].tobytes())
    picture.save(folder / "picture.png", optimize=True)
    labels = [row["display_name"] for row in rows(mini / "heard.csv")]
    value = {
        "labels": labels,
        "levels": (LOWEST, HIGHEST),
        "colours": magma.tolist(),
        "onnx": packed(model.export(saved_model)),
    }
    write_part(folder, "model", value)
    shutil.copy(mini / "LICENSE-APACHE-2.0.txt", folder / "model-licence.txt")
    surest = scores[:, labels.index("Whistling")].argmax()
    left, width = (100 * seconds * rate / len(waveform) for seconds in (surest * YAMNET_HOP, YAMNET_WINDOW))
    tags = [(labels[k], f"{scores[surest, k]:.2f}") for k in scores[surest].argsort()[:-6:-1]]
    return {"left": round(left, 2), "width": round(width, 2), "tags": tags}


def write_runtime(folder: Path) -> None:
    """Write ONNX Runtime Web, and its licences."""
    contents = runtime.unpack()
    write_part(folder, "runtime", {"script": packed(contents[runtime.SCRIPT]), "wasm": packed(contents[runtime.WASM])})
    (folder / "runtime-licences.txt").write_bytes(b"\n\n".join(contents[name] for name in runtime.LICENCES))


def write_clips(folder: Path) -> None:
    """Write the clips as MP3, which every browser can play."""
    import soundfile

    value = {}
    for name in CLIPS:
        waveform, rate = soundfile.read(assets.embedded("clips") / f"{name}.ogg")
        sound = io.BytesIO()
        soundfile.write(sound, waveform, rate, format="MP3")
        value[name] = base64.b64encode(sound.getvalue()).decode()
    write_part(folder, "clips", value)


def write(folder: Path, base: str) -> str:
    """Write the files of the part into a folder, if they aren't there, and return the HTML that goes into a page.

    Parameters
    ----------
    folder : Path
    base : str
        How the page reaches the folder, for instance ``"_static/hear/"``.

    Returns
    -------
    str
    """
    from jinja2 import Environment, FileSystemLoader

    folder.mkdir(parents=True, exist_ok=True)
    mini, clips = assets.embedded("yamnet_mini"), [assets.embedded("clips") / f"{name}.ogg" for name in CLIPS]
    sources = [mini / "saved_model.pb", mini / "heard.csv", *clips, runtime.KEPT, *sorted(FOLDER.glob("*.py"))]
    made, key = folder / "made.json", digest(sources)
    known = json.loads(made.read_text(encoding="utf-8")) if made.is_file() else {}
    if known.get("key") != key:
        made.unlink(missing_ok=True)
        known = {"key": key, "example": write_network(folder, mini)}
        write_runtime(folder)
        write_clips(folder)
        files.write(made, json.dumps(known))
    for name in ("hear.js", "hear.css"):
        shutil.copy(FOLDER / name, folder)
    heard = rows(mini / "heard.csv")
    template = Environment(loader=FileSystemLoader(FOLDER), autoescape=True).get_template("hear.html.j2")
    return template.render(
        base=base,
        version=digest([folder / name for name in ("hear.js", "hear.css")]),
        clips=CLIPS,
        megabytes=round(sum((folder / f"{name}.js").stat().st_size for name in ("model", "runtime")) / 1e6),
        classes=len(heard),
        unheard=[row["display_name"] for row in heard if row["heard"] == "no"],
        example=known["example"],
        figures=json.loads((mini / "figures.json").read_text(encoding="utf-8")),
    )
