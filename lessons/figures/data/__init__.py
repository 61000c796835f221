"""What drawings take from real recordings: small pictures and tables, and beside them the code that made them.

``COURSE_MIRROR=… python -m lessons.figures.data.yamnet`` writes those of the module again, from the real assets. No
recording is in them, only what was computed.
"""

from pathlib import Path

import numpy as np

from course_utils import assets

HERE = Path(__file__).resolve().parent


def real(name: str) -> assets.Resolved:
    """Resolve an asset, and refuse a stand-in: drawings show the real thing."""
    asset = assets.resolve(name)
    if not asset.is_real:
        raise SystemExit(f"{asset.title}: only the embedded one was found. {assets.WAYS_OUT}")
    return asset


def save_strip(levels: np.ndarray, name: str, span: float | None = None, high: float | None = None) -> None:
    """Save a spectrogram, shape (n_frames, n_bands), as a PNG of magma's colours, with low bands below.

    ``span`` is how far below the brightest colour the darkest lies, in the units of the levels; ``high`` is where the
    brightest lies, by default at the highest value.
    """
    import matplotlib
    from PIL import Image

    high = levels.max() if high is None else high
    low = levels.min() if span is None else high - span
    shades = np.round(255 * ((levels - low) / (high - low)).clip(0, 1)).astype(np.uint8)
    picture = Image.fromarray(shades.T[::-1].copy(), mode="P")
    picture.putpalette(np.round(255 * matplotlib.colormaps["magma"](np.arange(256))[:, :3]).astype(np.uint8).tobytes())
    picture.save(HERE / f"{name}.png", optimize=True)


def cells_of(number: str, until: str) -> dict:
    """Run the cells of a lesson, with the embedded assets, until they have set a name; return what they have set."""
    from makers import lessons

    lesson = next(one for one in lessons.lessons() if one.name.startswith(number))
    names = {}
    with assets.using(assets.Store(mode="embedded")):
        for cell in lesson.cells:
            answers = {"stub", "solution", "wrong", "right", "record", "expected", "slide"}
            if cell.cell_type == "code" and not answers & lessons.tags(cell) and "check." not in cell.source:
                exec(cell.source, names)
            if until in names:
                return names
    raise SystemExit(f"No cell of lesson {number} sets {until}.")
