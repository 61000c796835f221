"""The patch of a crow that lesson 07 shows, and what teacher and student say of it.

All are those of the lesson's own cells, with the embedded assets: YAMNet's scores, and those of the tiny student before
its training. The crow is that of the lesson's first picture: YAMNet takes it for a duck.
"""

import json

import numpy as np

from course_utils import models

from . import HERE, cells_of, save_strip

CROW, WINDOW = "1-103298-A-9.wav", 0
SHOWN = ("Duck", "Animal", "Fowl", "Crow", "Bird", "Dog")

if __name__ == "__main__":
    models.start_tensorflow()
    lesson = cells_of("07", until="tiny_student")
    clips = lesson["clips"]
    number = np.flatnonzero((clips["filename"] == CROW) & (clips["window"] == WINDOW))[0]
    save_strip(lesson["log_mel"][number].astype(np.float32), "crow")
    teacher, names = lesson["scores"][number], list(lesson["names"])
    tiny = lesson["tiny_student"]()
    logits = tiny.predict(lesson["log_mel"][[number], ..., np.newaxis], verbose=0)[0]
    said = {"teacher": teacher, "student": 1 / (1 + np.exp(-logits))}
    found = {who: [round(float(scores[names.index(name)]), 3) for name in SHOWN] for who, scores in said.items()}
    parameters = {"teacher": lesson["figures"]["parameters"]["yamnet"], "student": tiny.count_params()}
    found = {"classes": SHOWN, "parameters": parameters} | found
    (HERE / "crow.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
