# @title Set up: run this cell first
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more threads are slower on matrices as small as ours
SPEC = ""  # where course_utils comes from, written by `make badges`
if importlib.util.find_spec("course_utils") is None:
    folders = [folder for folder in (Path(".."), Path("../..")) if (folder / "course_utils/__init__.py").is_file()]
    nearby = [*Path().glob("course_utils-*.whl"), *folders]
    SPEC = os.environ.get("COURSE_UTILS_SPEC") or (str(nearby[0]) if nearby else SPEC)
    if not SPEC:
        colab = "Click the folder on the left, upload the course's wheel (course_utils-….whl), and run this cell again."
        local = "This notebook runs in another Python: close it, and open it with `make lab` in the course's folder."
        raise RuntimeError(f"course_utils is not here. {colab if 'google.colab' in sys.modules else local}")
    print("Installing course_utils and what it needs. It takes a minute or two, and only once.", flush=True)
    command, said = [sys.executable, "-m", "pip", "install", SPEC], []
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    with subprocess.Popen(command, **output) as pip:
        for line in map(str.strip, pip.stdout):
            said.append(line)
            if line.startswith(("Collecting", "Downloading", "Installing")):  # each in the place of the one before
                print(f"\r{line:100.100}", end="", flush=True)
    if pip.returncode:
        why = "\n".join([line for line in said if line.startswith("ERROR")] or said[-1:])
        raise RuntimeError(f"course_utils couldn't be installed. Check the network, and run this cell again.\n{why}")
    print(f"\r{'course_utils is installed.':100}")
    importlib.invalidate_caches()
from course_utils import assets

assets.overview("ASSETS")
