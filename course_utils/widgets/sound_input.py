"""Sounds from the browser: recorded by its microphone, or from a file that it decodes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import audio

RECORDING = "your recording"
RATE = 16000  # Hz
MOST_SECONDS = 600  # of a sound that comes from the browser

SCRIPT = """
const CHUNK = 2000000;  // bytes of a message: a multiple of 4, and far below what a server refuses
const MOST_BYTES = 60e6, MOST_SECONDS = 600;
const KINDS = "audio/*,video/mp4,video/webm,video/quicktime,.m4a,.mp4,.webm,.wav,.flac,.ogg,.opus,.mp3,.aiff,.caf";

class Refused extends Error {}

// What a file promises to last, where the browser can tell without decoding all of it.
const promised = (file) => new Promise((resolve) => {
  const player = document.createElement("audio"), address = URL.createObjectURL(file);
  const done = () => { clearTimeout(timer); URL.revokeObjectURL(address); resolve(player.duration || 0); };
  const timer = setTimeout(done, 3000);
  player.preload = "metadata";
  player.onloadedmetadata = player.onerror = done;
  player.src = address;
});

// One channel at the wanted rate, and what the channels were like.
const decode = async (file, rate) => {
  const sound = await new OfflineAudioContext(1, 1, rate).decodeAudioData(await file.arrayBuffer());
  const mono = new Float32Array(sound.length);
  const about = { channels: sound.numberOfChannels, peak: 0, full: 0, row: 0, power: 0 };
  for (let c = 0; c < about.channels; c++) {
    let before = false;
    sound.getChannelData(c).forEach((value, i) => {
      const level = Math.abs(value), full = level >= 32767 / 32768;
      mono[i] += value / about.channels;
      about.peak = Math.max(about.peak, level);
      about.power += value * value;
      about.full += full;
      about.row += full && before;
      before = full;
    });
  }
  return [mono, about];
};

const REASONS = {
  NotAllowedError: "The browser may not use the microphone. Allow it beside the page's address",
  NotFoundError: "No microphone was found. Connect one",
  NotReadableError: "Another program is using the microphone. Close it",
  NoMicrophone: "Browsers lend a microphone only to pages with https or on this computer. Open such a page",
};
const why = (error) => {
  const reason = REASONS[error.name] ?? `The microphone does not work here (${error.message}). Try another browser`;
  return `${reason}, or upload a recording instead.`;
};

export default {
  render({ model, el }) {
    const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
    const [toRecord, toUpload] = model.get("labels");
    const button = make("button", { className: "course-record jupyter-button widget-button", textContent: toRecord });
    const upload = make("button", { className: "course-upload jupyter-button widget-button", textContent: toUpload });
    const picked = make("input", { type: "file", accept: KINDS, multiple: model.get("multiple"), hidden: true });
    const clock = make("span", { className: "course-clock" }), status = make("span", { className: "course-status" });
    for (const one of [button, upload]) {
      one.type = "button";
      // JupyterLab keeps Enter to itself: for whoever comes by keyboard, it belongs to the button.
      one.onfocus = () => one.toggleAttribute("data-lm-suppress-shortcuts", one.matches(":focus-visible"));
    }
    clock.setAttribute("aria-hidden", "true");
    status.setAttribute("role", "status");
    el.classList.add("course-sound-input");
    el.append(...[toRecord && button, toUpload && upload, toUpload && picked, clock, status].filter(Boolean));
    const say = (text) => { status.textContent = text; };

    const send = (kind, name, about, buffer) => {
      const id = `${Date.now()} ${Math.random()}`, of = Math.max(1, Math.ceil(buffer.byteLength / CHUNK));
      say("Sending …");
      for (let index = 0; index < of; index++) {
        const chunk = buffer.slice(index * CHUNK, (index + 1) * CHUNK);
        model.send({ kind, name, id, index, of, ...about }, undefined, [chunk]);
      }
    };
    const take = async (file, name) => {
      const refuse = (what) => { throw new Refused(`${name} ${what}: ${model.get("too_long")}`); };
      if (file.size > MOST_BYTES) refuse(`has ${Math.round(file.size / 1e6)} MB`);
      const tooLong = (seconds) => {
        if (seconds > MOST_SECONDS && seconds < Infinity) refuse(`lasts ${Math.round(seconds / 60)} minutes`);
      };
      say("Reading …");
      tooLong(await promised(file));
      const rate = model.get("rate");
      let mono, about;
      try {
        [mono, about] = await decode(file, rate);
      } catch {  // the kernel may know what the browser does not
        return send("file", name, {}, await file.arrayBuffer());
      }
      tooLong(mono.length / rate);
      send("samples", name, { rate, ...about }, mono.buffer);
    };
    const takeAll = async (files, name) => {
      for (const file of files) {
        try {
          await take(file, name ?? file.name);
        } catch (error) {
          say(error instanceof Refused ? error.message : `${name ?? file.name} cannot be read (${error.message}).`);
        }
      }
    };

    let recorder = null, starting = false, ticking = 0, ending = 0;
    const rest = () => {
      clearTimeout(ending);
      clearInterval(ticking);
      clock.textContent = "";
      button.textContent = toRecord;
      button.classList.remove("mod-danger");
    };
    const record = async () => {
      if (!navigator.mediaDevices) throw { name: "NoMicrophone" };
      // what calls need, a listener to all sounds does not want
      const wanted = { echoCancellation: false, noiseSuppression: false };
      const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
      const stop = () => stream.getTracks().forEach((track) => track.stop());
      const chunks = [], most = model.get("seconds"), start = Date.now();
      try { recorder = new MediaRecorder(stream); } catch (error) { stop(); throw error; }
      const mine = recorder;
      mine.ondataavailable = (event) => chunks.push(event.data);
      mine.onstop = () => {
        stop();
        rest();
        takeAll([new Blob(chunks, { type: mine.mimeType })], RECORDING);
      };
      mine.start();
      button.textContent = "Stop";
      button.classList.add("mod-danger");
      say(`Recording, for ${most === 60 ? "a minute" : `${most} s`} at most.`);
      const tick = () => { clock.textContent = `${Math.floor((Date.now() - start) / 1000)} s`; };
      tick();
      ticking = setInterval(tick, 1000);
      ending = setTimeout(() => mine.state === "recording" && mine.stop(), 1000 * most);
    };
    button.onclick = () => {
      if (recorder?.state === "recording") return recorder.stop();
      if (starting) return;  // not disabled, which would take the focus away
      starting = true;
      record().catch((error) => say(why(error))).finally(() => { starting = false; button.focus(); });
    };
    upload.onclick = () => picked.click();
    picked.onchange = async () => {
      const files = [...picked.files];
      picked.value = "";  // so that the same file can be taken again
      await takeAll(files);
      upload.focus();
    };
    const answer = (message) => { if ("say" in message) say(message.say); };
    model.on("msg:custom", answer);
    return () => {
      model.off("msg:custom", answer);
      clearInterval(ticking);
      if (recorder?.state === "recording") recorder.stop();
    };
  },
};
""".replace("RECORDING", repr(RECORDING)).replace("MOST_SECONDS = 600", f"MOST_SECONDS = {MOST_SECONDS}")

STYLE = """
.course-sound-input { display: flex; flex-wrap: wrap; align-items: center; gap: 0.3em 0.6em; }
.course-sound-input [hidden] { display: none; }
.course-sound-input button:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.course-sound-input :is(button, span) { font-size: max(14px, 1em); }
.course-clock:empty { display: none; }
.course-own-sound :is(p, li) { line-height: 1.4; }
"""


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound of one channel, with its name and what it was like before.

    Attributes
    ----------
    name : str
        What it is called.
    waveform : ndarray, shape (n_samples,)
        Float32, the mean of the channels.
    sample_rate : int
        Of ``waveform``, in Hz.
    channels : int
        Of what it was made from.
    notes : list of str
        What is unusual about it, a sentence or two each.
    """

    name: str
    waveform: np.ndarray = field(repr=False)
    sample_rate: int
    channels: int
    notes: list[str]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.waveform) / self.sample_rate


def length_in_words(seconds: float) -> str:
    """Return a length in seconds, or in minutes if it is long."""
    return f"{seconds:.2f} s" if seconds < 120 else f"{seconds / 60:.1f} minutes"


def read_sound(path: str | Path, sample_rate: int) -> Sound:
    """Read a sound from a file that libsndfile knows, of up to ten minutes.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        As :class:`course_utils.audio.Reader`.
    """
    with audio.Reader(path, sample_rate, MOST_SECONDS) as reader:
        return Sound(reader.name, reader.whole(), sample_rate, reader.channels, reader.notes())


@dataclass(frozen=True, eq=False)
class Received:
    """What the browser has sent: samples that it has decoded, or a file that it could not decode."""

    name: str
    data: bytes = field(repr=False)
    about: dict

    @property
    def is_file(self) -> bool:
        """Whether the data are those of a file."""
        return self.about["kind"] == "file"

    def with_file(self, read: Callable[[Path], Any]) -> Any:
        """Write the file, have it read, and remove it; messages of errors call it by its own name."""
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            path = Path(folder) / f"sound{Path(self.name).suffix}"
            try:
                path.write_bytes(self.data)
                return read(path)
            except (OSError, ValueError) as error:
                words = str(error).replace(repr(str(path)), repr(self.name)).replace(str(path), self.name)
                raise ValueError(words) from error

    def sound(self, sample_rate: int) -> Sound:
        """Return it as a sound.

        Raises
        ------
        ValueError
            If it cannot be read, lasts too long, or holds nothing.
        """
        if self.is_file:
            return replace(self.with_file(lambda path: read_sound(path, sample_rate)), name=self.name)
        about, waveform = self.about, np.frombuffer(self.data, np.float32)
        if not len(waveform):
            raise ValueError(f"{self.name!r} holds no sound at all: record or save it again.")
        levels = audio.Levels(about.get("channels", 1), len(waveform))
        levels.peak, levels.full, levels.in_a_row = (about.get(key, 0) for key in ("peak", "full", "row"))
        levels.power = about.get("power", 0.0) / levels.channels
        levels.add_mono(waveform)
        clip = audio.Clip(self.name, waveform=waveform, sample_rate=about["rate"])
        return Sound(self.name, clip.load(sample_rate), sample_rate, levels.channels, levels.notes())


def _widget_class() -> type:
    import anywidget
    import traitlets

    class SoundInput(anywidget.AnyWidget):
        """Buttons to record and to upload; what comes is handed on when it is whole."""

        _esm = SCRIPT
        _css = STYLE
        rate = traitlets.Int(RATE).tag(sync=True)
        seconds = traitlets.Float(60.0).tag(sync=True)
        labels = traitlets.List(traitlets.Unicode(allow_none=True)).tag(sync=True)
        multiple = traitlets.Bool(False).tag(sync=True)
        too_long = traitlets.Unicode("cut out the part that matters, for instance in Audacity.").tag(sync=True)

        def __init__(self, receive: Callable[[Received], str | None], **traits: Any):
            super().__init__(**traits)
            self._receive, self._chunks = receive, {}
            self.on_msg(self._on_chunk)

        def say(self, text: str) -> None:
            """Show a sentence beside the buttons; screen readers read it aloud."""
            self.send({"say": text})

        def _on_chunk(self, _, content: dict, buffers: list) -> None:
            chunks = self._chunks.setdefault(content["id"], [])
            chunks.append(bytes(buffers[0]))
            if content["index"] + 1 != len(chunks):
                del self._chunks[content["id"]]
                return self.say("Some of the sound was lost on its way: please try again.")
            if len(chunks) < content["of"]:
                return None
            del self._chunks[content["id"]]
            self.say("Listening …")
            try:
                said = self._receive(Received(content["name"], b"".join(chunks), content))
            except (OSError, ValueError) as error:
                said = str(error)
            except Exception as error:  # a callback has nowhere to raise it to
                said = f"{type(error).__name__}: {error}"
            return self.say(said if isinstance(said, str) else "")

    return SoundInput


def browser_input(receive: Callable[[Received], str | None], **traits: Any) -> Any:
    """Return the widget behind :func:`sound_input`, with ``rate`` and ``too_long``, handing on what comes as it is."""
    return _widget_class()(receive, **{"labels": ["Record", "Upload"], **traits})


def sound_input(
    on_sound: Callable[[np.ndarray, str], str | None],
    *,
    seconds: float = 60,
    labels: tuple[str | None, str | None] = ("Record", "Upload"),
    multiple: bool = False,
) -> Any:
    """Return a widget with buttons to record a sound and to upload one, which hands it to a function.

    The browser decodes what it can, a phone's m4a or a webm too; libsndfile takes the rest. It works wherever anywidget
    does: JupyterLab, Colab, VS Code (which has no microphone). It needs a running notebook.

    Parameters
    ----------
    on_sound : callable
        Called as ``on_sound(waveform, name)`` for each sound: ``waveform`` is float32 of shape (n_samples,) at 16 kHz,
        at least one sample and at most ten minutes; ``name`` is that of the file, or ``"your recording"``. A string
        that it returns is shown beside the buttons, and so is what it raises.
    seconds : float
        After which a recording ends by itself.
    labels : tuple of str
        Of the two buttons; an empty one, or None, leaves its button out.
    multiple : bool
        Whether several files can be chosen at once; ``on_sound`` is then called for each in turn.

    Returns
    -------
    anywidget.AnyWidget
        To put into a box. Its ``say(text)`` shows a sentence beside the buttons.

    Examples
    --------
    >>> from course_utils.widgets.sound_input import sound_input
    >>> taken = []
    >>> box = sound_input(lambda waveform, name: taken.append(name) or f"{len(taken)} of 5 recorded.", seconds=2)
    """

    def receive(received: Received) -> str | None:
        return on_sound(received.sound(RATE).waveform, received.name)

    return browser_input(receive, seconds=float(seconds), labels=list(labels), multiple=multiple)
