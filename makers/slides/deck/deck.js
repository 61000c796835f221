// A clip that is on several slides is stored once, with its first player.
for (const player of document.querySelectorAll("audio[data-same-as]")) {
  player.src = document.getElementById(player.dataset.sameAs).src;
}

const root = document.documentElement;
if (new URLSearchParams(location.search).has("dark")) root.dataset.theme = "dark";

// Going on, you enter a section at its first slide. reveal.js would go to where you left it, and skip what is before.
for (const first of document.querySelectorAll(".slides > section > section:first-child")) {
  first.parentElement.dataset.startIndexv = 0;
}

// While a question has the focus, reveal.js would hear no key. Whoever clicks on an answer gives the focus back at once;
// whoever comes by keyboard keeps the keys that choose and confirm, and all others, a clicker's too, are the deck's.
const OF_A_QUESTION = ["ArrowUp", "ArrowDown", " ", "Tab", "Shift"];
const inQuestion = (event) => event.target instanceof Element && event.target.matches(".course-quiz input");
document.addEventListener("change", (event) => {
  if (inQuestion(event) && !event.target.matches(":focus-visible")) event.target.blur();
});
document.addEventListener("keydown", (event) => {
  if (inQuestion(event) && !OF_A_QUESTION.includes(event.key)) event.target.blur();
}, { capture: true });

Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  maxScale: 4,
  center: false,
  defaultTiming: 0, // the speaker's view compares its clock with the minutes in the notes
  controlsLayout: "edges",
  hash: true,
  navigationMode: "linear", // right and left walk through all slides, as a clicker does
  pdfMaxPagesPerSlide: 1,
  pdfSeparateFragments: false,
  slideNumber: "c/t",
  transition: "none",
  plugins: [RevealNotes],
}).then(() => {
  Reveal.addKeyBinding({ keyCode: 65, key: "A", description: "Play or stop the sound on this slide" }, () => {
    const players = [...Reveal.getCurrentSlide().querySelectorAll("audio")];
    const playing = players.findIndex((player) => !player.paused);
    players[playing]?.pause();
    players[playing + 1]?.play(); // of several, the next
  });
  Reveal.addKeyBinding({ keyCode: 68, key: "D", description: "Dark or light theme" }, () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
  });
});
