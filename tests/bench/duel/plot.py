"""Line plots as SVG, written by hand."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 420, 70, 150, 40, 50
COLOURS = ("#1b6ca8", "#c0392b", "#555555", "#7fb3d5", "#e6a59d")


def steps(most):
    """About six round numbers from 0 up to most."""
    raw = most / 5
    unit = 10 ** math.floor(math.log10(raw))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= raw)
    return [i * step for i in range(int(math.ceil(most / step)) + 1)]


def decades(least, most):
    return [10.0 ** e for e in range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)]


class Axis:
    def __init__(self, values, start, end, log=False):
        self.log, self.start, self.end = log, start, end
        self.marks = decades(min(values), max(values)) if log else steps(max(values))
        if len(self.marks) < 2:
            self.marks.append(self.marks[0] * 10)

    def at(self, value):
        low, high = self.marks[0], self.marks[-1]
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def text(x, y, words, anchor="middle", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{words}</text>'


def frame(x, y, x_name, y_name):
    out = []
    for mark in x.marks:
        out.append(text(x.at(mark), HEIGHT - BOTTOM + 18, f"{mark:g}"))
    for mark in y.marks:
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y.at(mark):.1f}" y2="{y.at(mark):.1f}" stroke="#ddd"/>')
        out.append(text(LEFT - 8, y.at(mark) + 4, f"{mark:g}", "end"))
    out.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_name))
    out.append(text(18, HEIGHT / 2, y_name, more=f'transform="rotate(-90 18 {HEIGHT / 2})"'))
    return out


def plot(path, title, x_name, y_name, series, log_y=False):
    """series: {name: [(x, y), …]}"""
    series = {name: sorted(points) for name, points in series.items() if points}
    points = [p for line in series.values() for p in line]
    if not points:
        return False
    x = Axis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y = Axis([max(p[1], 1e-3) for p in points], HEIGHT - BOTTOM, TOP, log_y)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>', text(WIDTH / 2, 22, title, more='font-size="15"'), *frame(x, y, x_name, y_name)]
    for i, (name, line) in enumerate(series.items()):
        colour = COLOURS[i % len(COLOURS)]
        where = [(x.at(a), y.at(max(b, 1e-3))) for a, b in line]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in where)}"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in where]
        out.append(text(WIDTH - RIGHT + 12, TOP + 18 * i + 10, name, "start", f'fill="{colour}"'))
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n</svg>\n")
    return True
