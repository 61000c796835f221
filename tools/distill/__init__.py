"""Distil YAMNet into YAMNet-mini, the small network that the course ships.

Four steps, each resumable, run from the root of the repository::

    python -m tools.distill.teacher --audio DIR --teacher PATH
    python -m tools.distill.train --teacher PATH
    python -m tools.distill.export --teacher PATH
    python -m tools.distill.evaluate --audio DIR --teacher PATH

``DIR`` holds the ESC-50 clips at 16 kHz, named ``FOLD-SOURCE-TAKE-TARGET`` (``.wav``, ``.ogg`` or
``.flac``). ``PATH`` is the YAMNet SavedModel, a folder or the ``.tar.gz`` archive.

The terms are those of YAMNet: a *patch* is 96 x 64 log-mel values, 0.96 s; it slides by 0.48 s and
gives one *frame* of output: 1024 embedding values and 521 scores.
"""
