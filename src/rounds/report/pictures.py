"""What networks of images look at: filters always, pictures of patients only where the user says so."""

from base64 import b64encode
from pathlib import Path

from rounds.errors import RunFolderError
from rounds.report.run_files import RunFiles
from rounds.run_folder.stored import Content

FOLDER = "images"
# (file, title, what it shows, whether it shows patients)
PICTURES: tuple[tuple[str, str, str, bool], ...] = (
    (
        "looked_at.png",
        "Where the answer rests",
        "Validation images, the rightest and then the wrongest, each beside what covering a part of it takes from the "
        "output: bright where the network rests its answer.",
        True,
    ),
    ("augmented.png", "As training sees them", "A training image in each row, beside it as it is drawn again.", True),
    (
        "patches.png",
        "What each layer answers to",
        "Parts of validation images that excite a filter most, a filter in each row, the strongest first: three "
        "filters of the first convolution, then three of the next, and so on. Parts of later layers are larger; all "
        "are drawn alike.",
        True,
    ),
    ("filters.png", "Filters of the first layer", "Each stretched from black to white on its own.", False),
)


def read_pictures(run: Path, show_images: bool) -> dict[str, str]:
    """Pictures of a run folder by file name: a data address, or "" where a picture stays beside the report.

    Raises RunFolderError where one cannot be read.
    """
    found = {}
    for name, _, _, patients in PICTURES:
        path = run / FOLDER / name
        if path.is_file():
            found[name] = _embedded(path) if show_images or not patients else ""
    return found


def _embedded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        advice = "Restore the file, or remove it"
        raise RunFolderError(path.name, "readable", file=f"{path} ({error.strerror})", advice=advice) from None
    return f"data:image/png;base64,{b64encode(content).decode()}"


def looks(run: RunFiles) -> Content | None:
    """Content of the section: pictures shown, and the names of those that lie beside the page."""
    if not run.pictures:
        return None
    shown = [
        {"address": run.pictures[name], "title": title, "sentence": sentence}
        for name, title, sentence, _ in PICTURES
        if run.pictures.get(name)
    ]
    beside = [
        {"file": f"{FOLDER}/{name}", "title": title}
        for name, title, _, _ in PICTURES
        if name in run.pictures and not run.pictures[name]
    ]
    return {"shown": shown, "beside": beside}
