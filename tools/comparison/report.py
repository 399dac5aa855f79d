"""What bench-compare writes from its results (results.json, `document` here): a page in Markdown, and a chart."""
from xml.sax.saxutils import escape

from comparison.works import FIGURES

# --- Markdown ---------------------------------------------------------------------------------------------------------


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def shown(figure, value):
    return "-" if value is None else FIGURES[figure].shown.format(value)


def bounds_in_words(judged):
    """"7.08 (≥ 3.5 × rabbitmq-quorum)" for each."""
    words = []
    for bound in judged:
        ratio = "-" if bound["ratio"] is None else f"{bound['ratio']:.2f}"
        words.append(f"{ratio} ({bound['bound']})")
    return "; ".join(words)


def wanted_table(document):
    rows = []
    for row in document["wanted"]:
        rows.append([row["wanted"], shown(row["figure"], row["value"]),
                     bounds_in_words(row["must"]), row["must_verdict"],
                     bounds_in_words(row["goal"]), row["goal_verdict"]])
    return table(["wanted", "measured", "must", "", "goal", ""], rows)


def figures_tables(document):
    systems = list(document["systems"])
    for figure in ("rate", "p50", "p99", "cpu", "disk"):
        rows = []
        for work in document["works"]:
            values = {name: figures.get(figure) for name, figures in work["medians"].items()}
            if any(value is not None for value in values.values()):
                rows.append([work["work"], *(shown(figure, values.get(name)) for name in systems)])
        if rows:
            yield table([FIGURES[figure].title, *systems], rows)


def disk_in_words(document):
    took = sorted(run["sync_us"] for work in document["works"] for runs in work["runs"].values() for run in runs)
    if not took:
        return ""
    return (f"A small append and its fdatasync took {took[len(took) // 2]:.0f} us (before single runs {took[0]:.0f} to "
            f"{took[-1]:.0f}).")


def markdown(document):
    lines = ["# Measured", "", document["machine"] + ".", document["method"] + ".", disk_in_words(document), ""]
    lines += table(["system", "version", "durability"],
                   [[name, about["version"], about["durability"]] for name, about in document["systems"].items()])
    lines += ["", "## Wanted and measured", "Ratios are of the medians, Lazaret's by the peer's.", ""]
    lines += wanted_table(document)
    for work in document["works"]:
        for name, why in work["failures"].items():
            lines += ["", f"{work['work']} failed: {name}: {' '.join(why.split())}"]
    lines += ["", "## All figures"]
    for figures in figures_tables(document):
        lines += ["", *figures]
    return "\n".join(lines) + "\n"


# --- The chart --------------------------------------------------------------------------------------------------------

COLUMN, LABEL, BAR, LINE, TITLE = 440, 118, 215, 17, 34
# The chart stands on a ground of its own, so that it can be read on any page.
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1c2128; }
.ground { fill: #ffffff; }
.title { font-weight: 600; }
.quiet { fill: #57606a; }
.ours { fill: #0b7a55; }
.ours-later { fill: #7cc4a6; }
.synced { fill: #5b6f8c; }
.later { fill: #b9c4d3; }
.mark { stroke: #c2410c; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .ground { fill: #0d1117; }
  .quiet { fill: #9da7b3; }
  .ours { fill: #2fbf8a; }
  .ours-later { fill: #1d6b50; }
  .synced { fill: #8ba3c7; }
  .later { fill: #475569; }
  .mark { stroke: #fb923c; }
}
"""
LEGEND = (("ours", "Lazaret, fsync before the confirm"), ("ours-later", "Lazaret, fsync later"),
          ("synced", "peer, fsync before the confirm"), ("later", "peer, fsync later"))


def text(x, y, words, kind=""):
    attribute = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{attribute}>{escape(words)}</text>'


def kind_of(name, fsyncing):
    ours = name.startswith("lazaret")
    return ("ours" if ours else "synced") if name in fsyncing else ("ours-later" if ours else "later")


def marks_of(work, figure, document):
    """(system, value) of each line that a bar of Lazaret's is to reach, or not to pass."""
    for row in document["wanted"]:
        if (row["work"], row["figure"]) == (work["work"], figure) and row["value"] is not None:
            for judged in (row["must"], row["goal"]):
                lines = [bound["line"] for bound in judged if bound["line"] is not None]
                if lines:
                    yield row["system"], (min(lines) if judged[0]["bound"].startswith("≤") else max(lines))


def panel(x, y, work, document):
    """One work: a bar for each system, as long as its figure. Returns the elements."""
    figure = "rate" if work["mode"] != "latency" else "p99"
    values = {name: work["medians"][name][figure] for name in document["systems"] if name in work["medians"]}
    marks = list(marks_of(work, figure, document))
    scale = BAR / max([*values.values(), *(end for _, end in marks)])
    name = work["work"] if figure == "rate" else f"{work['work']}, p99 (shorter is better)"
    parts = [text(x, y + 12, name, "title")]
    top = y + 20
    for row, (system, value) in enumerate(values.items()):
        at = top + row * LINE
        width = max(value * scale, 1)
        kind = kind_of(system, document["fsyncing"])
        parts.append(text(x, at + 11, system, "quiet"))
        parts.append(f'<rect x="{x + LABEL}" y="{at}" width="{width:.1f}" height="13" rx="2" class="{kind}"/>')
        reach = width
        for marked, end in marks:
            if marked == system:
                line_x = x + LABEL + end * scale
                reach = max(reach, end * scale)
                parts.append(f'<line x1="{line_x:.1f}" y1="{at - 2}" x2="{line_x:.1f}" y2="{at + 15}" class="mark"/>')
        parts.append(text(x + LABEL + reach + 6, at + 11, shown(figure, value)))
    return parts


def chart(document):
    """Two columns of panels; the lines across a bar of Lazaret's are what is wanted of it: the must, then the goal."""
    works = [work for work in document["works"] if len(work["medians"]) > 1]
    height_of_panel = TITLE + len(document["systems"]) * LINE
    rows = (len(works) + 1) // 2
    width, height = 2 * COLUMN + 20, 60 + rows * height_of_panel
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
             f'height="{height}" role="img" aria-label="Lazaret and its peers, measured">',
             f"<style>{STYLE}</style>", '<rect class="ground" width="100%" height="100%"/>']
    x = 20
    for kind, words in LEGEND:
        parts.append(f'<rect x="{x}" y="14" width="12" height="12" rx="2" class="{kind}"/>')
        parts.append(text(x + 18, 24, words))
        x += 46 + 6.1 * len(words)
    parts.append(f'<line x1="{x + 2:.0f}" y1="12" x2="{x + 2:.0f}" y2="28" class="mark"/>')
    parts.append(text(x + 10, 24, "must, goal"))
    for number, work in enumerate(works):
        parts += panel(20 + number % 2 * COLUMN, 44 + number // 2 * height_of_panel, work, document)
    return "\n".join([*parts, "</svg>"]) + "\n"
