"""A patch of a crow that the tiny student of lesson 07 trains on, and what teacher and student say of it.

All are those of the lesson's own cells, with the embedded assets: YAMNet's scores, and those of the student of the soft
targets before and after its training. It imitates this crow about as well as most crows of its training.
"""

import json

import numpy as np

from course_utils import models

from . import HERE, cells_of, save_strip

CROW, WINDOW = "4-188287-A-9.wav", 2
ABSENT = "Dog"

if __name__ == "__main__":
    models.start_tensorflow()
    lesson = cells_of("07", until="histories")
    clips = lesson["clips"]
    number = np.flatnonzero((clips["filename"] == CROW) & (clips["window"] == WINDOW))[0]
    save_strip(lesson["log_mel"][number].astype(np.float32), "crow")
    teacher, names = lesson["scores"][number], list(lesson["names"])
    shown = [*np.argsort(-teacher)[:5], names.index(ABSENT)]
    said = {"teacher": teacher}
    tiny = lesson["tiny_student"]()
    for when, student in {"before": tiny, "after": lesson["students"]["soft"]}.items():
        logits = student.predict(lesson["x"][[number]], verbose=0)[0]
        said[when] = 1 / (1 + np.exp(-logits))
    found = {who: [round(float(scores[i]), 3) for i in shown] for who, scores in said.items()}
    parameters = {"teacher": lesson["figures"]["parameters"]["yamnet"], "student": tiny.count_params()}
    found = {"classes": [names[i] for i in shown], "parameters": parameters} | found
    (HERE / "crow.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
