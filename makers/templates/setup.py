# @title Set up: run this cell first
import importlib.util
import os
import subprocess
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads are slower on matrices as small as ours
SPEC = ""  # where course_utils comes from, written by `make badges`
if importlib.util.find_spec("course_utils") is None:
    for folder in ("..", "../.."):
        if os.path.isfile(f"{folder}/course_utils/__init__.py"):
            SPEC = folder
    SPEC = os.environ.get("COURSE_UTILS_SPEC") or SPEC
    if not SPEC:
        raise RuntimeError("course_utils is not here: start with `make lab`; in Colab, by the badge in the README.")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", SPEC], check=True)
    importlib.invalidate_caches()
from course_utils import assets

assets.overview("ASSETS")
