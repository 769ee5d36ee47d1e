"""A page of curves that needs nothing else: pictures as inline SVG, for light and dark screens."""

import re
from collections.abc import Iterator, Sequence
from html import escape

from evalkit.curves.panels import Panel
from evalkit.curves.plot import curve_in, draw_one, key_of, note_on, svg_of
from evalkit.curves.seeds import Group
from evalkit.curves.theme import DARK, LIGHT, Theme

_STYLE = """
:root { color-scheme: light dark; LIGHT }
@media (prefers-color-scheme: dark) { :root { DARK } }
body { margin: 2rem auto; max-width: 96rem; padding: 0 1.5rem; background: var(--ground);
  color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 0; }
.note, code, th { color: var(--muted); }
code { font-size: .8rem; overflow-wrap: anywhere; }
.key { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; padding: 0; }
.mark { display: inline-block; width: 1.5rem; border-top: 3px; margin-right: .5rem;
  vertical-align: middle; }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr));
  gap: 2rem; }
svg { width: 100%; height: auto; display: block; margin: .4rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 400; padding: .15rem .4rem; border-bottom: 1px solid var(--grid); }
td { text-align: right; padding: .15rem .4rem; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; }
"""
_DASHES = ("solid", "dashed", "dotted")


def page(groups: Sequence[Group], panels: Sequence[Panel], *, smoothing: float = 0.0) -> str:
    """Under each picture a table of the last values, which are not smoothed."""
    sections = "\n".join(_section(groups, panel, smoothing) for panel in panels)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Training curves</title>
<style>{_STYLE.replace("LIGHT", _declared(LIGHT)).replace("DARK", _declared(DARK))}</style>
</head>
<body>
<h1>Training curves</h1>
<p class="note">{escape(note_on(groups, smoothing=smoothing))}</p>
<ul class="key">{"".join(_keys(groups))}</ul>
<main>
{sections}
</main>
</body>
</html>
"""


def _declared(theme: Theme) -> str:
    return " ".join(f"--{role}: {colour};" for role, colour in theme.roles().items())


def _keys(groups: Sequence[Group]) -> Iterator[str]:
    for number, group in enumerate(groups):
        dashes, line = divmod(number, len(LIGHT.lines))
        style = f"border-style: {_DASHES[dashes % len(_DASHES)]}; border-color: var(--line-{line})"
        yield f'<li><span class="mark" style="{style}"></span>{escape(key_of(group))}</li>'


def _section(groups: Sequence[Group], panel: Panel, smoothing: float) -> str:
    return f"""<section>
<h2>{escape(panel.title)}</h2>
<code>{escape(panel.metric)}</code>
{_adapting(svg_of(draw_one(groups, panel, smoothing=smoothing)), panel.title)}
<table>
<tr><th>last value</th><th>step</th><th>mean</th><th>least</th><th>most</th></tr>
{"".join(_rows(groups, panel))}
</table>
</section>"""


def _rows(groups: Sequence[Group], panel: Panel) -> Iterator[str]:
    for group in groups:
        if curve := curve_in(panel, group):
            numbers = [f"{one[-1]:.4g}" for one in (curve.mean, curve.least, curve.most)]
            cells = (escape(group.label), f"{curve.steps[-1]}", *numbers)
            yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>\n"


def _adapting(svg: str, title: str) -> str:
    """Colours become those of the page; ids that nothing refers to go, since pictures share a page."""
    for role, colour in LIGHT.roles().items():
        svg = svg.replace(colour, f"var(--{role})")
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1)
