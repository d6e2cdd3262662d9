#!/usr/bin/env python3
"""Draws the table of scale.sh as an SVG: cost against size, both logarithmic.

    scale_curve.py TABLE > curve.svg
"""

import html
import math
import sys

COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#5d6d7e", "#117a65", "#7b241c"]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 520, 300, 60, 40, 40
PANELS = [("CPU seconds", 3, 0.001), ("peak memory in MiB", 4, 0.1)]


def read_table(path):
    """{kind: {what: [(size, columns)]}} of a table of scale.sh."""
    kinds = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if len(words) != 5 or "/" not in words[0]:
                continue
            kind, what = words[0].split("/", 1)
            if what == "generate":
                continue
            kinds.setdefault(kind, {}).setdefault(what, []).append([float(word) for word in words[1:]])
    return kinds


def axis(values):
    """The powers of ten around all values."""
    return math.floor(math.log10(min(values))), max(math.ceil(math.log10(max(values))), 1)


def panel(kind, lines, title, column, least, x, y):
    """One diagram as SVG elements."""
    points = {what: [(row[0], max(row[column - 1], least)) for row in rows] for what, rows in lines.items()}
    x_low, x_high = axis([p[0] for rows in points.values() for p in rows])
    y_low, y_high = axis([p[1] for rows in points.values() for p in rows])
    x_high, y_high = max(x_high, x_low + 1), max(y_high, y_low + 1)

    def at(size, cost):
        across = (math.log10(size) - x_low) / (x_high - x_low)
        up = (math.log10(cost) - y_low) / (y_high - y_low)
        return x + LEFT + across * (WIDTH - LEFT - 150), y + HEIGHT - BOTTOM - up * (HEIGHT - BOTTOM - TOP)

    yield f'<text x="{x + LEFT}" y="{y + 20}" font-weight="bold">{html.escape(f"{title} against {kind}")}</text>'
    for power in range(x_low, x_high + 1):
        across, bottom = at(10**power, 10**y_low)
        top = at(10**power, 10**y_high)[1]
        yield f'<line x1="{across:.1f}" y1="{bottom:.1f}" x2="{across:.1f}" y2="{top:.1f}" stroke="#ddd"/>'
        yield f'<text x="{across:.1f}" y="{bottom + 16:.1f}" text-anchor="middle">1e{power}</text>'
    for power in range(y_low, y_high + 1):
        left, up = at(10**x_low, 10**power)
        right = at(10**x_high, 10**power)[0]
        yield f'<line x1="{left:.1f}" y1="{up:.1f}" x2="{right:.1f}" y2="{up:.1f}" stroke="#ddd"/>'
        yield f'<text x="{left - 6:.1f}" y="{up + 4:.1f}" text-anchor="end">{10**power:g}</text>'
    for index, (what, rows) in enumerate(sorted(points.items())):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join("{:.1f},{:.1f}".format(*at(*point)) for point in rows)
        yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        text_y = y + TOP + 16 * index
        yield f'<text x="{x + WIDTH - 140}" y="{text_y}" fill="{colour}">{html.escape(what)}</text>'


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__.strip())
    kinds = read_table(sys.argv[1])
    if not kinds:
        sys.exit(f"{sys.argv[1]} has no rows of scale.sh")
    width, height = WIDTH * len(PANELS), HEIGHT * len(kinds)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
          'font-family="sans-serif" font-size="11"><rect width="100%" height="100%" fill="white"/>')
    for row, (kind, lines) in enumerate(kinds.items()):
        for column, (title, field, least) in enumerate(PANELS):
            print("\n".join(panel(kind, lines, title, field, least, column * WIDTH, row * HEIGHT)))
    print("</svg>")


if __name__ == "__main__":
    main()
