"""Tables in Markdown, and their places in docs/BENCHMARKS.md: between <!-- name --> and <!-- end -->."""

import os

import servers

FILE = os.path.join(servers.TOP, "docs", "BENCHMARKS.md")


def table(header, rows):
    """All columns but the first stand to the right."""
    lines = ["| %s |" % " | ".join(header), "|---%s|" % ("|--:" * (len(header) - 1))]
    return "\n".join(lines + ["| %s |" % " | ".join(map(str, row)) for row in rows])


def spread(s, form):
    """median (low to high)"""
    return "%s (%s to %s)" % (form % s.median, form % s.low, form % s.high)


def put(text, name, content):
    """`text` with what stands between the marks of that name replaced. Pure."""
    before, mark, rest = text.partition("<!-- %s -->\n" % name)
    _, end, after = rest.partition("<!-- end -->")
    if not end:
        raise ValueError("no place for %s" % name)
    return before + mark + content + "\n" + end + after


def write(parts):
    """Puts them, name -> content, into their places."""
    with open(FILE, encoding="utf-8") as f:
        text = f.read()
    for name, content in parts.items():
        text = put(text, name, content)
    with open(FILE, "w", encoding="utf-8") as f:
        f.write(text)
