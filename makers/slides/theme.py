"""What every deck looks like: the colours of the plots, light and dark, the fonts, and where reveal.js is."""

import base64
import importlib.util
import io
from importlib import resources
from pathlib import Path

MATH_ITALIC = "ℎ" + "".join(map(chr, (*range(0x1D434, 0x1D468), *range(0x1D6FC, 0x1D71C))))


def contrast(one, other) -> float:
    """Return the contrast of two colours, from 1 to 21 (WCAG 2: relative luminance)."""
    from matplotlib.colors import to_rgb

    bright, dark = sorted(
        (
            sum(
                weight * (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
                for weight, value in zip((0.2126, 0.7152, 0.0722), to_rgb(colour), strict=True)
            )
            for colour in (one, other)
        ),
        reverse=True,
    )
    return (bright + 0.05) / (dark + 0.05)


def mixed(one, other, share: float) -> str:
    """Return a colour between two, ``share`` of the second in it, as ``#rrggbb``."""
    from matplotlib.colors import to_hex, to_rgb

    return to_hex([(1 - share) * a + share * b for a, b in zip(to_rgb(one), to_rgb(other), strict=True)])


def colours() -> str:
    """Return the themes, light and dark, as CSS variables, from the style of the plots.

    Text in a colour of the palette is mixed with black or white until it can be read: contrast 4.5 on the panel behind
    code, as WCAG AA asks.
    """
    import matplotlib
    from matplotlib.colors import to_hex

    with resources.as_file(resources.files("course_utils") / "course.mplstyle") as path:
        style = matplotlib.rc_params_from_file(path, use_default_template=False)
    palette = style["axes.prop_cycle"].by_key()["color"]
    white, black = style["figure.facecolor"], style["text.color"]
    rules = []
    for theme, paper, ink in (("light", white, black), ("dark", black, white)):
        panel = mixed(paper, ink, 0.06)
        named = {"accent": palette[0], "keyword": palette[0], "string": palette[2], "number": palette[1]}
        named["faint"] = mixed(paper, ink, 0.5)
        shades = ([mixed(colour, ink, step / 20) for step in range(21)] for colour in named.values())
        readable = [next(shade for shade in range_ if contrast(shade, panel) >= 4.5) for range_ in shades]
        values = dict(zip(named, readable, strict=True))
        values |= {"paper": to_hex(paper), "ink": to_hex(ink), "picture": to_hex(white)}
        values |= {"panel": panel, "rule": mixed(paper, ink, 0.3), "tint": mixed(paper, palette[0], 0.14)}
        values |= {"soft": mixed(paper, ink, 0.72), "bright": palette[4], "raised": mixed(paper, ink, 0.12)}
        rules.append(
            f'[data-theme="{theme}"] {{ ' + " ".join(f"--{key}: {value};" for key, value in values.items()) + " }"
        )
    return "\n".join(rules)


def revealjs() -> Path:
    """Return the folder of reveal.js, which sphinx-revealjs carries; nothing of Sphinx is used."""
    found = importlib.util.find_spec("sphinx_revealjs")
    if found is None:
        raise ModuleNotFoundError('sphinx-revealjs is missing, which carries reveal.js: pip install -e ".[dev]"')
    return Path(found.submodule_search_locations[0]) / "_static" / "revealjs"


def fonts(text: str) -> str:
    """Return CSS with fonts for the characters of a text: Source Sans Pro, DejaVu Sans Mono, STIX for mathematics."""
    import matplotlib
    from fontTools import subset

    source_sans = revealjs() / "dist/theme/fonts/source-sans-pro"
    shipped = Path(matplotlib.get_data_path()) / "fonts/ttf"
    files = [
        ("Deck", "400", "normal", source_sans / "source-sans-pro-regular.woff"),
        ("Deck", "400", "italic", source_sans / "source-sans-pro-italic.woff"),
        ("Deck", "600", "normal", source_sans / "source-sans-pro-semibold.woff"),
        ("Deck", "600", "italic", source_sans / "source-sans-pro-semibolditalic.woff"),
        ("Deck Mono", "400", "normal", shipped / "DejaVuSansMono.ttf"),
        ("Deck Mono", "700", "normal", shipped / "DejaVuSansMono-Bold.ttf"),
    ]
    if "<math" in text:
        files.append(("Deck Maths", "400", "normal", shipped / "STIXGeneral.ttf"))
    faces = []
    for family, weight, style, path in files:
        options = subset.Options(flavor="woff", drop_tables=[*subset.Options().drop_tables, "FFTM", "webf"])
        font = subset.load_font(str(path), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(text="".join(sorted(set(text))) + (MATH_ITALIC if family == "Deck Maths" else ""))
        subsetter.subset(font)
        buffer = io.BytesIO()
        subset.save_font(font, buffer, options)
        data = base64.b64encode(buffer.getvalue()).decode()
        faces.append(
            f'@font-face {{ font-family: "{family}"; font-weight: {weight}; font-style: {style}; '
            f'src: url("data:font/woff;base64,{data}"); }}'
        )
    return "\n".join(faces)
