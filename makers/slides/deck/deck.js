const root = document.documentElement;
const query = new URLSearchParams(location.search);
if (query.has("dark")) root.dataset.theme = "dark";
let lastPlayed;
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

// A clip that is on several slides is stored once, with its first player.
for (const player of document.querySelectorAll("audio[data-same-as]")) {
  player.src = document.getElementById(player.dataset.sameAs).src;
}

// What is to be remembered stands below the picture that said it, small and without its words.
for (const summary of document.querySelectorAll("[data-recall]")) {
  for (const [i, line] of summary.querySelectorAll(".said li").entries()) {
    const heading = JSON.parse(summary.dataset.recall)[i];
    const slide = [...document.querySelectorAll(".slide")].find((other) => other.dataset.heading === heading);
    const seen = slide?.querySelector(".drawn :is(svg, img)") ?? slide?.querySelector(".wave img");
    if (!seen) continue;
    const [picture, words] = [document.createElement("div"), document.createElement("div")];
    words.append(...line.childNodes);
    picture.className = "recalled";
    picture.ariaHidden = "true";
    picture.innerHTML = seen.outerHTML.replace(/ id="|url\(#|href="#/g, "$&recalled-").replace(' role="img"', "");
    for (const part of picture.querySelectorAll(".fragment")) part.classList.remove("step", "fragment");
    line.append(picture, words);
    line.closest(".body").classList.add("recalls");
  }
}

// Without its words a picture is smaller: what is left fills the room. Only of what is shown can this be measured.
function crop(slide) {
  for (const picture of slide.querySelectorAll(".recalled svg")) {
    const { x, y, width, height } = picture.getBBox(), edge = width / 40;
    if (width) picture.setAttribute("viewBox", [x - edge, y - edge, width + 2 * edge, height + 2 * edge].join(" "));
  }
}

// Going on, you enter a part at its first slide. reveal.js would go to where you left it, and skip what is before.
for (const first of document.querySelectorAll(".slides > section > section:first-child")) {
  first.parentElement.dataset.startIndexv = 0;
}

// --- sounds: a line moves over the spectrogram, and over a plot with the same time axis; a click goes there ---

for (const sound of document.querySelectorAll(".sound")) {
  const [player, wave] = ["audio", ".wave"].map((part) => sound.querySelector(part));
  const move = () => {
    const share = player.currentTime / (player.duration || 1);
    sound.closest(".slide").style.setProperty("--played", share);
    sound.style.setProperty("--played", share);
    if (!player.paused) requestAnimationFrame(move);
  };
  player.addEventListener("play", () => {
    for (const other of document.querySelectorAll("audio")) if (other !== player) other.pause();
    sound.classList.add("playing");
    move();
  });
  player.addEventListener("pause", () => sound.classList.remove("playing"));
  player.addEventListener("seeked", move);
  sound.querySelector("button").addEventListener("click", (event) => {
    event.target.blur(); // the keys are the deck's
    player.paused ? player.play() : player.pause();
  });
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    player.currentTime = (player.duration * (event.clientX - box.left)) / box.width;
    player.play();
  });
}

// A spectrogram above a plot over time gets the plot's axis, and the plot a line of its own.
function align(slide) {
  const sounds = slide.querySelectorAll(".sound"), plot = slide.querySelector(".drawn svg[data-time]");
  if (sounds.length !== 1 || !plot) return;
  const [sound] = sounds, box = sound.getBoundingClientRect(), scale = box.width / sound.offsetWidth;
  const [first, last, seconds] = plot.dataset.time.split(" ").map(Number), matrix = plot.getScreenCTM();
  if (!scale || !matrix) return; // it isn't shown
  const left = (first * matrix.a + matrix.e - box.left) / scale;
  const width = (((last - first) * matrix.a) / scale) * (sound.dataset.seconds / seconds);
  sound.style.gridTemplateColumns = `${left}px ${width}px`;
  const room = plot.closest(".drawn"), line = room.querySelector(".cursor") ?? document.createElement("span");
  line.className = "cursor";
  line.style.cssText = `--left: ${left}px; --wide: ${width}px`;
  room.append(line);
}

// --- drawings: the lines of a step draw themselves, and what moves comes from where it was, one after another ---

function draw(step) {
  if (still || !step.matches("svg .step")) return;
  for (const [i, part] of step.querySelectorAll(".moving").entries()) {
    const [x, y] = part.dataset.from.split(",");
    const frames = [
      { opacity: 0, transform: `translate(${x}px, ${y}px)` },
      { opacity: 1, transform: `translate(${x}px, ${y}px)`, offset: 0.2 },
      { opacity: 1, transform: "none" },
    ];
    part.animate(frames, { duration: 600, delay: 200 * i, fill: "backwards", easing: "ease-in-out" });
  }
  for (const line of step.querySelectorAll("path, line, polyline")) {
    const look = getComputedStyle(line);
    if (line.closest(".moving") || look.fill !== "none" || look.strokeDasharray !== "none") continue;
    const length = line.getTotalLength();
    const frames = [{ strokeDasharray: length, strokeDashoffset: length }, { strokeDasharray: length, strokeDashoffset: 0 }];
    line.animate(frames, { duration: 700, easing: "ease-out" });
  }
}

// --- votes: keys 1 to 4 count hands for A to D, 0 begins again ---

function vote(number) {
  const counts = [...Reveal.getCurrentSlide().querySelectorAll(".choices output")];
  for (const [i, count] of counts.entries()) {
    if (number === 0) count.value = "";
    if (number === i + 1) count.value = Number(count.value) + 1;
    count.hidden = !count.value;
  }
}

// --- the handout: each slide beside lines to write on, or beside its notes ---

function handout(withNotes) {
  for (const page of document.querySelectorAll(".pdf-page")) {
    const row = document.createElement("div");
    row.className = "handout";
    row.innerHTML = '<div class="shown"></div><div><div class="lines"></div></div>';
    page.replaceWith(row);
    row.firstChild.append(page);
    const notes = page.querySelector("aside.notes");
    const side = row.querySelector(".lines");
    if (withNotes && notes) {
      side.className = "words";
      side.innerHTML = notes.innerHTML;
      for (let size = 14; side.scrollHeight > side.clientHeight && size > 9; size -= 0.5) side.style.fontSize = `${size}px`;
    }
    notes?.remove();
    align(page);
    crop(page);
  }
}

Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  maxScale: 4,
  center: false,
  defaultTiming: 0, // the speaker's view compares its clock with the minutes in the notes
  controls: false, // a clicker, the arrow keys, or a swipe
  hash: true,
  navigationMode: "linear", // right and left walk through all slides, as a clicker does
  pdfMaxPagesPerSlide: 1,
  pdfSeparateFragments: false,
  progress: false,
  slideNumber: "c/t",
  transition: "none",
  plugins: [RevealNotes],
}).then(() => {
  const key = (code, name, description, act) => Reveal.addKeyBinding({ keyCode: code, key: name, description }, act);
  key(65, "A", "Play or stop the sound on this slide", () => {
    const players = [...Reveal.getCurrentSlide().querySelectorAll("audio")];
    const playing = players.findIndex((player) => !player.paused);
    players[playing]?.pause();
    const last = playing < 0 ? players.findIndex((player) => player === lastPlayed) : playing;
    const next = players[last + 1] ?? (playing < 0 ? players[0] : undefined); // of several, the next
    next?.play();
    lastPlayed = next;
  });
  key(68, "D", "Dark or light theme", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  });
  for (const number of [1, 2, 3, 4]) key(48 + number, String(number), `Count a hand for ${"ABCD"[number - 1]}`, () => vote(number));
  key(48, "0", "Count the hands again", () => vote(0));
  const fit = (slide) => [align, crop].forEach((make) => make(slide));
  Reveal.on("slidechanged", ({ currentSlide }) => fit(currentSlide));
  fit(Reveal.getCurrentSlide());
  Reveal.on("fragmentshown", ({ fragments }) => fragments.forEach(draw));
  Reveal.on("slidechanged", ({ previousSlide }) => {
    for (const player of previousSlide?.querySelectorAll("audio") ?? []) player.currentTime = 0;
  });
  if (query.has("handout")) {
    const ready = () => (document.querySelector(".pdf-page") ? handout(query.get("handout") === "notes") : setTimeout(ready, 50));
    ready();
  }
});
