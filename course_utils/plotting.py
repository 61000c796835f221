"""One drawing per function: each takes ``ax=None``, draws one thing, and returns the Axes.

Colours and type are those of ``plt.style.use("course_utils.course")``, which the slides share.
"""

import numpy as np


def _axes(ax, width: float = 10.0, height: float = 3.2):
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(width, height), layout="constrained")
    return ax


def waveform(samples: np.ndarray, sample_rate: int, ax=None):
    """Draw a waveform, shape (n_samples,), over time in seconds.

    Notebook: 01_audio_tagging
    """
    ax = _axes(ax, height=2.0)
    ax.plot(np.arange(len(samples)) / sample_rate, samples, color="C0", linewidth=0.5)
    ax.set(xlabel="time (s)", ylabel="amplitude", xlim=(0, len(samples) / sample_rate))
    return ax


def spectrogram(samples: np.ndarray, sample_rate: int, ax=None):
    """Draw a mel spectrogram (128 bands) of a waveform, in dB below its maximum.

    Notebook: 01_audio_tagging
    """
    import librosa

    ax = _axes(ax)
    hop = sample_rate // 100
    power = librosa.feature.melspectrogram(y=samples, sr=sample_rate, hop_length=hop, n_fft=4 * hop, n_mels=128)
    bands = librosa.mel_frequencies(n_mels=128, fmax=sample_rate / 2)
    image = ax.imshow(
        librosa.power_to_db(power, ref=np.max, top_db=70),
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, power.shape[1] * hop / sample_rate, 0, len(bands)),
    )
    ticks = [hertz for hertz in (500, 1000, 2000, 4000, 8000, 16000) if hertz < sample_rate / 2]
    ax.set_yticks(np.interp(ticks, bands, np.arange(len(bands))), [f"{hertz / 1000:g}" for hertz in ticks])
    ax.set(xlabel="time (s)", ylabel="frequency (kHz)", xlim=(0, len(samples) / sample_rate))
    ax.figure.colorbar(image, ax=ax, label="level (dB)", pad=0.01)
    return ax


def log_mel(spectrogram: np.ndarray, hop: float = 0.01, ax=None):
    """Draw YAMNet's log-mel spectrogram, shape (n_frames, 64), a frame every ``hop`` seconds.

    Notebook: 02_yamnet, 04_sound_event_detection, 05_distillation
    """
    ax = _axes(ax)
    image = ax.imshow(
        np.asarray(spectrogram).T,
        origin="lower",
        aspect="auto",
        cmap="magma",
        extent=(0, len(spectrogram) * hop, -0.5, 63.5),
    )
    ax.set(xlabel="time (s)", ylabel="mel band")
    ax.figure.colorbar(image, ax=ax, label="log energy", pad=0.01)
    return ax


def top_scores(labels, scores, ax=None):
    """Draw scores in [0, 1] as horizontal bars, the first on top.

    Notebook: 01_audio_tagging, 02_yamnet
    """
    ax = _axes(ax, height=0.8 + 0.42 * len(labels))
    bars = ax.barh(list(labels), scores, color="C0")
    ax.bar_label(bars, fmt="%.3f", padding=4)
    ax.invert_yaxis()
    ax.set(xlabel="score", xlim=(0, 1.1))
    return ax


def scores_over_time(scores: np.ndarray, labels, hop: float, ax=None, offset: float = 0.0):
    """Draw the scores of a few classes over time as an image.

    Parameters
    ----------
    scores : ndarray, shape (n_frames, n_labels)
        Scores in [0, 1].
    labels : sequence of str
        Names of the columns, the first drawn on top.
    hop : float
        Seconds from one frame to the next.
    ax : matplotlib.axes.Axes, optional
        Where to draw.
    offset : float
        Time in seconds at which the picture's first column begins.

    Notebook: 01_audio_tagging, 02_yamnet, 04_sound_event_detection
    """
    ax = _axes(ax, height=1.1 + 0.25 * len(labels))
    image = ax.imshow(
        np.asarray(scores).T,
        aspect="auto",
        interpolation="nearest",
        cmap="cividis",
        vmin=0,
        vmax=1,
        extent=(offset, offset + len(scores) * hop, len(labels) - 0.5, -0.5),
    )
    ax.set_yticks(range(len(labels)), labels)
    ax.set(xlabel="time (s)")
    ax.figure.colorbar(image, ax=ax, label="score", pad=0.01)
    return ax


def embedding(vector: np.ndarray, ax=None):
    """Draw the values of one embedding, shape (n_dimensions,), in their order.

    Notebook: 01_audio_tagging
    """
    ax = _axes(ax, height=2.0)
    ax.plot(vector, color="C0", linewidth=0.6)
    ax.set(xlabel="dimension", ylabel="value", xlim=(0, len(vector)))
    return ax


def learning_curves(history, measure: str = "loss", ax=None):
    """Draw a measure of training, and of validation if there was one, by epoch, from what Keras' ``fit`` returns.

    Notebook: 03_transfer_learning, 05_distillation
    """
    ax = _axes(ax)
    for key, label, colour, style in (
        (measure, "training", "C0", "-"),
        (f"val_{measure}", "validation", "C1", "--"),
    ):
        values = history.history.get(key)
        if values:
            ax.plot(range(1, len(values) + 1), values, style, color=colour, label=label)
    ax.set(xlabel="epoch", ylabel=measure)
    ax.legend()
    return ax


def class_bars(table, ax=None):
    """Draw accuracy by class, as :func:`course_utils.evaluation.class_accuracy` returns it, and the average as a line.

    Notebook: 03_transfer_learning
    """
    ax = _axes(ax, height=3.6)
    classes, average = table.drop(index="average"), table.loc["average", "accuracy"]
    bars = ax.bar(classes.index, classes["accuracy"], color="C0")
    ax.bar_label(bars, fmt="%.3g", padding=2, bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    ax.axhline(average, color="C1", linestyle="--", label=f"average {average:.3f}")
    ax.set(ylabel="accuracy", ylim=(0, 1.12))
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
    return ax


def confusion_matrix(matrix, ax=None):
    """Draw counts by true class (rows) and predicted class (columns).

    Notebook: 03_transfer_learning
    """
    import seaborn as sns

    ax = _axes(ax, width=6.0, height=3.7)
    sns.heatmap(matrix, annot=True, fmt="d", cmap="Blues", cbar=False, square=True, linewidths=0.5, ax=ax)
    ax.tick_params(axis="x", rotation=90)
    return ax


def event_roll(rolls: dict, classes, duration: float, ax=None):
    """Draw lists of events on one time axis, one row a class, the lists above each other within the row.

    Parameters
    ----------
    rolls : dict of str to pandas.DataFrame
        Name of each list (for instance ``"reference"`` and ``"system"``) and its events: ``label``, ``onset`` and
        ``offset`` in seconds.
    classes : sequence of str
        The rows, the first on top.
    duration : float
        Length of the time axis in seconds.

    Notebook: 04_sound_event_detection
    """
    ax = _axes(ax, height=min(3.4, 1.1 + 0.45 * len(classes)))
    hatches = ("", "//", "..", "xx")
    height = 0.8 / len(rolls)
    for i, (name, events) in enumerate(rolls.items()):
        for row, label in enumerate(classes):
            chosen = events[events["label"] == label]
            spans = list(zip(chosen["onset"], chosen["offset"] - chosen["onset"], strict=True))
            place = (row - 0.4 + i * height, height)
            ax.broken_barh(spans, place, facecolor=f"C{i}", hatch=hatches[i], edgecolor="white")
        ax.broken_barh([], (0, 0), facecolor=f"C{i}", hatch=hatches[i], edgecolor="white", label=name)
    ax.set_yticks(range(len(classes)), classes)
    ax.set(xlabel="time (s)", xlim=(0, duration), ylim=(len(classes) - 0.5, -0.5))
    ax.grid(axis="x", alpha=0.3)
    ax.set_axisbelow(True)
    ax.legend(ncols=len(rolls), loc="lower right", bbox_to_anchor=(1, 1))
    return ax
