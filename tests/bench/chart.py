"""Draws bars side by side, as an SVG that is readable on light and dark pages."""

import collections
import html

# rows: (label, {series: value}); limits: label -> value, drawn as a line across the row's bars
Chart = collections.namedtuple("Chart", "title unit series rows limits")

# One that holds on both backgrounds for each series.
COLORS = ("#2f81f7", "#8b949e", "#57ab5a", "#c69026", "#e5534b", "#986ee2")
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.value { font-size: 11px; }
.axis { stroke: #d1d9e0; }
.limit { stroke: #1f2328; stroke-width: 2; }
.page { fill: #ffffff; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .axis { stroke: #3d444d; }
  .limit { stroke: #e6edf3; }
  .page { fill: #0d1117; }
}
"""

WIDTH, LEFT, RIGHT, TOP = 900, 250, 60, 84
BAR, GAP = 12, 14


def _steps(largest):
    """Round places on an axis that begins at 0 and holds the largest value."""
    step = next(s for s in (0.25, 0.5, 1, 2, 5, 10, 20, 50) if largest / s <= 8)
    count = int(largest / step) + 1
    return [i * step for i in range(count + 1)]


def _text(x, y, content, kind="", anchor="start"):
    return '<text x="%g" y="%g" class="%s" text-anchor="%s">%s</text>' % (
        x, y, kind, anchor, html.escape(content))


def _legend(chart):
    out, x = [], LEFT
    for color, name in zip(COLORS, chart.series):
        out.append('<rect x="%g" y="44" width="12" height="12" fill="%s"/>' % (x, color))
        out.append(_text(x + 17, 55, name))
        x += 34 + 7.2 * len(name)
    return out


def _bars(chart, y, label, values, scale):
    out = [_text(LEFT - 10, y + BAR * len(chart.series) / 2 + 4, label, anchor="end")]
    for i, (color, name) in enumerate(zip(COLORS, chart.series)):
        if name in values:
            top, width = y + i * BAR, values[name] * scale
            out.append('<rect x="%g" y="%g" width="%.1f" height="%g" fill="%s"><title>%s</title></rect>'
                       % (LEFT, top, width, BAR - 2, color, html.escape("%s, %s" % (label, name))))
            out.append(_text(LEFT + width + 4, top + BAR - 3, "%.2f" % values[name], "value"))
    if label in chart.limits:
        x = LEFT + chart.limits[label] * scale
        out.append('<line x1="%.1f" x2="%.1f" y1="%g" y2="%g" class="limit"/>' % (
            x, x, y - 3, y + BAR * len(chart.series) + 1))
    return out


def svg(chart):
    largest = max(v for _, values in chart.rows for v in values.values())
    steps = _steps(largest)
    scale = (WIDTH - LEFT - RIGHT) / steps[-1]
    row = BAR * len(chart.series) + GAP
    bottom = TOP + row * len(chart.rows)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">' % (WIDTH, bottom + 48),
           "<title>%s</title>" % html.escape(chart.title), "<style>%s</style>" % STYLE,
           '<rect class="page" width="%d" height="%d"/>' % (WIDTH, bottom + 48),
           _text(16, 26, chart.title, "title"), *_legend(chart)]
    for value in steps:
        x = LEFT + value * scale
        out.append('<line x1="%.1f" x2="%.1f" y1="%g" y2="%g" class="axis"/>' % (x, x, TOP - 8, bottom))
        out.append(_text(x, bottom + 16, "%g" % value, anchor="middle"))
    for i, (label, values) in enumerate(chart.rows):
        out += _bars(chart, TOP + i * row, label, values, scale)
    out += [_text(LEFT, bottom + 36, chart.unit), "</svg>"]
    return "\n".join(out) + "\n"
