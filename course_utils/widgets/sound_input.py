"""Sounds from the browser: recorded by its microphone, or from a file that it decodes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import soxr

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
  NoMicrophone: "A browser lends its microphone only to pages that come by https or from this computer. Open such a page",
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

    let recorder = null, ticking = 0, ending = 0;
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
      button.disabled = true;
      record().catch((error) => say(why(error))).finally(() => { button.disabled = false; button.focus(); });
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
.course-clock:empty, .course-status:empty { display: none; }
"""


@dataclass(frozen=True, eq=False)
class Sound:
    """A sound of one channel, and what its channels were like before they became one.

    Attributes
    ----------
    name : str
        What it is called.
    waveform : ndarray, shape (n_samples,)
        Float32, the mean of the channels.
    sample_rate : int
        Of ``waveform``, in Hz.
    channels : int
        How many there were.
    peak, power : float
        Largest absolute value, and mean square, over all channels.
    full, in_a_row : int
        Samples at full scale, over all channels; and those that follow one at full scale.
    """

    name: str
    waveform: np.ndarray = field(repr=False)
    sample_rate: int
    channels: int = 1
    peak: float = 0.0
    power: float = 0.0
    full: int = 0
    in_a_row: int = 0

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.waveform) / self.sample_rate


def sound_of(blocks: Sequence[np.ndarray], name: str, from_rate: int, to_rate: int) -> Sound:
    """Return a sound from blocks of samples, shape (n_samples, n_channels)."""
    whole = np.concatenate(blocks)
    level = np.abs(whole)
    full = level >= 32767 / 32768
    about = {
        "channels": whole.shape[1],
        "peak": float(level.max(initial=0)),
        "power": float(np.mean(np.square(whole, dtype=np.float64))) if whole.size else 0.0,
        "full": int(np.count_nonzero(full)),
        "in_a_row": int(np.count_nonzero(full[1:] & full[:-1])),
    }
    return Sound(name, soxr.resample(whole.mean(axis=1), from_rate, to_rate), to_rate, **about)


def read_sound(path: str | Path, sample_rate: int, name: str | None = None) -> Sound:
    """Read a sound from a file that libsndfile knows, of up to ten minutes.

    Raises
    ------
    FileNotFoundError, IsADirectoryError, ValueError
        As :func:`course_utils.audio.load`, or if it is longer; the message calls it by its ``name``.
    """
    shown = repr(name or str(path))
    with audio.opened(path) as file:
        if file.frames / file.samplerate > MOST_SECONDS:
            raise ValueError(f"{shown} lasts more than {MOST_SECONDS // 60} minutes: cut it, for instance in Audacity.")
        blocks = list(audio.blocks_of(file, path, 1 << 20))
        found = sound_of(blocks, name or Path(path).name, file.samplerate, sample_rate)
    if not np.isfinite(found.waveform).all() or found.peak > 8:
        raise ValueError(f"{shown} holds samples outside [-1, 1], or no numbers: save it again as 16-bit WAV.")
    if not len(found.waveform):
        raise ValueError(f"{shown} is too short, nothing is left of it at {sample_rate} Hz: record it again.")
    return found


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
        """Write the file, have it read, and remove it; messages of errors call it by its name."""
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
            return self.with_file(lambda path: read_sound(path, sample_rate, self.name))
        about, waveform = self.about, np.frombuffer(self.data, np.float32)
        if not len(waveform):
            raise ValueError(f"{self.name!r} holds no audio at all, 0 samples: record or save it again.")
        if about["rate"] != sample_rate:
            waveform = soxr.resample(waveform, about["rate"], sample_rate)
        values = about.get("channels", 1), about.get("peak", 0.0), about.get("power", 0.0)
        channels, peak, power = values[0], values[1], values[2] / max(1, values[0] * len(waveform))
        return Sound(self.name, waveform, sample_rate, channels, peak, power, about.get("full", 0), about.get("row", 0))


@cache
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
