"""The records of a run -> one HTML page that needs nothing else. PURE."""

from __future__ import annotations

import time
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

import phoenix_pve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Record = dict[str, Any]

STYLE = """
:root{--ink:#1d2129;--dim:#667085;--paper:#fff;--soft:#f4f5f7;--line:#e2e5ea;--good:#15803d;--bad:#b42318;--bar:#c7d2fe}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8ec;--dim:#98a2b3;--paper:#14171c;--soft:#1d2128;--line:#2d333d;
--good:#4ade80;--bad:#f97066;--bar:#3b4a86}}
*{box-sizing:border-box}body{margin:0 auto;max-width:68rem;padding:2rem 1.25rem 4rem;color:var(--ink);
background:var(--paper);font:15px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.1rem;margin:2.2rem 0 .1rem}p{margin:.1rem 0 .6rem}
.dim{color:var(--dim)}code,pre,td.n{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:.85em}
.facts{display:flex;flex-wrap:wrap;gap:.6rem;margin:1rem 0}.fact{background:var(--soft);border-radius:.5rem;
padding:.5rem .9rem}.fact b{display:block;font-size:1.15rem}.good{color:var(--good)}.bad{color:var(--bad)}
details{border:1px solid var(--line);border-radius:.5rem;margin:.35rem 0;background:var(--paper)}
details details{margin:.6rem 0 0;background:var(--soft);border:0}
summary{cursor:pointer;padding:.45rem .8rem;display:flex;gap:.6rem;align-items:baseline}
summary::-webkit-details-marker{display:none}summary .time{margin-left:auto;white-space:nowrap}
.inside{padding:0 .8rem .8rem}table{border-collapse:collapse;width:100%}td{padding:.12rem .5rem .12rem 0;
vertical-align:top}td.n{text-align:right;white-space:nowrap;color:var(--dim);width:5rem}
td.b{width:9rem}.bar{height:.55rem;background:var(--bar);border-radius:.2rem;margin-top:.42rem;min-width:1px}
td.k{color:var(--dim);width:4rem}td code{overflow-wrap:anywhere}tr.bad td{color:var(--bad)}
.failures{border-left:.25rem solid var(--bad);padding-left:1rem;margin:1.6rem 0}.failures h2{margin-top:0}
.where{color:var(--dim);margin:.8rem 0 0}summary span:nth-child(2){overflow-wrap:anywhere}
@media (max-width:36rem){body{padding:1.2rem .8rem 3rem}td.b{display:none}.failures{padding-left:.6rem}}
@media print{body{max-width:none}details{break-inside:avoid}}
pre{background:var(--soft);padding:.7rem;border-radius:.4rem;overflow:auto;max-height:26rem;white-space:pre-wrap}
"""


def page(place: str, began: float, records: Sequence[Record], left_out: Sequence[tuple[str, str]]) -> str:
    """Return the whole page."""
    ordered = sorted(
        records, key=lambda record: (record["feature"], record["steps"][0]["began"] if record["steps"] else 0)
    )
    features = [(name, list(found)) for name, found in groupby(ordered, key=lambda record: str(record["feature"]))]
    body = [
        f"<h1>phoenix on {escape(place)}</h1>",
        f"<p class=dim>{time.strftime('%Y-%m-%d %H:%M:%S %Z', time.localtime(began))}</p>",
        _facts(records, left_out, time.time() - began),
        _failures([record for record in ordered if not record["ok"]]),
        *(_feature(name, found) for name, found in features),
        _left_out(left_out),
    ]
    title = f"<title>phoenix on {escape(place)}</title>"
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'>{title}"
    return f"<!doctype html><html lang=en>{head}<style>{STYLE}</style><body>{''.join(body)}</body></html>\n"


def _facts(records: Sequence[Record], left_out: Sequence[object], seconds: float) -> str:
    good = sum(record["ok"] for record in records)
    told = {key: next((r[key] for r in records if r.get(key)), "unknown") for key in ("node", "guest")}
    facts = [
        ("scenarios", str(len(records)), ""),
        ("passed", str(good), "good"),
        ("failed", str(len(records) - good), "bad" if good < len(records) else ""),
        ("left out", str(len(left_out)), ""),
        ("node calls", str(sum(len(record.get("calls", ())) for record in records)), ""),
        ("took", _time(seconds), ""),
        ("phoenix", phoenix_pve.__version__, ""),
        ("node", told["node"], ""),
        ("guest", told["guest"], ""),
    ]
    cells = (f"<div class=fact><span class=dim>{n}</span><b class='{c}'>{escape(v)}</b></div>" for n, v, c in facts)
    return f"<div class=facts>{''.join(cells)}</div>"


def _failures(failed: Sequence[Record]) -> str:
    """All that failed, before the rest, with its steps, the reason and what was done on the node."""
    found = "".join(
        f"<p class=where>{escape(record['feature'])}</p>{_scenario(record, opened=True)}" for record in failed
    )
    return f"<section class=failures><h2 class=bad>Failed</h2>{found}</section>" if failed else ""


def _feature(name: str, records: Sequence[Record]) -> str:
    good = sum(record["ok"] for record in records)
    word = f"<span class={'good' if good == len(records) else 'bad'}>{good} of {len(records)}</span>"
    about = escape(str(records[0].get("about", "")))
    return (
        f"<section><h2>{escape(name)} · {word}</h2><p class=dim>{about}</p>{''.join(map(_scenario, records))}</section>"
    )


def _scenario(record: Record, *, opened: bool = False) -> str:
    seconds = sum(step["seconds"] for step in record["steps"])
    sign = "<span class=good>✓</span>" if record["ok"] else "<span class=bad>✗</span>"
    head = f"{sign}<span>{escape(record['scenario'])}</span><span class='time dim'>{_time(seconds)}</span>"
    error = f"<pre>{escape(record['error'])}</pre>" if record.get("error") else ""
    inside = f"{_steps(record['steps'], seconds)}{error}{_calls(record.get('calls', ()), opened=opened)}"
    return f"<details{_open(opened)}><summary>{head}</summary><div class=inside>{inside}</div></details>"


def _open(opened: bool) -> str:
    return " open" if opened else ""


def _steps(steps: Iterable[Record], whole: float) -> str:
    rows = (
        f"<tr class='{'' if step['ok'] else 'bad'}'><td class=k>{escape(step['keyword'])}</td>"
        f"<td>{escape(step['name'].splitlines()[0])}</td><td class=b>{_bar(step['seconds'], whole)}</td>"
        f"<td class=n>{_time(step['seconds'])}</td></tr>"
        for step in steps
    )
    return f"<table>{''.join(rows)}</table>"


def _bar(seconds: float, whole: float) -> str:
    return f"<div class=bar style='width:{100 * seconds / whole if whole else 0:.0f}%'></div>"


def _calls(calls: Sequence[Record], *, opened: bool) -> str:
    if not calls:
        return ""
    rows = "".join(
        f"<tr class='{_call_class(call)}'><td><code>{escape(_call(call))}</code></td>"
        f"<td class=n>{escape(_exit(call))}</td><td class=n>{_time(call['seconds'])}</td></tr>"
        for call in calls
    )
    title = f"<summary><span>what phoenix did on the node</span><span class='time dim'>{len(calls)}</span></summary>"
    return f"<details{_open(opened)}>{title}<div class=inside><table>{rows}</table></div></details>"


def _call_class(call: Record) -> str:
    """A query that finds nothing, or an agent that is not up yet, is no trouble."""
    asks = call.get("run", ["", ""])[1:2] in (["status"], ["config"], ["agent"])
    return "bad" if call.get("exit", 0) != 0 and not asks else ""


def _exit(call: Record) -> str:
    return f"exit {call['exit']}" if call.get("exit") is not None else "lost" if "exit" in call else ""


def _call(call: Record) -> str:
    """A command as one line, or what was done to a file."""
    if "run" in call:
        return " ".join(word if word and not set(word) & set(" '\"$;") else f"'{word}'" for word in call["run"])
    verb = "write" if "write" in call else "remove"
    return f"{verb} {call[verb]}"


def _left_out(left_out: Sequence[tuple[str, str]]) -> str:
    rows = (f"<tr><td>{escape(name)}</td><td class=dim>{escape(why)}</td></tr>" for name, why in left_out)
    return f"<h2>Left out</h2><table>{''.join(rows)}</table>" if left_out else ""


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
