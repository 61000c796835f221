"""What is wrong with the pictures of a document, as a browser shows them: drawings and plots in SVG."""

# Of each picture that is seen: text that is small, faint, cut, under other text, or cannot be selected.
FAULTS = """(smallest) => {
  const faults = new Set();
  const channels = colour => {
    const numbers = colour.match(/[\\d.]+/g).map(Number);
    return numbers.slice(0, 3).map(n => colour.startsWith("color(") ? n : n / 255);
  };
  const light = rgb => rgb.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const paper = element => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a] = getComputedStyle(at).backgroundColor.match(/[\\d.]+/g).map(Number);
      if (a === undefined || a > 0) return [r, g, b].map(n => n / 255);
    }
    return [1, 1, 1];
  };
  for (const svg of document.querySelectorAll('svg[role="img"][aria-label]')) {
    if (!svg.checkVisibility({ visibilityProperty: true })) continue;
    const name = svg.getAttribute("aria-label").slice(0, 60);
    const box = svg.getBoundingClientRect(), view = svg.viewBox.baseVal;
    const scale = Math.min(box.width / view.width, box.height / view.height), ground = paper(svg), places = [];
    if (box.right > innerWidth + 1 || box.left < -1) faults.add(`${name}: wider than the window`);
    for (const text of svg.querySelectorAll("text")) {
      const words = text.textContent.trim(), look = getComputedStyle(text), place = text.getBoundingClientRect();
      if (!words || look.visibility === "hidden") continue;
      const pixels = parseFloat(look.fontSize) * scale * SCREEN;
      if (pixels < smallest - 0.05) faults.add(`${name}: text of ${pixels.toFixed(1)} px: ${words}`);
      const edge = 0.15 * pixels / SCREEN + 1;  // the box of a line is higher than its letters, and rounded up
      if (place.left < box.left - 1 || place.right > box.right + 1
          || place.top < box.top - edge || place.bottom > box.bottom + edge)
        faults.add(`${name}: cut: ${words}`);
      const ink = channels(look.fill), share = parseFloat(look.fillOpacity) * parseFloat(look.opacity);
      const [a, b] = [ink.map((v, i) => share * v + (1 - share) * ground[i]), ground].map(light);
      const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (contrast < 4.5) faults.add(`${name}: contrast ${contrast.toFixed(1)}: ${words}`);
      if (look.userSelect === "none") faults.add(`${name}: cannot be selected: ${words}`);
      if (Math.abs(text.getScreenCTM().b) > 0.01) continue;  // turned: its box is larger than it is
      for (const [other, there] of places) {
        const wide = Math.min(place.right, there.right) - Math.max(place.left, there.left);
        const high = Math.min(place.bottom, there.bottom) - Math.max(place.top, there.top);
        if (wide > 2 && high > 0.3 * Math.min(place.height, there.height))
          faults.add(`${name}: ${words} lies on ${other}`);
      }
      places.push([words, place]);
    }
  }
  return [...faults];
}"""


def faults(page, smallest: float, screen: float = 1) -> list[str]:
    """Return what is wrong; ``smallest`` is in px, and a px of the window counts as ``screen`` of them."""
    return page.evaluate(FAULTS.replace("SCREEN", f"{screen}"), smallest)
