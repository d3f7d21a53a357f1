"""The contact sheet: pages of before and after, the worst first, to look through after a batch.

Plain HTML with no script, light and dark, pictures beside it in `pictures/`. What failed stands at the top of the
first page with its reason; then come the results by `badness`, the doubtful ones marked.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vanisher_core.batch.manifest import Manifest
from vanisher_core.batch.run import strip_path
from vanisher_core.batch.task import key, shown
from vanisher_core.codecs import atomic

NAME = "index.html"
PAGE = 300
"""Results on one page."""

_STYLE = """\
:root { color-scheme: light dark; --edge: #8888; --bad: #b3261e; --soft: #5f6368; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a80; --soft: #b0b4ba; } }
* { box-sizing: border-box }
body { font: 16px/1.45 system-ui, sans-serif; margin: 0 auto; padding: 1rem; max-width: 1640px; }
h1 { font-size: 1.4rem } h2 { font-size: 1.1rem; margin-top: 2rem }
.soft { color: var(--soft) } .bad { color: var(--bad); font-weight: 600 }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 380px), 1fr)); gap: 1rem;
  list-style: none; padding: 0 }
.card { border: 1px solid var(--edge); border-radius: 8px; padding: .6rem; overflow-wrap: anywhere }
.card.look { border: 2px solid var(--bad) }
.card img { width: 100%; height: auto; display: block; border-radius: 4px }
.card h3 { font-size: 1rem; margin: .5rem 0 .1rem } .card p { margin: .15rem 0; font-size: .9rem }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--edge); vertical-align: top; overflow-wrap: anywhere }
td:first-child { min-width: 9rem } td.bad { white-space: nowrap }
nav a, nav b { padding: .2rem .5rem } a { color: LinkText } a:focus-visible { outline: 3px solid Highlight }
"""


def write(state: Path, manifest: Manifest, title: str) -> Path:
    """Writes the pages.

    Args:
        state: folder of the record, the pictures and the pages.
        manifest: the record.
        title: of the pages.

    Returns:
        The first page.

    Raises:
        OutputError: they cannot be written.
    """
    lines = list(manifest.lines())
    wrong = [line for line in lines if line["status"] != "done"]
    done = sorted(
        (line for line in lines if line["status"] == "done"),
        key=lambda line: (not line["look_at_it"], -line["badness"], line["input"]),
    )
    pages = [done[at : at + PAGE] for at in range(0, len(done), PAGE)] or [[]]
    for stale in state.glob("page-*.html"):
        stale.unlink(missing_ok=True)
    for number, page in enumerate(pages, 1):
        text = _page(title, number, len(pages), page, done, wrong, state)
        atomic.write(state / _name(number), text.encode("utf-8", "replace"), overwrite=True)
    return state / NAME


def _name(number: int) -> str:
    return NAME if number == 1 else f"page-{number}.html"


def _page(
    title: str, number: int, count: int, page: Sequence[dict[str, Any]], done: list[dict[str, Any]],
    wrong: list[dict[str, Any]], state: Path,
) -> str:  # fmt: skip
    """One page as text."""
    doubtful = sum(bool(line["look_at_it"]) for line in done)
    cards = "\n".join(_card(line, state) for line in page)
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(shown(title))}</title>
<style>
{_STYLE}</style></head>
<body>
<header><h1>{html.escape(shown(title))}</h1>
<p>{len(done)} erased, {doubtful} of them to look at, {len(wrong)} not done. Each picture shows before on the left,
after on the right; below, closer, the place that changed. The worst come first.</p></header>
<main>
{_problems(wrong) if number == 1 else ""}
<h2>Results{f", page {number} of {count}" if count > 1 else ""}</h2>
{_links(number, count)}
<ol class="cards" start="{(number - 1) * PAGE + 1}">
{cards}
</ol>
</main>
{_links(number, count)}
</body></html>
"""


def _links(number: int, count: int) -> str:
    if count == 1:
        return ""
    parts = [
        f"<b aria-current='page'>{at}</b>" if at == number else f"<a href='{_name(at)}'>{at}</a>"
        for at in range(1, count + 1)
    ]
    return f"<nav aria-label='Pages'>{''.join(parts)}</nav>"


def _problems(wrong: list[dict[str, Any]]) -> str:
    if not wrong:
        return ""
    rows = "\n".join(
        f"<tr><td>{_text(line['input'])}</td><td class='bad'>{line['status']}</td>"
        f"<td>{_text(line['error']['message'])}</td></tr>"
        for line in wrong
    )
    return (
        "<h2>Not done</h2>\n<table><thead><tr><th scope='col'>Picture</th><th scope='col'>State</th>"
        f"<th scope='col'>Why</th></tr></thead><tbody>\n{rows}\n</tbody></table>"
    )


def _card(line: dict[str, Any], state: Path) -> str:
    """One result."""
    name = _text(line["input"])
    picture = strip_path(state, key(line["output"])).relative_to(state).as_posix()
    facts = [f"{line['erased_share']:.1%} changed" if line["erased_share"] else "nothing to erase"]
    if line["scores"]:
        facts += [f"{what} {value:.2f}" for what, value in line["scores"].items()]
    notes = "".join(f"<p>{_text(note)}</p>" for note in line["notes"])
    look = "<p class='bad'>Look at this one</p>" if line["look_at_it"] else ""
    return (
        f"<li class='card{' look' if line['look_at_it'] else ''}'>"
        f"<img loading='lazy' src='{picture}' alt='{name}: before on the left, after on the right'>"
        f"<h3>{name}</h3>{look}<p class='soft'>{'; '.join(facts)}</p>{notes}</li>"
    )


def _text(value: str) -> str:
    return html.escape(shown(value), quote=True)
