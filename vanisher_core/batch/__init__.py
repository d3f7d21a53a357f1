"""Many pictures, one after another or many at once, and a record of what was done to each.

    scan.py      what lies in the input folder            plan.py      which of it is to be done, and why not the rest
    kinds.py     photographs, panoramas: how one is erased work.py      one job: read, erase, stage, report
    worker.py    a process that does jobs                  local.py     the processes of this machine
    cluster.py   the same on a Ray cluster                 stores.py    folders; urls.py: what fsspec reaches
    manifest.py  the record, one JSON line per picture     run.py       puts them together
    sheet.py     the page for checking by eye, worst first

How a killed batch loses nothing: a worker writes a finished picture into a staging folder and flushes it; then
the record's line is written and flushed; then the picture gets its name in one step. Whatever the moment, either
there is no line (the picture is done again, the staged file dropped) or there is one, and the staged file or the
output itself is there (docs/decisions/011-batch.md).
"""
