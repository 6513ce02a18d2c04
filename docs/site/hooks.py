"""What MkDocs does beside mkdocs.yml: pages from the repository's root, and links that leave the site.

The README is the first page; CONTRIBUTING and CHANGELOG are pages. A link to a file that is no page (source, notebooks,
examples) becomes its words, since the site opens where the repository is not.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
PAGES = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
LINK = re.compile(r"(?P<shown>!?\[(?P<words>[^\[\]]*)\])\((?P<target>[^()\s]+)\)")


def on_files(files: Files, config: Any) -> Files:
    for page, source in PAGES.items():
        content = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    place = page.file.src_uri
    source = PAGES.get(place, f"docs/{place}")
    known = {file.src_uri for file in files}

    def linked(found: re.Match[str]) -> str:
        path, _, anchor = found["target"].partition("#")
        if "://" in path or not path:
            return found[0]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        target = {file: name for name, file in PAGES.items()}.get(target, target.removeprefix("docs/"))
        if target not in known:
            return found["words"]
        relative = posixpath.relpath(target, posixpath.dirname(place) or ".")
        return f"{found['shown']}({relative}{'#' + anchor if anchor else ''})"

    return LINK.sub(linked, markdown)
