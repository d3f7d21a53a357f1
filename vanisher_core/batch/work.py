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
from typing import Any

from vanisher_core.batch.stores import Store, store, suffix
from vanisher_core.batch.strip import strip
from vanisher_core.batch.task import Job, Task
from vanisher_core.errors import VanisherError

Report = dict[str, Any]


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
        from vanisher_core.codecs import format_of
        from vanisher_core.receipt import file_digest, pixel_digest

        photo = self._source.photo(job.name, self._limits)
        source = photo.to_bytes()
        ending = suffix(job.output)
        photo.check_savable(job.output)
        mask = self._mask(job.mask) if job.mask else None
        result = self._erase(photo, mask)
        file = result.photo.encoded(format_of(ending) if ending else None)
        self._target.stage(job.key, file.data)
        verdict = quality.verdict(result.scores) if result.scores else None
        notes = list(
            dict.fromkeys((*(mask.notes if mask else ()), *result.notes, *result.photo.notes, *file.notes))
        )
        files = {"input_file_sha256": file_digest(source), "output_file_sha256": file_digest(file.data)}
        reencoded = f"saved as {format_of(ending) if ending else photo.format}, which is lossy"
        receipt = result.receipt.with_files(
            notes=tuple(map(self._relative, notes)), reencoded=reencoded if file.reencoded else "", **files
        )
        return {
            "status": "done",
            "input_sha256": files["input_file_sha256"],
            "input_bytes": len(source),
            "output_sha256": files["output_file_sha256"],
            "output_bytes": len(file.data),
            "mask_sha256": pixel_digest(mask.array) if mask else receipt.mask_sha256,
            "size": list(photo.size),
            "weights": {**self._finders, **receipt.weights},
            "scores": result.scores.as_dict() if result.scores else None,
            "badness": round(quality.badness(result.scores), 4) if result.scores else 0.0,
            "look_at_it": bool(verdict and not verdict.ok),
            "erased_share": round(float((result.mask_used.array > 0).mean()), 6),
            "reencoded": file.reencoded,
            "notes": list(receipt.notes),
            "error": None,
            "receipt": receipt.to_json(),
            "strip": base64.b64encode(strip(photo, result.photo, result.mask_used)).decode(),
        }

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
