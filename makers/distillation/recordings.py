"""Step 0: find more to listen to than ESC-50's 1,600 clips.

Programs in Debian bring along thousands of sounds that anybody may use: animals, engines, weapons,
footsteps, voices, instruments, music. ``recordings.txt`` names the packages. They are fetched and
unpacked, and pieces of at most 5.3 s are kept as ``recordings.npy``, one after the other, and
``recordings.csv``: where each comes from, where it begins and its length. They need no labels, since
YAMNet says what they are. What YAMNet can hardly tell from a clip of folds 4 and 5 is left out, so that
copies of the clips that test the student are unlikely among them.
"""

from __future__ import annotations

import contextlib
import csv
import math
import shutil
import subprocess
import tempfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile as sf
import soxr
import torch
from tqdm import tqdm

from makers import files

from .common import (
    CLIP_SAMPLES,
    HOP_SAMPLES,
    SAMPLE_RATE,
    VALIDATION_FOLD,
    argument_parser,
    list_clips,
    read_clip,
    save,
)
from .network import choose_device, load_teacher

SUFFIXES = {".aif", ".aiff", ".au", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".wav"}
ARCHIVES = {".pk3", ".zip"}
UNREADABLE = (zipfile.BadZipFile, RuntimeError, NotImplementedError)
"""What a damaged, an encrypted and an oddly packed archive raise."""
PIECES_OF_FILE, PIECES_OF_PACKAGE = 4, 400
"""Most pieces that one file and one package give."""
SHORTEST_PIECE, QUIETEST_PIECE = 0.15, 0.003
"""Length in seconds and peak below which a piece is no use."""
SPOKEN = "_desc"
"""What marks Tux Paint's thousands of spoken descriptions, of which there is enough without them."""
OFFSETS = 4
"""How often a clip is compared, each time from a little later on: a copy may begin anywhere."""
TOO_SIMILAR = 0.9
"""Cosine similarity of one frame's embedding to one of a clip that tests, from which on a piece is left out."""


def fetch(package: str, folder: Path) -> Path:
    """Fetch a Debian package and unpack its sounds.

    Parameters
    ----------
    package : str
    folder : Path
        Where unpacked packages are kept, each in a folder of its name.

    Returns
    -------
    Path

    Raises
    ------
    RuntimeError
        If the package cannot be fetched.
    subprocess.CalledProcessError
        If it cannot be unpacked.
    """
    unpacked = folder / package
    if unpacked.exists():
        return unpacked
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise RuntimeError(
            f"{package} is a Debian package, and apt-get or dpkg-deb is not here: run this step on Debian "
            "and copy recordings.npy and recordings.csv, or unpack the packages there and copy their folders."
        )
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        here = Path(temporary)
        done = subprocess.run(["apt-get", "download", "-qq", package], cwd=here, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(
                f"apt-get could not fetch {package}: {done.stderr.strip()}. Does apt-get update help? "
                "The packages are those of Debian 12 (bookworm)."
            )
        subprocess.run(["dpkg-deb", "-x", next(here.glob("*.deb")), here / "all"], check=True)
        kept = here / "kept"
        kept.mkdir()
        for path in sorted((here / "all").rglob("*")):
            if path.is_symlink() or not path.is_file():
                continue
            place = kept / path.relative_to(here / "all")
            if path.suffix.lower() in SUFFIXES:
                place.parent.mkdir(parents=True, exist_ok=True)
                path.rename(place)
            elif path.suffix.lower() in ARCHIVES and zipfile.is_zipfile(path):
                with contextlib.suppress(*UNREADABLE), zipfile.ZipFile(path) as archive:
                    names = [n for n in archive.namelist() if PurePosixPath(n).suffix.lower() in SUFFIXES]
                    archive.extractall(place, names)
        shutil.move(kept, unpacked)
    return unpacked


def pieces(path: Path, rng: np.random.Generator) -> list[np.ndarray]:
    """Cut a sound file into pieces of at most 5.3 s.

    Parameters
    ----------
    path : Path
    rng : numpy.random.Generator
        Chooses the pieces of a long file.

    Returns
    -------
    list of ndarray of int16, shape (n_samples,)
        Mono at 16 kHz, at most four; none if the file is broken, too short or silent.
    """
    found = []
    try:
        with sf.SoundFile(path) as file:
            length = int(CLIP_SAMPLES / SAMPLE_RATE * file.samplerate)
            if file.frames < SHORTEST_PIECE * file.samplerate:
                return []
            starts = np.arange(max(1, file.frames // length)) * length
            for start in np.sort(rng.permutation(starts)[:PIECES_OF_FILE]):
                file.seek(start)
                waveform = file.read(length, dtype="float32", always_2d=True).mean(axis=1)
                waveform = soxr.resample(waveform, file.samplerate, SAMPLE_RATE)[:CLIP_SAMPLES]
                loud = QUIETEST_PIECE < np.abs(waveform).max(initial=0) < np.inf
                if loud and len(waveform) >= SHORTEST_PIECE * SAMPLE_RATE:  # headers may promise more
                    found.append((np.clip(waveform, -1, 1) * 32767).astype(np.int16))
    except RuntimeError:
        return []  # of a thousand programs' sounds a few are no sound
    return found


def collect(unpacked: Path) -> list[tuple[str, np.ndarray]]:
    """Cut the files of an unpacked package, in random order, until there are 400 different pieces.

    Parameters
    ----------
    unpacked : Path
        Folder of the package.

    Returns
    -------
    list of (str, ndarray of int16)
        Package and file; piece.
    """
    files = sorted(
        p for p in unpacked.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file() and SPOKEN not in p.name
    )
    rng = np.random.default_rng(zlib.crc32(unpacked.name.encode()))
    found: dict[bytes, tuple[str, np.ndarray]] = {}
    for i in rng.permutation(len(files)):
        for piece in pieces(files[i], rng):
            found.setdefault(piece.tobytes(), (str(files[i].relative_to(unpacked.parent)), piece))
        if len(found) >= PIECES_OF_PACKAGE:
            break
    return list(found.values())[:PIECES_OF_PACKAGE]


@torch.no_grad()
def embed(waveforms: list[np.ndarray], folder: Path | None, work: Path) -> torch.Tensor:
    """Return YAMNet's embeddings of waveforms (int16, at most 5.3 s), scaled to length 1, shape (n, 10, 1024)."""
    device = choose_device()
    teacher, log_mel, _ = load_teacher(folder, work)
    teacher, log_mel = teacher.to(device, memory_format=torch.channels_last), log_mel.to(device)
    found = []
    for start in tqdm(range(0, len(waveforms), 8), desc="listening"):
        some = [np.pad(w, (0, CLIP_SAMPLES - len(w))) for w in waveforms[start : start + 8]]
        batch = torch.from_numpy(np.stack(some).astype(np.float32) / 32768).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            found.append(teacher.embed(log_mel(batch)).float())
    return torch.nn.functional.normalize(torch.cat(found), dim=-1)


def main() -> None:
    """Run the step."""
    parser = argument_parser(__doc__, "audio")
    here = Path(__file__).with_name("recordings.txt")
    parser.add_argument("--packages", type=Path, default=here, help="file with the names of Debian packages")
    args = parser.parse_args()
    table = args.work / "recordings.csv"
    if table.exists():
        print(f"{table} is there already: delete it to collect recordings anew.")
        return
    folder = args.work / "recordings"
    folder.mkdir(parents=True, exist_ok=True)
    packages = args.packages.read_text(encoding="utf-8").split()
    with ThreadPoolExecutor(2) as pool:
        unpacked = list(tqdm(pool.map(lambda name: fetch(name, folder), packages), "fetching", len(packages)))
    found = [piece for package in tqdm(unpacked, desc="cutting") for piece in collect(package)]

    clips = [read_clip(clip.path) for clip in list_clips(args.audio) if clip.fold >= VALIDATION_FOLD]
    later = [clip[k * HOP_SAMPLES // OFFSETS :] for clip in clips for k in range(OFFSETS)]
    silence = np.zeros(CLIP_SAMPLES, np.int16)
    tests = embed([silence, *((clip * 32767).astype(np.int16) for clip in later)], args.teacher, args.work)
    tests = tests.flatten(0, 1)
    tests = tests[tests @ tests[0] < TOO_SIMILAR]  # silence says nothing about where a recording comes from
    kept = []
    heard = embed([piece for _, piece in found], args.teacher, args.work)
    for (name, piece), frames in zip(found, heard, strict=True):
        sounding = frames[: max(1, math.ceil(len(piece) / HOP_SAMPLES) - 1)]
        if (sounding @ tests.T).max() < TOO_SIMILAR:
            kept.append((name, piece))
    save(args.work / "recordings.npy", np.concatenate([piece for _, piece in kept]))
    ends = np.cumsum([len(piece) for _, piece in kept])
    with files.replacing(table) as part, open(part, "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("file", "start", "samples"))
        rows.writerows((name, end - len(piece), len(piece)) for (name, piece), end in zip(kept, ends, strict=True))
    print(f"{len(kept)} pieces of {len(packages)} packages, {ends[-1] / SAMPLE_RATE / 3600:.1f} h;", end=" ")
    print(f"{len(found) - len(kept)} too similar to clips of folds 4 and 5 left out")


if __name__ == "__main__":
    main()
