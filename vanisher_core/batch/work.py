"""One job: read a picture, erase, stage the result, report. The same code in every engine.

A report is a dictionary that JSON takes; its fields are those of the record's lines (docs/batch.md), and beside
them `receipt` (text) and `strip` (base64 of the contact sheet's picture).
"""

from __future__ import annotations

import base64
import os
import sys
import time
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vanisher_core.batch.disclosing import staged_files, wish_of
from vanisher_core.batch.stores import Store, store, suffix
from vanisher_core.batch.strip import strip
from vanisher_core.batch.task import Job, Task
from vanisher_core.errors import VanisherError

if TYPE_CHECKING:
    from vanisher_core.batch.kinds import Erased
    from vanisher_core.mask import Mask
    from vanisher_core.photo import Photo

Report = dict[str, Any]


class _Made(NamedTuple):
    """What a job gives: files by staging key, whether a lossy format coded the picture again, the receipt."""

    files: dict[str, bytes]
    reencoded: bool
    receipt: Any


def one_thread() -> None:
    """Makes this process compute with a single thread: the batch's speed comes from its processes."""
    for name in ("OMP_NUM_THREADS", "VANISHER_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    import cv2

    cv2.setNumThreads(1)
    if "torch" in sys.modules:  # it reads the variables when it is imported
        sys.modules["torch"].set_num_threads(1)


class Processor:
    """Does jobs, with models loaded once.

    Args:
        task: what all jobs share.

    Raises:
        UsageError: an unknown kind, class, model or device.
    """

    def __init__(self, task: Task) -> None:
        from vanisher_core.batch.kinds import kind
        from vanisher_core.codecs.base import Limits

        self.task = task
        chosen = kind(task.settings.kind)
        self._finders = chosen.finders(task.settings)
        self._erase = chosen.eraser(task.settings)
        self._wish = wish_of(task.settings.disclosure)
        if self._wish and self._wish.credentials:
            self._wish.credentials.check()
        self._limits = Limits(max_bytes=task.max_bytes, max_pixels=task.max_pixels)
        self._source, self._target = store(task.source), store(task.target)
        masks: Store | None = store(task.masks) if task.masks else None
        # one mask for all is read once; masks by name are each wanted once
        self._mask = lru_cache(maxsize=1)(lambda name: masks.mask(name, self._limits) if masks else None)

    def __call__(self, job: Job) -> Report:
        """Does a job; whatever goes wrong with its picture is in the report, not raised."""
        began = time.perf_counter()
        try:
            report = self._done(job)
        except VanisherError as error:
            report = self._failed(job, error, str(error))
        except MemoryError as error:
            sentence = "not enough memory for this picture: use fewer --workers, or a smaller picture"
            report = self._failed(job, error, sentence)
        except Exception as error:  # a bug; the rest goes on
            report = self._failed(job, error, f"unexpected {type(error).__name__}: {error}; please report it")
        return {**report, "seconds": round(time.perf_counter() - began, 3)}

    def _done(self, job: Job) -> Report:
        from vanisher_core import quality
        from vanisher_core.receipt import file_digest, pixel_digest

        photo = self._source.photo(job.name, self._limits)
        photo.check_savable(job.output)
        mask = self._mask(job.mask) if job.mask else None
        whole, result = self._erase(photo, mask)
        notes = tuple(self._relative(note) for note in (*(mask.notes if mask else ()), *result.notes))
        made = (self._pack if self._wish else self._plain)(job, photo, whole, result, notes)
        for key, data in made.files.items():
            self._target.stage(key, data)
        verdict = quality.verdict(result.scores) if result.scores else None
        source = photo.to_bytes()
        return {
            "status": "done",
            "input_sha256": file_digest(source),
            "input_bytes": len(source),
            "output_sha256": file_digest(made.files[job.key]),
            "output_bytes": len(made.files[job.key]),
            "mask_sha256": pixel_digest(mask.array) if mask else made.receipt.mask_sha256,
            "size": list(photo.size),
            "weights": {**self._finders, **made.receipt.weights},
            "scores": result.scores.as_dict() if result.scores else None,
            "badness": round(quality.badness(result.scores), 4) if result.scores else 0.0,
            "look_at_it": bool(verdict and not verdict.ok),
            "erased_share": round(float((result.mask_used.array > 0).mean()), 6),
            "reencoded": made.reencoded,
            "notes": list(made.receipt.notes),
            "error": None,
            "receipt": made.receipt.to_json(),
            "strip": base64.b64encode(strip(photo, result.photo, result.mask_used)).decode(),
        }

    def _plain(self, job: Job, photo: Photo, whole: Mask, result: Erased, notes: tuple[str, ...]) -> _Made:
        """The result alone."""
        from vanisher_core.codecs import format_of
        from vanisher_core.receipt import file_digest

        format = format_of(suffix(job.output)) if suffix(job.output) else photo.format
        file = result.photo.encoded(format)
        remarks = (*notes, *map(self._relative, (*result.photo.notes, *file.notes)))
        receipt = result.receipt.with_files(
            notes=tuple(dict.fromkeys(remarks)),
            reencoded=f"saved as {format}, which is lossy" if file.reencoded else "",
            input_file_sha256=file_digest(photo.to_bytes()),
            output_file_sha256=file_digest(file.data),
        )
        return _Made({job.key: file.data}, file.reencoded, receipt)

    def _pack(self, job: Job, photo: Photo, whole: Mask, result: Erased, notes: tuple[str, ...]) -> _Made:
        """The result and all that discloses it."""
        from vanisher_core.disclosure.pack import packed

        assert self._wish
        source, target = Path(job.name), Path(job.output)
        pack = packed(
            self._wish, photo=photo, result=result, mask=whole, source=source, target=target, notes=notes
        )
        return _Made({**staged_files(job, pack), job.key: pack.data}, pack.reencoded, pack.receipt)

    def _failed(self, job: Job, error: BaseException, sentence: str) -> Report:
        text = self._relative(" ".join(sentence.split())).removeprefix(f"{' '.join(job.name.split())}: ")
        return {
            "status": "failed",
            "input_sha256": self._input_digest(job.name),
            "error": {"type": type(error).__name__, "message": text},
        }

    def _input_digest(self, name: str) -> str | None:
        """Of a file that failed, if it can be read and is no larger than what may be."""
        try:
            return self._source.digest(name) if self._source.size(name) <= self._limits.max_bytes else None
        except Exception:
            return None

    def _relative(self, text: str) -> str:
        """A sentence without the roots, which differ from machine to machine."""
        for root in (self.task.source, self.task.masks, self.task.target):
            text = text.replace(f"{root}/", "") if root else text
        return text
