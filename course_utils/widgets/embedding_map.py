"""A map of embeddings: clips as dots, near where a network hears them alike."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import audio, datasets, models
from course_utils.assets import AssetError

from .shown import Shown, image, panel_of, show

if TYPE_CHECKING:
    import ipywidgets
    import pandas as pd

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#B5468F", "#3A8FC4", "#B07A00", "#1A1A1A", "#7C4DBC", "#6E6E6E", "#C1272D")
"""Of the categories; each has a shape of its own too, so that nobody needs to tell them by colour alone."""

SILENCE = 0.1
"""A window counts as sound if its level is over this share of the loudest window's, 20 dB below."""

WIDTH, HEIGHT, MARGIN = 900, 600, 34

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
    svg.append(make("rect", { width, height, fill: "#FFFFFF" }));
    const links = svg.appendChild(make("g", { stroke: "#1A1A1A", "stroke-width": 1.5 }));
    const nodes = dots.map(([x, y, kind, words], i) => {
      const place = `translate(${x} ${y})`, look = { fill: colours[kind], stroke: "#FFFFFF", "stroke-width": 0.8 };
      const label = { id: `${id}-${i}`, role: "option", "aria-label": words, "aria-selected": false };
      const shape = { points: shapes[kind], transform: place, class: "course-map-dot" };
      const dot = make("polygon", { ...shape, ...look, ...label });
      dot.append(make("title", {}, words));
      dot.onclick = () => choose(i);
      return svg.appendChild(dot);
    });
    for (const [x, y, words, kind] of titles) {
      const look = { "text-anchor": "middle", "font-size": 18, "font-weight": "bold", "font-family": "sans-serif" };
      const halo = { "paint-order": "stroke", stroke: "#FFFFFF", "stroke-width": 5, "pointer-events": "none" };
      svg.append(make("text", { x, y, fill: colours[kind], "aria-hidden": true, ...look, ...halo }, words));
    }
    const dark = { stroke: "#1A1A1A", "stroke-width": 2 };
    const ring = make("circle", { r: 11, fill: "none", opacity: 0, class: "course-map-ring", ...dark });
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
        const r = k % 2 ? 7 : 17, angle = Math.PI * (k / 5 - 0.5);
        return `${x1 + r * Math.cos(angle)},${y1 + r * Math.sin(angle)}`;
      });
      stars.append(make("polygon", { points: points.join(" "), fill: "#F0E442", ...dark }));
    };
    model.on("change:marks", draw);
    draw();
    return () => model.off("change:marks", draw);
  },
};
"""

STYLE = """
.course-map-picture { width: 100%; max-width: 1100px; height: auto; display: block; }
.course-map-picture:focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
.course-map-dot { cursor: pointer; }
.course-map-ring { pointer-events: none; }
.course-map-dot:hover { stroke: #1A1A1A; stroke-width: 2; }
.course-map-said { margin: 0.3em 0; min-height: 1.4em; }
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


def _titles(points: np.ndarray, kinds: np.ndarray, n: int) -> np.ndarray:
    """Return where the name of each category goes: where its clips are densest, and apart from other names."""
    found = []
    for kind in range(n):
        own = points[kinds == kind]
        apart = np.linalg.norm(own[:, np.newaxis] - own, axis=2)
        dense = np.exp(-((apart / 60) ** 2)).sum(axis=1).argmax()
        near = own[apart[dense] < 60]
        found.append((near[:, 0].mean(), near[:, 1].min() - 8))
    found = np.array(found)
    for _ in range(50):  # push apart what would overlap
        for i in range(n):
            for k in range(i):
                gap = found[i] - found[k]
                if abs(gap[0]) < 95 and abs(gap[1]) < 22:
                    push = np.array([0, (22 - abs(gap[1])) / 2 * (1 if gap[1] >= 0 else -1)])
                    found[i], found[k] = found[i] + push, found[k] - push
    return np.clip(found, (60, 22), (WIDTH - 60, HEIGHT - 8))


def _static(points: np.ndarray, kinds: np.ndarray, names: list[str], titles: np.ndarray, text: str) -> Shown:
    """Draw the map as a picture."""
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.patheffects import withStroke

    with style.context("course_utils.course"):
        figure = Figure(figsize=(5.8, 5.8 * HEIGHT / WIDTH))
        ax = figure.subplots()
        for kind, (name, shape) in enumerate(zip(names, _shapes(len(names), 1), strict=True)):
            own, colour = points[kinds == kind], COLOURS[kind % len(COLOURS)]
            ax.scatter(*own.T, s=20, marker=shape * (1, -1), color=colour, edgecolor="white", linewidth=0.5, label=name)
        for kind, (name, (x, y)) in enumerate(zip(names, titles, strict=True)):
            look = {"ha": "center", "color": COLOURS[kind % len(COLOURS)], "fontweight": "bold", "fontsize": 14}
            ax.text(x, y, name, path_effects=[withStroke(linewidth=4, foreground="white")], **look)
        ax.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0), aspect="equal")
        ax.set_axis_off()
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return Shown(image(buffer.getvalue(), "png", text), text)


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
    points = MARGIN + places(embeddings) * (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)
    titles = _titles(points, kinds, len(names))
    static = _static(points, kinds, names, titles, _in_words(unit, kinds, names))

    def said(i: int, cosine: float | None = None) -> str:
        more = "" if cosine is None else f", cosine {cosine:.2f}"
        return f"{categories[i]}{more} ({filenames[i]})"

    def player(i: int, label: str, start: bool = False) -> str:
        """Return a player of a clip; without its recording the label, or a line how to get it if it should start."""
        try:
            waveform = datasets.load_clip(filenames[i])
        except (OSError, ValueError, AssetError) as error:
            return f"<p>{html.escape(f'{label}: {error}')}</p>"
        if waveform is None and not start:
            return f'<p style="margin:0">{html.escape(label)}</p>'
        shown = audio.play(waveform, models.YAMNET_RATE, label).data
        return shown.replace("<audio controls", "<audio controls autoplay", 1) if start else shown

    def nearest(vector: np.ndarray, n: int, but: int = -1) -> list[tuple[int, float]]:
        cosines = unit @ vector
        order = [i for i in np.argsort(-cosines, kind="stable") if i != but]
        return [(int(i), float(cosines[i])) for i in order[:n]]

    def row(near: list[tuple[int, float]]) -> str:
        cards = "".join(f"<div>{player(i, said(i, cosine))}</div>" for i, cosine in near)
        return f'<div style="display:flex;flex-wrap:wrap;gap:0.4em 1.5em">{cards}</div>'

    def build(ipywidgets: Any) -> list:
        import anywidget
        import traitlets

        class Map(anywidget.AnyWidget):
            _esm, _css = SCRIPT, STYLE
            drawing = traitlets.Dict().tag(sync=True)
            marks = traitlets.Dict({"from": [0, 0], "to": [], "star": ""}).tag(sync=True)

        shapes = [" ".join(f"{x:.1f},{y:.1f}" for x, y in shape) for shape in _shapes(len(names), 6)]
        dots = [
            [round(x, 1), round(y, 1), int(k), said(i)] for i, ((x, y), k) in enumerate(zip(points, kinds, strict=True))
        ]
        where = [
            [round(x, 1), round(y, 1), name, k] for k, ((x, y), name) in enumerate(zip(titles, names, strict=True))
        ]
        colours = [COLOURS[k % len(COLOURS)] for k in range(len(names))]
        drawing = {
            "width": WIDTH,
            "height": HEIGHT,
            "shapes": shapes,
            "colours": colours,
            "dots": dots,
            "titles": where,
        }
        picture, panel = Map(drawing=drawing), panel_of(ipywidgets, "course-map-clip")

        def chosen(_: Any, content: dict, buffers: list) -> None:
            if not isinstance(i := content.get("choose"), int) or not 0 <= i < len(dots):
                return
            near = nearest(unit[i], 3, but=i)
            picture.marks = {"from": dots[i][:2], "to": [k for k, _ in near], "star": ""}
            panel.value = f"{player(i, said(i), start=True)}<p>Its three nearest clips:</p>{row(near)}"

        def listened(waveform: np.ndarray, name: str) -> str:
            vector = unit_length(mean_with_sound(waveform, yamnet)[np.newaxis])[0]
            near = nearest(vector, 5)
            middle = points[[i for i, _ in near]].mean(axis=0).round(1).tolist()
            picture.marks = {"from": middle, "to": [i for i, _ in near], "star": f"The star is {name}."}
            own = audio.play(waveform, models.YAMNET_RATE, name).data
            where = "Its star stands in the middle of the five clips that are nearest by cosine:"
            panel.value = f"{own}<p>{where}</p>{row(near)}"
            return "There is your star."

        picture.on_msg(chosen)
        if yamnet is None:
            return [picture, panel]
        from .sound_input import sound_input

        hint = ipywidgets.HTML("<p>Where does a sound of yours go? Record a few seconds, or upload a file.</p>")
        return [picture, panel, hint, sound_input(listened, seconds=10)]

    return show("map", static, build, to="click on the dots and hear them")
