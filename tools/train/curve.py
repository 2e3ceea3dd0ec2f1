"""Loss curves as a small SVG, without any plotting package."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 360, 48, 120, 16, 36
TOP_LOSS = 5.0  # nats a token; the first steps lie above and are cut
COLOURS = ["#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#777777"]


def load_log(path: Path) -> list[dict[str, Any]]:
    """The log's entries; steps that were lost and trained again after a restart count once, as trained last."""
    entries: list[dict[str, Any]] = []
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        if "step" in entry:
            while entries and entries[-1].get("step", 0) > entry["step"]:
                entries.pop()
        entries.append(entry)
    return entries


def _points(pairs: list[tuple[float, float]], tokens: float) -> str:
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    return " ".join(f"{LEFT + across * x / tokens:.1f},{TOP + down * (1 - min(y, TOP_LOSS) / TOP_LOSS):.1f}" for x, y in pairs)


def _axes(tokens: float) -> list[str]:
    across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    out = []
    for nats in range(int(TOP_LOSS) + 1):
        y = TOP + down * (1 - nats / TOP_LOSS)
        out.append(f'<line x1="{LEFT}" x2="{LEFT + across}" y1="{y:.1f}" y2="{y:.1f}" stroke="#8884"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{nats}</text>')
    for quarter in range(5):
        x = LEFT + across * quarter / 4
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - 16}" text-anchor="middle">{tokens * quarter / 4e6:.1f}M</text>')
    out.append(f'<text x="{LEFT + across / 2}" y="{HEIGHT - 2}" text-anchor="middle">tokens trained; nats a token</text>')
    return out


def draw_curves(log: list[dict[str, Any]]) -> str:
    """Training loss and every held-out part over tokens."""
    train = [(entry["tokens"], entry["loss"]) for entry in log if "loss" in entry]
    held = [entry for entry in log if "held_out" in entry]
    tokens = max([x for x, _ in train] + [entry["tokens"] for entry in held] + [1])
    series = {"training": train}
    for name in held[-1]["held_out"] if held else []:
        series[name] = [(entry["tokens"], entry["held_out"][name]) for entry in held]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11" fill="#666">',
           *_axes(tokens)]
    for index, (name, pairs) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        y = TOP + 14 + 18 * index
        last = f"{pairs[-1][1]:.2f}" if pairs else ""
        out.append(f'<polyline points="{_points(pairs, tokens)}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        out.append(f'<line x1="{WIDTH - RIGHT + 12}" x2="{WIDTH - RIGHT + 28}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 32}" y="{y}">{name} {last}</text>')
    return "\n".join([*out, "</svg>"]) + "\n"
