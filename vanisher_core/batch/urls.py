"""Pictures and results at a URL: whatever fsspec and its plug-ins reach (s3, gs, az, ftp, sftp ...).

Addresses and keys come from where each plug-in looks for them, such as AWS_ENDPOINT_URL and AWS_ACCESS_KEY_ID
for s3, or from fsspec's own settings (FSSPEC_S3_...); none is ever part of a command line or of the record.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from vanisher_core.batch.stores import STAGING, Found
from vanisher_core.errors import LimitExceeded, OutputError, PhotoError, UsageError
from vanisher_core.mask import Mask
from vanisher_core.photo import Limits, Photo

STEP = 8 << 20
FACTS = ("ETag", "LastModified", "mtime", "modified", "modify", "last_modified", "generation", "md5Hash")
"""What file systems call the things that change with a file's content."""


class UrlStore:
    """A place that fsspec reaches; names below it are as in a folder.

    Raises:
        UsageError: no plug-in for this kind of URL is installed, or the URL is none.
    """

    def __init__(self, root: str) -> None:
        import fsspec

        self.root = root.rstrip("/")
        try:
            found = fsspec.core.url_to_fs(self.root)
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"{root}: cannot be reached ({error}); install the plug-in it names, or give a folder"
            ) from error
        self._system: Any = found[0]
        self._base = str(found[1]).rstrip("/")
        self._listing: dict[str, dict[str, Any]] | None = None

    def look(self) -> None:
        """See `Store.look`: one listing instead of a question for each name."""
        self._system.invalidate_cache()
        try:
            found = self._system.find(self._base, detail=True)
        except FileNotFoundError:
            found = {}
        except Exception as error:
            raise UsageError(
                f"{self.root}: cannot be listed ({_sentence(error)}); check URL, address and keys"
            ) from error
        self._listing = {
            str(path).removeprefix(self._base).lstrip("/"): about for path, about in found.items()
        }

    def files(self, leave_out: frozenset[str]) -> Iterator[Found]:
        """See `Store.files`."""
        if self._listing is None:
            self.look()
        for name in self._listing or ():
            hidden = any(part.startswith(".") for part in name.split("/"))
            inside = any(name == other or name.startswith(other + "/") for other in leave_out)
            if not (hidden or inside):
                yield Found(name)

    def stamp(self, name: str) -> str:
        """See `Store.stamp`."""
        about = self._about(name)
        if about is None:
            return ""
        return ":".join([str(about.get("size")), *(str(about[fact]) for fact in FACTS if fact in about)])

    def size(self, name: str) -> int:
        """See `Store.size`."""
        about = self._about(name)
        return -1 if about is None else int(about.get("size") or 0)

    def digest(self, name: str) -> str:
        """See `Store.digest`."""
        digest = hashlib.sha256()
        with self._system.open(self._at(name), "rb") as file:
            while block := file.read(STEP):
                digest.update(block)
        return digest.hexdigest()

    def photo(self, name: str, limits: Limits) -> Photo:
        """See `Store.photo`."""
        return Photo.from_bytes(self._bytes(name, limits), name=f"{self.root}/{name}", limits=limits)

    def mask(self, name: str, limits: Limits) -> Mask:
        """See `Store.mask`."""
        return Mask.from_bytes(self._bytes(name, limits), name=f"{self.root}/{name}")

    def stage(self, key: str, data: bytes) -> None:
        """See `Store.stage`."""
        try:
            with contextlib.suppress(NotImplementedError):
                self._system.makedirs(self._at(STAGING), exist_ok=True)
            self._system.pipe_file(self._at(f"{STAGING}/{key}"), data)
        except Exception as error:
            raise OutputError(f"{self.root}/{STAGING}: cannot be written ({_sentence(error)})") from error

    def staged(self, key: str) -> str:
        """See `Store.staged`."""
        if self.size(f"{STAGING}/{key}") < 0:
            return ""
        try:
            return self.digest(f"{STAGING}/{key}")
        except Exception:
            return ""

    def commit(self, key: str, name: str, *, replace: bool) -> None:
        """See `Store.commit`."""
        if not replace and self.size(name) >= 0:
            raise UsageError(f"{self.root}/{name}: exists already; allow replacing it (--overwrite)")
        try:
            with contextlib.suppress(NotImplementedError):
                self._system.makedirs(self._at(name).rpartition("/")[0], exist_ok=True)
            self._system.mv(self._at(f"{STAGING}/{key}"), self._at(name))
            if self._listing is not None:
                self._listing[name] = {"size": None}  # taken; what is there is asked for at the next look
        except Exception as error:
            raise OutputError(f"{self.root}/{name}: cannot be written ({_sentence(error)})") from error

    def clear_staging(self) -> None:
        """See `Store.clear_staging`."""
        with contextlib.suppress(Exception):  # nothing was staged
            self._system.rm(self._at(STAGING), recursive=True)

    def _at(self, name: str) -> str:
        return f"{self._base}/{name}"

    def _about(self, name: str) -> dict[str, Any] | None:
        if self._listing is not None:
            return self._listing.get(name)
        self._system.invalidate_cache(self._at(name).rpartition("/")[0])
        try:
            return self._system.info(self._at(name))
        except FileNotFoundError:
            return None

    def _bytes(self, name: str, limits: Limits) -> bytes:
        where = f"{self.root}/{name}"
        try:
            size = self.size(name)
            limits.check_bytes(size)
            return self._system.cat_file(self._at(name))
        except LimitExceeded as error:
            raise LimitExceeded(f"{where}: {error}") from None
        except FileNotFoundError:
            raise PhotoError(f"{where}: does not exist; check the name") from None
        except Exception as error:
            raise PhotoError(f"{where}: cannot be read ({_sentence(error)})") from error


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
