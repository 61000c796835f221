"""Read a ``.tar.gz`` without trusting it, and make a folder hold what the archive holds, and nothing else."""

import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

RATIO = 20  # times an archive's size that its contents may have; a network's weights hardly shrink at all
MANY = 1000  # entries
PLAIN = re.compile(r"[A-Za-z0-9_][\w.+=@ -]{0,200}(?<![. ])", re.ASCII)  # a name that every file system can hold
DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # on Windows, no file


class ArchiveError(Exception):
    """An archive is refused; the message says why."""


def read(packed: bytes) -> dict[str, bytes]:
    """Return the files of a ``.tar.gz``.

    Parameters
    ----------
    packed : bytes
        The archive.

    Returns
    -------
    dict of str to bytes
        The files by their relative paths, with ``/`` between the parts; at least one.

    Raises
    ------
    ArchiveError
        If it is damaged or breaks off, unpacks to more than 20 times its size, or holds anything but plain files in
        plain folders: links, devices, paths that lead elsewhere, or names that collide on some file systems.
    """
    most = RATIO * len(packed) + 1_000_000
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            data = file.read(most + 1)  # the archive's own figures are not asked
        if len(data) > most:
            raise ArchiveError(f"it unpacks to more than {most:,} bytes")
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            files = _files(tar)
            if any(data[tar.offset :][:512]) or len(data) < tar.offset + 512:
                raise ArchiveError("it breaks off, or is damaged")
    except ArchiveError:
        raise
    except Exception as error:  # gzip, zlib and tarfile raise many kinds
        raise ArchiveError("it is no .tar.gz, breaks off, or is damaged") from error
    if not files:
        raise ArchiveError("there is no file in it")
    return files


def _files(tar: tarfile.TarFile) -> dict[str, bytes]:
    """Return the files of an open archive by path, or refuse it at its first entry that is not plain."""
    files, spelt = {}, {}
    for count, member in enumerate(tar):
        parts = [part for part in member.name.split("/") if part != "."]
        if member.size < 0 or count == MANY:
            raise ArchiveError(f"it is damaged, or has more than {MANY} entries")
        if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE):
            raise ArchiveError(f"{member.name[:80]!r} is neither a file nor a folder")
        if member.isdir() and not parts:  # ./
            continue
        if not parts or not all(PLAIN.fullmatch(part) and not DEVICE.fullmatch(part) for part in parts):
            raise ArchiveError(f"{member.name[:80]!r} is no path that may be written")
        for end in range(1, len(parts) + 1):
            path, is_file = "/".join(parts[:end]), end == len(parts) and member.isfile()
            if spelt.setdefault(path.lower(), (path, is_file)) != (path, is_file) or path in files:
                raise ArchiveError(f"it holds {path[:80]!r} twice")
        if member.isfile():
            files["/".join(parts)] = tar.extractfile(member).read()
    return files


def digests(files: dict[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 digest of each file."""
    return {name: hashlib.sha256(body).hexdigest() for name, body in files.items()}


def _walk(folder: Path) -> Iterator[os.DirEntry]:
    """Yield all that is below a folder; links are not followed."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            yield entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path))


def differences(folder: Path, wanted: dict[str, str]) -> tuple[list[Path], list[str]]:
    """Compare a folder with an archive, by content.

    Parameters
    ----------
    folder : Path
        It need not exist.
    wanted : dict of str to str
        What :func:`digests` says of the archive.

    Returns
    -------
    wrong : list of Path
        What has to go: damaged files, and whatever is not in the archive. Links are always wrong.
    missing : list of str
        The files that then are not there.

    Raises
    ------
    OSError
        If a folder cannot be read; a file that cannot is wrong.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return [folder], list(wanted)
    folders = {name[:i] for name in wanted for i, letter in enumerate(name) if letter == "/"}
    wrong, found = [], set()
    for entry in _walk(folder) if folder.exists() else ():
        path = Path(entry.path)
        name = path.relative_to(folder).as_posix()
        if entry.is_dir(follow_symlinks=False):
            right = name in folders
        elif right := name in wanted and entry.is_file(follow_symlinks=False):
            try:
                with open(path, "rb") as file:
                    right = hashlib.file_digest(file, "sha256").hexdigest() == wanted[name]
            except PermissionError:
                right = False
            found |= {name} if right else set()
        if not right and not any(path.is_relative_to(other) for other in wrong):
            wrong.append(path)
    return wrong, [name for name in wanted if name not in found]


def mend(folder: Path, files: dict[str, bytes], scratch: Path) -> None:
    """Make a folder hold the files of an archive and nothing else.

    Parameters
    ----------
    folder : Path
        It need not exist. Files that are right in it stay as they are.
    files : dict of str to bytes
        As :func:`read` returns them.
    scratch : Path
        A file beside the folder that each file is first written to, so that none is ever half there.

    Raises
    ------
    OSError
        If something cannot be read or written.
    """
    wrong, missing = differences(folder, digests(files))
    for path in wrong:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for name in missing:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        scratch.write_bytes(files[name])
        scratch.replace(folder / name)
