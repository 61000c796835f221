"""Distil YAMNet into YAMNet-mini, the small network that the course ships: ``make mini``, ``make mini-eval``.

Six steps, each of which goes on where it was interrupted, run from the root of the repository::

    python -m makers.distillation.recordings --audio DIR
    python -m makers.distillation.teacher --audio DIR
    python -m makers.distillation.train --name first --rounds 25
    python -m makers.distillation.train --begin first --skip 25 --epochs 7 --rate 0.0015
    python -m makers.distillation.export
    python -m makers.distillation.evaluate --audio DIR --write

``DIR`` holds the 2,000 clips of ESC-50, named ``FOLD-SOURCE-TAKE-CATEGORY`` (``.wav``, ``.ogg`` or ``.flac``).
YAMNet is the one that the course finds, or ``--teacher FOLDER``. A GPU is used where there is
one; on two CPU cores the teacher takes the better part of an hour and each training an hour and a quarter.
The recordings come from Debian 12: 12 GB to fetch, once.

The terms are those of YAMNet: a *patch* is 96 x 64 log-mel values, 0.96 s; it slides by 0.48 s and gives one *frame*
of output: 1024 embedding values and 521 scores.
"""
