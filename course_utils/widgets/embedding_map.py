"""A map of embeddings: clips as dots, near where a network hears them alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from course_utils import audio, datasets, models
from course_utils.assets import AssetError

from . import drawing
from .drawing import CLASSES
from .shown import Shown, panel_of, show

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd

SILENCE = 0.1
"""A window counts as sound if its level is over this share of the loudest window's, 20 dB below."""

HEIGHT, MARGIN, DOT = 396, 26, 4.4

SCRIPT = """
export default {
  render({ model, el }) {
    const space = "http://www.w3.org/2000/svg";
    const make = (tag, attributes, words) => {
      const node = document.createElementNS(space, tag);
      for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
      if (words) node.textContent = words;
      return node;
    };
    const { width, height, shapes, colours, dots, titles } = model.get("drawing");
    const id = `course-map-${Math.random().toString(36).slice(2)}`;
    const svg = make("svg", {
      viewBox: `0 0 ${width} ${height}`, role: "listbox", tabindex: 0, class: "course-map-picture",
      "aria-label": `Map of ${dots.length} clips. Arrow keys go from dot to dot, Enter plays.`,
    });
    const said = document.createElement("p");
    said.className = "course-map-said";
    said.setAttribute("role", "status");
    said.textContent = "Click on a dot, or walk with the arrow keys and press Enter.";
    const ink = { stroke: "currentColor", "stroke-width": 1.5 };
    const links = svg.appendChild(make("g", ink));
    const nodes = dots.map(([x, y, kind, words], i) => {
      const place = `translate(${x} ${y})`, look = { fill: colours[kind] };
      const label = { id: `${id}-${i}`, role: "option", "aria-label": words, "aria-selected": false };
      const shape = { points: shapes[kind], transform: place, class: "course-map-dot" };
      const dot = make("polygon", { ...shape, ...look, ...label });
      dot.append(make("title", {}, words));
      dot.onclick = () => choose(i);
      return svg.appendChild(dot);
    });
    for (const [x, y, words, kind] of titles) {
      const look = { "text-anchor": "middle", "font-size": SIZE, "font-weight": 600, "pointer-events": "none" };
      const style = `fill: color-mix(in srgb, ${colours[kind]} 60%, currentColor)`;  // else, the fill
      svg.append(make("text", { x, y, fill: colours[kind], style, "aria-hidden": true, ...look }, words));
    }
    const ring = make("circle", { r: 9, fill: "none", opacity: 0, class: "course-map-ring", ...ink });
    svg.append(ring);
    const stars = svg.appendChild(make("g", { "pointer-events": "none" }));
    el.classList.add("course-map");
    el.append(svg, said);

    let at = -1;
    const go = (i) => {
      nodes[at]?.setAttribute("aria-selected", false);
      at = i;
      nodes[i].setAttribute("aria-selected", true);
      svg.setAttribute("aria-activedescendant", nodes[i].id);
      ring.setAttribute("cx", dots[i][0]);
      ring.setAttribute("cy", dots[i][1]);
      ring.setAttribute("opacity", 1);
      said.textContent = dots[i][3];
    };
    const choose = (i) => { go(i); model.send({ choose: i }); };
    const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    // The nearest dot that way: what lies aside counts double.
    const next = ([dx, dy]) => {
      let best = at, least = Infinity;
      dots.forEach(([x, y], i) => {
        const along = (x - dots[at][0]) * dx + (y - dots[at][1]) * dy;
        const aside = Math.abs((x - dots[at][0]) * dy) + Math.abs((y - dots[at][1]) * dx);
        if (along > 0 && aside <= 2 * along && along + 2 * aside < least) [best, least] = [i, along + 2 * aside];
      });
      return best;
    };
    svg.onkeydown = (event) => {
      const steps = { Home: 0, End: dots.length - 1 };
      if (event.key in ways) go(at < 0 ? 0 : next(ways[event.key]));
      else if (event.key in steps) go(steps[event.key]);
      else if ((event.key === "Enter" || event.key === " ") && at >= 0) choose(at);
      else return;
      event.preventDefault();
      event.stopPropagation();
    };
    // JupyterLab keeps Enter and arrows to itself where it may.
    svg.onfocus = () => svg.setAttribute("data-lm-suppress-shortcuts", "true");
    svg.onblur = () => svg.removeAttribute("data-lm-suppress-shortcuts");

    const draw = () => {
      const { from, to, star } = model.get("marks");  // star: what it stands for, "" for none
      const [x1, y1] = from;
      links.replaceChildren(...to.map((i) => make("line", { x1, y1, x2: dots[i][0], y2: dots[i][1] })));
      stars.replaceChildren();
      if (!star) return;
      nodes[at]?.setAttribute("aria-selected", false);
      ring.setAttribute("opacity", 0);
      said.textContent = star;
      const points = [...Array(10).keys()].map((k) => {
        const r = k % 2 ? 6 : 14, angle = Math.PI * (k / 5 - 0.5);
        return `${x1 + r * Math.cos(angle)},${y1 + r * Math.sin(angle)}`;
      });
      stars.append(make("polygon", { points: points.join(" "), fill: "#F0E442", ...ink }));
    };
    model.on("change:marks", draw);
    draw();
    return () => model.off("change:marks", draw);
  },
};
""".replace("SIZE", str(drawing.SIZE))

STYLE = """
.course-map-picture { width: 100%; max-width: 960px; height: auto; display: block; color: inherit; }
.course-map-picture:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.course-map-dot { cursor: pointer; }
.course-map-ring { pointer-events: none; }
.course-map-dot:hover { stroke: currentColor; stroke-width: 1.5; }
.course-map-said { margin: 0.3em 0; min-height: 1.4em; font-size: max(14px, 1em); }
"""


def unit_length(embeddings: np.ndarray) -> np.ndarray:
    """Scale rows, shape (n_clips, n_dimensions), to a length of 1: their products are then cosines."""
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-9)


def places(embeddings: np.ndarray, seed: int = 0) -> np.ndarray:
    """Lay clips out on a plane, so that clips with a high cosine come to lie near each other.

    Source: L. van der Maaten and G. Hinton, Visualizing data using t-SNE, JMLR 9 (2008), by ``sklearn.manifold.TSNE``,
    of vectors of length 1.

    Parameters
    ----------
    embeddings : ndarray, shape (n_clips, n_dimensions)
        One of each clip.
    seed : int
        From where the random numbers come.

    Returns
    -------
    ndarray, shape (n_clips, 2)
        In [0, 1].

    Raises
    ------
    ValueError
        If there are fewer than six clips.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if (n := len(embeddings)) < 6:
        raise ValueError(f"A map takes at least six clips, here are {n}.")
    directions = PCA(min(50, n, embeddings.shape[1]), random_state=seed).fit_transform(unit_length(embeddings))
    look = {"perplexity": min(15.0, (n - 1) / 3), "max_iter": 500, "method": "exact" if n <= 600 else "barnes_hut"}
    points = TSNE(2, init="pca", random_state=seed, **look).fit_transform(directions)
    return (points - points.min(axis=0)) / np.ptp(points, axis=0).clip(1e-9)


def mean_with_sound(waveform: np.ndarray, yamnet: Any) -> np.ndarray:
    """Return YAMNet's embedding of a recording, shape (1024,): the mean over the windows with sound.

    Windows more than 20 dB quieter than the loudest are left out.

    Raises
    ------
    TypeError, ValueError
        If the waveform is no sound at 16 kHz, or is silence.
    """
    embeddings, levels = windows_of([waveform], yamnet)[0]
    if levels.max() < 1e-4:
        raise ValueError("Nothing but silence is in this recording: come closer to the microphone and record again.")
    return embeddings[levels > SILENCE * levels.max()].mean(axis=0)


def windows_of(waveforms: Sequence[np.ndarray], yamnet: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return YAMNet's embeddings (n_windows, 1024) and the windows' levels (n_windows,) of recordings at 16 kHz."""
    model, found = models.wrap(yamnet), []
    checked = [audio.check_waveform(waveform, models.YAMNET_RATE) for waveform in waveforms]
    step, length = (round(x * models.YAMNET_RATE) for x in (model.hop, model.window))
    many = getattr(model, "many", lambda listed: [model(waveform) for waveform in listed])
    for waveform, output in zip(checked, many(checked), strict=True):
        power = [waveform[i * step : i * step + length] for i in range(len(output.embeddings))]
        levels = np.array([np.sqrt(np.mean(part**2)) if len(part) else 0.0 for part in power])
        found.append((output.embeddings, levels))
    return found


def _shapes(n: int, radius: float) -> list[np.ndarray]:
    """Return corners of n shapes that are told apart without colour, each of shape (n_corners, 2)."""

    def around(corners: int, turn: float = 0.0, inner: float = 1.0) -> np.ndarray:
        angles = 2 * np.pi * (np.arange(corners) / corners + turn)
        radii = np.where(np.arange(corners) % 2, inner, 1.0)
        return np.stack([np.sin(angles) * radii, -np.cos(angles) * radii], axis=1)

    plus = np.array([(-1, -3), (1, -3), (1, -1), (3, -1), (3, 1), (1, 1), (1, 3), (-1, 3), (-1, 1), (-3, 1), (-3, -1)])
    plus = np.vstack([plus, (-1, -1)]) / 2.9
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    known = [
        around(24),
        around(4, 1 / 8) * 1.15,
        around(3) * 1.3,
        around(4) * 1.25,
        around(3, 1 / 2) * 1.3,
        plus * 1.1,
        plus @ turn * 1.1,
        np.array([(-0.5, -1.25), (0.5, -1.25), (0.5, 1.25), (-0.5, 1.25)]),  # a bar: the star is one's own
        around(6),
        around(5) * 1.1,
    ]
    return [radius * known[i % len(known)] for i in range(n)]


def _titles(points: np.ndarray, kinds: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return where the name of each category goes, the middle of its base line: on free ground beside its clips.

    A name covers no clip if it can, stands close to where its own clips are densest, and apart from other names.
    """
    choices = []
    for kind, name in enumerate(names):
        half = drawing.extent(name, bold=True) / 2
        columns, rows = np.arange(half + 2, drawing.WIDTH - half - 2, 6), np.arange(14, HEIGHT - 12, 6)
        x, y = (grid.ravel() for grid in np.meshgrid(columns, rows))
        own = points[kinds == kind]
        dense = np.exp(-((np.linalg.norm(own[:, np.newaxis] - own, axis=2) / 30) ** 2)).sum(axis=1)
        core = own[dense >= 0.7 * dense.max()]
        # how far each clip is from each box, squared
        aside = (np.abs(points[:, 0] - columns[:, np.newaxis]) - half).clip(0) ** 2
        above = (np.abs(points[:, 1] - rows[:, np.newaxis]) - 11).clip(0) ** 2
        apart = (aside + above[:, np.newaxis]).reshape(len(x), -1)
        covered, strangers = (apart < (DOT + 3) ** 2).sum(axis=1), (apart < 14**2) @ (kinds != kind)
        beside = np.hypot((np.abs(core[:, 0] - x[:, np.newaxis]) - half).clip(0), core[:, 1] - y[:, np.newaxis])
        nearest = np.sort(beside, axis=1)[:, : max(1, len(core) // 2)].mean(axis=1)
        choices.append((x, y, half, 12.0 * covered + 2 * strangers + nearest))
    found, left = np.zeros((len(names), 2)), set(range(len(names)))
    while left:  # the one with the least room goes first
        kind = max(left, key=lambda kind: choices[kind][3].min())
        x, y, half, bad = choices[kind]
        i = bad.argmin()
        found[kind] = x[i], y[i] + 7
        left.remove(kind)
        for other in left:
            x2, y2, half2, bad2 = choices[other]
            bad2[(np.abs(x2 - x[i]) < half + half2 + 8) & (np.abs(y2 - y[i]) < 24)] += 1e4
    return found


def _static(points: np.ndarray, kinds: np.ndarray, names: list[str], titles: np.ndarray, words: str) -> Shown:
    """Draw the map as a picture: a path for the dots of a category, and its name."""
    parts = []
    for kind, shape in enumerate(_shapes(len(names), DOT)):
        sides = "".join(f"l{x:.1f} {y:.1f}" for x, y in np.diff(shape.round(1), axis=0))
        dots = "".join(f"M{x:.1f} {y:.1f}{sides}z" for x, y in points[kinds == kind] + shape[0].round(1))
        parts.append(Markup('<path fill="{}" d="{}"/>').format(CLASSES[kind % len(CLASSES)], dots))
    for kind, (name, (x, y)) in enumerate(zip(names, titles, strict=True)):
        look = Markup('{} font-weight="600" {}').format(drawing.MIDDLE, drawing.ink(CLASSES[kind % len(CLASSES)]))
        parts.append(drawing.text(x, y, name, look))
    return Shown(drawing.svg(parts, HEIGHT, words), words)


def _in_words(unit: np.ndarray, kinds: np.ndarray, names: list[str]) -> str:
    """Say how far the categories lie apart: how often a clip's nearest clip is of its own category."""
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -np.inf)
    own = kinds[cosines.argmax(axis=1)] == kinds
    shares = sorted((own[kinds == kind].mean(), name) for kind, name in enumerate(names))
    lowest = ", ".join(f"{name} {share:.0%}" for share, name in shares[:3])
    return (
        f"Map of {len(unit)} clips, a dot for each, in {len(names)} categories: {', '.join(names)}. Clips that the "
        f"network hears alike lie close together. For {own.mean():.0%} of the clips, the nearest one by cosine is of "
        f"the same category; least often for {lowest}."
    )


def embedding_map(embeddings: np.ndarray, clips: pd.DataFrame, yamnet: Any = None) -> ipywidgets.VBox | None:
    """Show clips as dots on a map, where clips that a network hears alike lie close together.

    In a running notebook a dot can be clicked, or reached with the arrow keys: it says what it is and which three clips
    are nearest by cosine, and plays where the recording is available. A recording of one's own becomes a star.

    Source: L. van der Maaten and G. Hinton, Visualizing data using t-SNE, JMLR 9 (2008).

    Notebook: 03_transfer_learning

    Parameters
    ----------
    embeddings : ndarray, shape (n_clips, n_dimensions)
        One for each clip, for instance the mean over its windows with sound.
    clips : pandas.DataFrame
        Columns ``filename`` and ``category``, a row for each clip.
    yamnet : SavedModel, optional
        As ``hub.load`` returns it, if the embeddings are YAMNet's: then a sound of one's own can be recorded or
        uploaded. Its star stands in the middle of the five clips that are nearest by cosine.

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be clicked.

    Raises
    ------
    ValueError
        If there is not one embedding for each clip, or there are fewer than six clips.
    """
    embeddings = np.asarray(embeddings, dtype=float)
    if embeddings.ndim != 2 or len(embeddings) != len(clips):
        wanted = f"Expected one embedding for each of the {len(clips)} clips, got shape {embeddings.shape}"
        raise ValueError(f"{wanted}: average over the windows of each clip.")
    filenames, categories = list(clips["filename"]), list(map(str, clips["category"]))
    names, kinds = np.unique(categories, return_inverse=True)
    names, unit = names.tolist(), unit_length(embeddings)
    points = MARGIN + places(embeddings) * (drawing.WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)
    titles = _titles(points, kinds, names)
    static = _static(points, kinds, names, titles, _in_words(unit, kinds, names))

    def said(i: int, cosine: float | None = None) -> str:
        more = "" if cosine is None else f", cosine {cosine:.2f}"
        return f"{categories[i]}{more} ({filenames[i]})"

    def player(i: int, label: str, start: bool = False) -> Markup:
        """Return a player of a clip; without its recording the label, or a line how to get it if it should start."""
        try:
            waveform = datasets.load_clip(filenames[i])
        except (OSError, ValueError, AssetError) as error:
            return Markup("<p>{}: {}</p>").format(label, error)
        if waveform is None and not start:
            return Markup('<p style="margin:0">{}</p>').format(label)
        shown, quiet = escape(audio.play(waveform, models.YAMNET_RATE, label)), Markup("<audio controls")
        return shown.replace(quiet, quiet + " autoplay", 1) if start else shown

    def nearest(vector: np.ndarray, n: int, but: int = -1) -> list[tuple[int, float]]:
        cosines = unit @ vector
        order = [i for i in np.argsort(-cosines, kind="stable") if i != but]
        return [(int(i), float(cosines[i])) for i in order[:n]]

    def row(near: list[tuple[int, float]]) -> Markup:
        cards = [Markup("<div>{}</div>").format(player(i, said(i, cosine))) for i, cosine in near]
        return Markup('<div style="display:flex;flex-wrap:wrap;gap:0.4em 1.5em">{}</div>').format(Markup().join(cards))

    def build(ipywidgets: Any) -> list:
        import anywidget
        import traitlets

        class Map(anywidget.AnyWidget):
            _esm, _css = SCRIPT, STYLE
            drawing = traitlets.Dict().tag(sync=True)
            marks = traitlets.Dict({"from": [0, 0], "to": [], "star": ""}).tag(sync=True)

        shapes = [" ".join(f"{x:.1f},{y:.1f}" for x, y in shape) for shape in _shapes(len(names), DOT)]
        dots = [
            [round(x, 1), round(y, 1), int(k), said(i)] for i, ((x, y), k) in enumerate(zip(points, kinds, strict=True))
        ]
        where = [
            [round(x, 1), round(y, 1), name, k] for k, ((x, y), name) in enumerate(zip(titles, names, strict=True))
        ]
        colours = [CLASSES[k % len(CLASSES)] for k in range(len(names))]
        given = {
            "width": drawing.WIDTH,
            "height": HEIGHT,
            "shapes": shapes,
            "colours": colours,
            "dots": dots,
            "titles": where,
        }
        picture, panel = Map(drawing=given), panel_of(ipywidgets, "course-map-clip")

        def chosen(_: Any, content: dict, buffers: list) -> None:
            if not isinstance(i := content.get("choose"), int) or not 0 <= i < len(dots):
                return
            near = nearest(unit[i], 3, but=i)
            picture.marks = {"from": dots[i][:2], "to": [k for k, _ in near], "star": ""}
            page = Markup("{}<p>Its three nearest clips:</p>{}").format(player(i, said(i), start=True), row(near))
            panel.value = str(page)

        def listened(waveform: np.ndarray, name: str) -> str:
            vector = unit_length(mean_with_sound(waveform, yamnet)[np.newaxis])[0]
            near = nearest(vector, 5)
            middle = points[[i for i, _ in near]].mean(axis=0).round(1).tolist()
            picture.marks = {"from": middle, "to": [i for i, _ in near], "star": f"The star is {name}."}
            own = escape(audio.play(waveform, models.YAMNET_RATE, name))
            where = "Its star stands in the middle of the five clips that are nearest by cosine:"
            panel.value = str(Markup("{}<p>{}</p>{}").format(own, where, row(near)))
            return "There is your star."

        picture.on_msg(chosen)
        if yamnet is None:
            return [picture, panel]
        from .sound_input import sound_input

        hint = ipywidgets.HTML("<p>Where does a sound of yours go? Record a few seconds, or upload a file.</p>")
        return [picture, panel, hint, sound_input(listened, seconds=10)]

    return show("map", static, build, to="click on the dots and hear them")
