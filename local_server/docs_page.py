"""The OpenAPI document as one plain page. FastAPI's own would fetch scripts from a content network."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; }
h3 { margin-bottom: 0; } code, .path { font-family: ui-monospace, monospace; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
table { border-collapse: collapse; margin: .5rem 0; } td { padding: .15rem 1rem .15rem 0; vertical-align: top; }
"""

POLICY = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'"
)


def render(document: dict[str, Any]) -> str:
    """HTML of an OpenAPI document: every route with its parameters, form fields and answers."""
    parts = [_route(document, path, method, about) for path, methods in document["paths"].items()
             for method, about in methods.items()]  # fmt: skip
    info = document["info"]
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{escape(info['title'])}</title><style>{STYLE}</style>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info.get('description', ''))}</p>"
        f"<p>For programs: <a href=/openapi.json>openapi.json</a></p>{''.join(parts)}</html>"
    )


def _route(document: dict[str, Any], path: str, method: str, about: dict[str, Any]) -> str:
    rows = [_row(item["name"], item["in"], item.get("required", False), item.get("schema", {}) | item)
            for item in about.get("parameters", [])]  # fmt: skip
    for kind, content in about.get("requestBody", {}).get("content", {}).items():
        schema = _resolved(document, content.get("schema", {}))
        needed = schema.get("required", [])
        place = "form" if kind == "multipart/form-data" else kind
        rows += [
            _row(name, place, name in needed, field) for name, field in schema.get("properties", {}).items()
        ]
    answers = ", ".join(f"{status} {escape(answer.get('description', ''))}"
                        for status, answer in about["responses"].items() if status[0] == "2")  # fmt: skip
    table = f"<table>{''.join(rows)}</table>" if rows else ""
    return (
        f"<h3><span class=method>{method.upper()}</span> <span class=path>{escape(path)}</span></h3>"
        f"<p>{escape(about.get('description', ''))}</p>{table}<p>Answers: {answers}</p>"
    )


def _row(name: str, place: str, needed: bool, about: dict[str, Any]) -> str:
    text = escape(str(about.get("description", "")))
    return f"<tr><td><code>{escape(name)}</code>{' *' if needed else ''}<td>{escape(place)}<td>{text}</tr>"


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if not reference:
        return schema
    return document["components"]["schemas"][reference.rpartition("/")[2]]
