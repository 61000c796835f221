"""Players for the hall: a spectrogram, and a line that moves over it while the sound plays."""

import base64
import functools
import html
import io
import re

import numpy as np

AUDIO = re.compile(r'<audio\b[^>]*aria-label="([^"]*)"[^>]*src="data:audio/mpeg;base64,([^"]*)"')
BANDS, COLUMNS, RANGE = 96, 900, 70  # of the picture; dB below its maximum
MARKS = (500, 1000, 2000, 4000, 8000)  # Hz
STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60)  # s


@functools.lru_cache(maxsize=128)
def spectrogram(mp3: str) -> tuple[str, float, tuple[tuple[float, str], ...]]:
    """Return a picture of a sound as the source of an image, its seconds, and where (0 to 1, upwards) kHz are marked.

    Parameters
    ----------
    mp3 : str
        The sound, base64.
    """
    import librosa
    import matplotlib
    import soundfile
    from PIL import Image

    waveform, rate = soundfile.read(io.BytesIO(base64.b64decode(mp3)), dtype="float32")
    hop, seconds = max(rate // 100, len(waveform) // COLUMNS), len(waveform) / rate
    mel = librosa.feature.melspectrogram(y=waveform, sr=rate, n_fft=4 * (rate // 100), hop_length=hop, n_mels=BANDS)
    levels = librosa.power_to_db(mel, ref=max(mel.max(), 1e-10), top_db=RANGE) / RANGE + 1
    colours = matplotlib.colormaps["magma"](levels[::-1], bytes=True)[..., :3]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(colours)).resize((COLUMNS, 2 * BANDS)).save(buffer, "WEBP", quality=72)
    source = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
    centres = librosa.mel_frequencies(n_mels=BANDS, fmax=rate / 2)
    places = [(np.interp(mark, centres, (np.arange(BANDS) + 0.5) / BANDS), f"{mark / 1000:g}") for mark in MARKS]
    return source, seconds, tuple((float(place), words) for place, words in places if place < 0.97)


def player(page: str) -> str:
    """Return the player of a notebook as one of a slide."""
    label, mp3 = AUDIO.search(page).groups()
    source, seconds, marks = spectrogram(mp3)
    step = next(step for step in STEPS if seconds / step <= 8 or step == STEPS[-1])
    times = [f'<i style="left:{100 * time / seconds:.2f}%">{time:g}</i>' for time in np.arange(0, 0.95 * seconds, step)]
    hertz = [f'<i style="bottom:{100 * place:.1f}%">{words}</i>' for place, words in marks]
    hertz[-1] = hertz[-1].replace("</i>", " kHz</i>")
    words = f"Mel spectrogram of {html.unescape(label)}, {seconds:.1f} s, from its start on the left to its end."
    return (
        f'<figure class="sound" data-seconds="{seconds:.3f}">'
        f'<figcaption><button type="button" aria-label="Play: {label}"></button>{label}'
        "</figcaption>"
        f'<div class="hertz" aria-hidden="true">{"".join(hertz)}</div>'
        f'<div class="wave"><img alt="{html.escape(words, quote=True)}" src="{source}">'
        '<span class="cursor"></span></div>'
        f'<div class="times" aria-hidden="true">{"".join(times)}<b>s</b></div>'
        f'<audio preload="auto" aria-label="{label}" src="data:audio/mpeg;base64,{mp3}"></audio></figure>'
    )


def band(seen: list[str]) -> str:
    """Return the picture of the longest sound in some HTML, as the source of an image; nothing if there is none."""
    found = re.findall(r'<div class="wave"><img alt="[^"]*, ([\d.]+) s, from [^"]*" src="([^"]*)"', "".join(seen))
    return max(found, key=lambda one: float(one[0]))[1] if found else ""
