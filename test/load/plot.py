"""Writes line charts as SVG, by hand: panels side by side, a logarithmic x axis, labelled lines. Pure: text out."""

import dataclasses
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 480, 340  # px of a panel, its margins included
LEFT, RIGHT, TOP, BOTTOM = 90, 90, 50, 60  # px; at the right stand the names of the lines
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#8d6a9f")
LINES = 5  # about so many grid lines across
FONT = 'font-family="Helvetica, Arial, sans-serif"'
APART = 15  # px between the names of two lines


@dataclasses.dataclass
class Panel:
    title: str
    x: str  # what the axes show, with units
    y: str
    series: dict  # name: [(x, y), ...]
    log_y: bool = False


def nice(step):
    """The next of 1, 2, 5, 10, 20, 50, … that is not smaller."""
    power = 10 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * 0.999)


def linear_marks(top):
    step = nice(top / LINES)
    return [i * step for i in range(math.ceil(top / step - 1e-9) + 1)]


def log_marks(low, high):
    return [10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def told(value):
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:g}"


def text(x, y, words, anchor="middle", size=12, colour="#333", more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" {FONT}{more}>'
            f'{escape(words)}</text>')


def line(x1, y1, x2, y2, colour="#e3e3e3"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


class Scale:
    """From figures to pixels of one panel."""

    def __init__(self, panel):
        points = [point for line_ in panel.series.values() for point in line_]
        self.xs = sorted({x for x, _ in points})
        ys = [y for _, y in points]
        self.log_y = panel.log_y
        self.marks = log_marks(min(ys), max(ys)) if panel.log_y else linear_marks(max(ys) or 1)

    def x(self, value):
        low, high = math.log10(self.xs[0]), math.log10(self.xs[-1])
        share = (math.log10(value) - low) / (high - low) if high > low else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        low, high = self.marks[0], self.marks[-1]
        if self.log_y:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        share = (value - low) / (high - low) if high > low else 0.5
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)


def axes(panel, scale):
    for mark in scale.marks:
        yield line(LEFT, scale.y(mark), WIDTH - RIGHT, scale.y(mark))
        yield text(LEFT - 8, scale.y(mark) + 4, told(mark), "end")
    base = HEIGHT - BOTTOM
    for x in scale.xs:
        yield line(scale.x(x), base, scale.x(x), base + 5, "#333")
        yield text(scale.x(x), base + 20, told(x))
    yield line(LEFT, base, WIDTH - RIGHT, base, "#333")
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, panel.x)
    middle = (TOP + base) / 2
    yield text(18, middle, panel.y, more=f' transform="rotate(-90 18 {middle:.1f})"')
    yield text(LEFT, 26, panel.title, "start", 15, "#000")


def label_heights(ends):
    """Heights of the lines' names, pushed apart where lines end close together: {name: y}."""
    heights, last = {}, -math.inf
    for name, y in sorted(ends.items(), key=lambda item: item[1]):
        last = heights[name] = max(y, last + APART)
    return heights


def curves(panel, scale):
    heights = label_heights({name: scale.y(points[-1][1]) for name, points in panel.series.items()})
    for (name, points), colour in zip(panel.series.items(), COLOURS):
        placed = [(scale.x(x), scale.y(y)) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed)
        yield text(placed[-1][0] + 10, heights[name] + 4, name, "start", 13, colour)


def chart(panels):
    size = f'width="{WIDTH * len(panels)}" height="{HEIGHT}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}>', '<rect width="100%" height="100%" fill="white"/>']
    for i, panel in enumerate(panels):
        scale = Scale(panel)
        parts += [f'<g transform="translate({i * WIDTH} 0)">', *axes(panel, scale), *curves(panel, scale), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"
