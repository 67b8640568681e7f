"""A report as one HTML file: no script, no network, light and dark, readable as plain text too.

The chart is an image inside the file, once for a screen and once for a phone, with what it shows as
its text. Whatever came from outside, such as a strategy's name or a note, is escaped. The same run
gives the same bytes.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from fluxum.report.chart import NARROW, WIDE, chart_text, run_chart, thinning_note
from fluxum.report.report import Report, Table, headline
from fluxum.report.run import RunFacts
from fluxum.report.run_tables import all_tables
from fluxum.version import __version__

__all__ = ["report_page"]

# The file may load nothing at all; its own images and style are inside.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE = """
:root{color-scheme:light dark;--page:#fff;--text:#1f2328;--soft:#59636e;--line:#d1d9e0;
--card:#f6f8fa;--bad:#a40e26;--link:#0550ae}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--text:#f0f6fc;--soft:#9198a1;
--line:#3d444d;--card:#151b23;--bad:#ff9492;--link:#79c0ff}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1000px;padding:20px;background:var(--page);color:var(--text);
font:15px/1.5 system-ui,sans-serif}
h1{font-size:26px;margin:0 0 4px}h2{font-size:18px;margin:32px 0 6px}
.what{font-size:17px;margin:0 0 4px}.bad{color:var(--bad);font-weight:600}
p.note,small,footer{color:var(--soft);font-size:13px}
nav a{color:var(--link);margin-right:14px;white-space:nowrap}nav{margin:12px 0}
figure{margin:18px 0 0}figure img{width:100%;height:auto;display:block}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:5px 8px 0;text-align:right;vertical-align:top}
th:first-child{text-align:left;padding-left:0;font-weight:500}
td:last-child,th:last-child{padding-right:0}
thead th{color:var(--soft);font-weight:500;font-size:13px;border-bottom:1px solid var(--line);
padding-bottom:4px}
tbody.row>tr:last-child>*{padding-bottom:5px;border-bottom:1px solid var(--line)}
td.assumes{text-align:left;padding:0 0 5px;color:var(--soft);font-size:13px}
tbody td{white-space:nowrap}td.assumes{white-space:normal}
.setup td{white-space:normal;overflow-wrap:anywhere}th.part{padding-left:14px}
.list td,.list th{white-space:nowrap}.setup td,.setup thead th{text-align:left}
@media (max-width:640px){body{padding:14px;font-size:14px}th,td{padding-left:3px;padding-right:3px}
tbody td{font-size:13px;white-space:normal}tbody td.assumes{font-size:12.5px}
h1{font-size:22px}}
""".replace("\n", "")
_FEW = 4  # cells of a row that fit beside each other on a phone


def report_page(report: Report) -> str:
    """The text of the page; less than 1 MiB whatever the length of the run."""
    facts = report.facts
    title = f"{facts.header.strategy}: report of a run"
    tables = all_tables(report)
    what, *rest = headline(report)
    body = [
        f"<h1>{escape(facts.header.strategy)}</h1>",
        f'<p class="what">{escape(what)}</p>',
        *(f"<p{_tone(text, report)}>{escape(text)}</p>" for text in rest),
        _contents(tables),
        _figure(facts),
        *(part for number, table in enumerate(tables, 1) for part in _table(table, number)),
        "<footer><p>Numbers are rounded for reading; the files of the run and the report in JSON "
        f"have every digit. Made by Fluxum {escape(__version__)}.</p></footer>",
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )


def _tone(text: str, report: Report) -> str:
    return ' class="bad" role="alert"' if text in report.numbers.findings else ""


def _contents(tables: Sequence[Table]) -> str:
    links = " ".join(
        f'<a href="#{_anchor(number)}">{escape(table.title)}</a>'
        for number, table in enumerate(tables, 1)
    )
    return f'<nav aria-label="Contents">{links}</nav>'


def _anchor(number: int) -> str:
    return f"t{number}"


def _figure(facts: RunFacts) -> str:
    note = thinning_note(facts)
    below = f"<figcaption><small>{escape(note)}</small></figcaption>" if note else ""
    return (
        f'<figure><picture><source media="(max-width:640px)" srcset="{_image(facts, NARROW)}">'
        f'<img src="{_image(facts, WIDE)}" alt="{escape(chart_text(facts))}"></picture>'
        f"{below}</figure>"
    )


def _image(facts: RunFacts, width: int) -> str:
    return f"data:image/svg+xml;base64,{b64encode(run_chart(facts, width).encode()).decode()}"


def _table(table: Table, number: int) -> Iterable[str]:
    anchor = _anchor(number)
    yield f'<section aria-labelledby="{anchor}"><h2 id="{anchor}">{escape(table.title)}</h2>'
    if table.note:
        yield f'<p class="note">{escape(table.note)}</p>'
    if table.rows:
        yield from _body(table)
    yield "</section>"


def _body(table: Table) -> Iterable[str]:
    kind = "list" if len(table.columns) > _FEW else "setup" if len(table.columns) == 1 else ""
    titles = "".join(f'<th scope="col">{escape(one)}</th>' for one in table.columns)
    yield f'<div class="wide"><table class="{kind}"><thead><tr><th></th>{titles}</tr></thead>'
    for row in table.rows:
        part = ' class="part"' if row.name.startswith(" ") else ""
        cells = "".join(f"<td>{escape(one)}</td>" for one in row.cells)
        name = escape(row.name.strip())
        line = f'<tr><th scope="row"{part}>{name}</th>{cells}</tr>'
        if row.assumes:
            line += (
                f'<tr><td class="assumes" colspan="{len(row.cells) + 1}">'
                f"{escape(row.assumes)}</td></tr>"
            )
        yield f'<tbody class="row">{line}</tbody>'
    yield "</table></div>"
