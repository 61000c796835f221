"""Your own sound: uploaded, recorded, or named."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .analysis import analyse
from .shown import Shown, in_words, panel_of, show

if TYPE_CHECKING:
    import ipywidgets


RECORDER = """
export default {
  render({ model, el }) {
    const button = document.createElement("button");
    const status = document.createElement("span");
    button.className = "course-record jupyter-button";
    status.setAttribute("role", "status");
    el.append(button, status);
    const say = (label, text) => { button.textContent = label; status.textContent = " " + text; };
    say("Record", "");
    let recorder = null;
    const send = async (chunks) => {
      const context = new AudioContext({ sampleRate: 16000 });
      try {
        const sound = await context.decodeAudioData(await new Blob(chunks).arrayBuffer());
        model.send({ rate: sound.sampleRate }, undefined, [sound.getChannelData(0).slice().buffer]);
      } finally {
        await context.close();
      }
    };
    const record = async () => {
      if (!navigator.mediaDevices) throw new Error("a page needs https or localhost for it");
      const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      const stop = () => stream.getTracks().forEach((track) => track.stop());
      const chunks = [];
      try { recorder = new MediaRecorder(stream); } catch (error) { stop(); throw error; }
      recorder.ondataavailable = (event) => chunks.push(event.data);
      recorder.onstop = async () => {
        clearTimeout(timer);
        stop();
        say("Record", "");
        await send(chunks).catch((error) => say("Record", `Nothing was recorded (${error.message}).`));
      };
      recorder.start();
      say("Stop", "Recording, for a minute at most.");
      const mine = recorder;
      const timer = setTimeout(() => mine.state === "recording" && mine.stop(), 60000);
    };
    button.onclick = () => {
      if (recorder?.state === "recording") return recorder.stop();
      button.disabled = true;
      record()
        .catch((error) => say("Record", `No microphone here (${error.message}): upload a recording instead.`))
        .finally(() => { button.disabled = false; button.focus(); });
    };
    return () => { if (recorder?.state === "recording") recorder.stop(); };
  },
};
"""


def _first_upload(value: Any) -> tuple[str, bytes] | None:
    """Return name and content of the first file of a ``FileUpload``, if there is one."""
    if isinstance(value, dict):  # by name: ipywidgets 7, which Colab has
        value = [{"name": name, **file} for name, file in value.items()]
    return (value[0]["name"], bytes(value[0]["content"])) if value else None


def _alert(text: str) -> Shown:
    return Shown(f'<p role="alert">{html.escape(text)}</p>', text)


def own_sound(yamnet: Any, threshold: float = 0.3, path: str | Path | None = None) -> ipywidgets.VBox | None:
    """Let YAMNet listen to a sound of your own: uploaded, recorded, or named.

    Notebook: 02_yamnet

    Parameters
    ----------
    yamnet : SavedModel
        As for :func:`analyse`.
    threshold : float
        As for :func:`analyse`.
    path : str or Path, optional
        A file to begin with.

    Returns
    -------
    ipywidgets.VBox or None
        For the cell to show; None where nothing can be uploaded.
    """

    def heard(file: Path, name: str | None = None, write: Callable[[Path], Any] | None = None) -> Shown:
        """Listen to a file, which ``write`` writes if it is given; ``name`` is what to call it."""
        try:
            if write:
                write(file)
            analysis = analyse(file.expanduser(), yamnet, threshold)
            analysis = replace(analysis, name=name or analysis.name)
        except (OSError, ValueError) as error:
            name = name or str(file)
            return _alert(str(error).replace(repr(str(file)), repr(name)).replace(str(file), name))
        text = f"{analysis} {' '.join(analysis.notes)}\n{analysis.tags}\n{in_words({'events': analysis.events})}"
        return Shown(analysis._repr_html_(), text)

    def copied(name: str, write: Callable[[Path], Any]) -> Shown:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            return heard(Path(folder) / f"sound{Path(name).suffix}", name, write)

    def build(ipywidgets: Any) -> tuple:
        import anywidget
        import soundfile

        class Recorder(anywidget.AnyWidget):
            _esm = RECORDER

        panel = panel_of(ipywidgets, "course-own-sound", start.page if path else "")
        upload = ipywidgets.FileUpload(accept="audio/*,.wav,.flac,.ogg,.mp3", multiple=False, description="Upload")
        recorder = Recorder()
        named = ipywidgets.Text(
            placeholder="folder/sound.wav, then Enter", description="or a file", continuous_update=False
        )
        hint = ipywidgets.HTML(
            "<p>Upload a file of up to some 8 MB, record one, or drag a larger one into the file browser on the left "
            "and name it here. WAV, FLAC, Ogg and MP3 will do, an hour at most. Your sound goes to "
            "the computer that runs the notebook, in Colab one of Google's, and no further.</p>"
        )

        def answer(listen, *args) -> None:
            panel.value = "<p>Listening …</p>"
            try:
                panel.value = listen(*args).page
            except Exception as error:  # a callback has nowhere to raise it to
                panel.value = _alert(f"{type(error).__name__}: {error}").page

        def uploaded(change) -> None:
            if first := _first_upload(change["new"]):
                name, content = first
                answer(copied, name, lambda file: file.write_bytes(content))

        def recorded(_, content, buffers) -> None:
            def write(file):
                soundfile.write(file, np.frombuffer(buffers[0], np.float32), int(content["rate"]))

            answer(copied, "your recording.wav", write)

        def look_up(change) -> None:
            if name := change["new"].strip().strip('"'):  # Windows copies a path with quotes
                answer(heard, Path(name))
                named.value = ""  # so that Enter works for the same name again

        upload.observe(uploaded, names="value")
        recorder.on_msg(recorded)
        named.observe(look_up, names="value")
        return hint, ipywidgets.HBox([upload, recorder, named]), panel

    words = "In a running notebook you can upload, record or name a sound of your own here."
    start = heard(Path(path)) if path else Shown(f"<p>{words}</p>", words)
    return show("own-sound", start, build)
