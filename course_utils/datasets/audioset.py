"""AudioSet's labels, and which of them mean the animals of the course."""

from typing import TYPE_CHECKING

from course_utils import assets

if TYPE_CHECKING:
    import pandas as pd

AUDIOSET_TO_ESC50 = {
    "cat": ("Cat", "Purr", "Meow", "Caterwaul"),
    "cow": ("Cattle, bovinae", "Moo", "Cowbell"),
    "crickets": ("Insect", "Cricket"),
    "crow": ("Crow", "Caw"),
    "dog": ("Dog", "Bark", "Yip", "Howl", "Bow-wow", "Growling", "Whimper (dog)"),
    "frog": ("Frog", "Croak"),
    "hen": ("Chicken, rooster", "Cluck"),
    "pig": ("Pig", "Oink"),
    "rooster": ("Chicken, rooster", "Crowing, cock-a-doodle-doo"),
    "sheep": ("Sheep", "Bleat"),
}
"""AudioSet's labels for each of the ten classes, connected by hand, by meaning.

It is a judgement and not exact: "Chicken, rooster" is one label for two classes, cats growl too, a cat's "Hiss" is left
out, "Insect" is wider than crickets, and a cowbell is no cow.
"""


def audioset_labels() -> "pd.DataFrame":
    """Return AudioSet's 527 labels in the order of CNN14's scores.

    Source: J. Gemmeke et al., Audio Set, ICASSP 2017.

    Notebook: 01_audio_tagging, 02_yamnet, 03_transfer_learning, 05_how_sure, 06_better_detector

    Returns
    -------
    pandas.DataFrame
        Index 0 to 526; columns ``mid`` (AudioSet's identifier), ``display_name`` and ``yamnet_index`` (0 to 520,
        or -1 for the labels that YAMNet does not have).
    """
    import pandas as pd

    return pd.read_csv(assets.embedded("audioset_labels.csv"), index_col="index")


def audioset_csv() -> str:
    """Return the 527 labels as the text of AudioSet's own ``class_labels_indices.csv``, which panns-inference reads."""
    rows = audioset_labels().itertuples()
    return "index,mid,display_name\n" + "".join(f'{row.Index},{row.mid},"{row.display_name}"\n' for row in rows)
