#!/usr/bin/env python3
"""Rows of a listing of zpaq 7.15 or of zarc as lines that can be compared.

Takes away what `tests/support/zpaq.rs` explains: sizes of directories, dates and stored bytes of
updates, the deletion that goes with a change of kind, rows that repeat what was listed before.
usage: zpaq_rows.py LISTING HISTORY WORD... >ROWS
HISTORY is what the same program lists with -all; the WORDs are those of the listing.
"""

import re
import sys

ROW = re.compile(rb"([-+=#^]) (.{19}) +(\d+) (.{5}) (.*)")
VERSION = re.compile(rb"(\d+)/ \+(\d+) -(\d+) -> \d+")
IN_VERSION = re.compile(rb"(\d+)/(.+)")


def bare(name):
    return name[:-1] if len(name) > 1 and name.endswith(b"/") else name


def parse(file_name):
    rows, versions = [], []
    with open(file_name, "rb") as file:
        lines = file.read().split(b"\n")
    for line in lines:
        match = ROW.fullmatch(line)
        if not match:
            continue
        symbol, date, size, mode, name = match.groups()
        version = VERSION.fullmatch(name)
        if version:
            versions.append([int(size), *map(int, version.groups())])
        else:
            rows.append([symbol, date, b"0" if name.endswith(b"/") else size, mode, name])
    return rows, versions


def in_version(row):
    match = IN_VERSION.fullmatch(bare(row[4]))
    return (int(match[1]), match[2])


def told_twice(history):
    """Names that became of another kind, and names without a change that is listed, by version."""
    stored = {in_version(row) for row in history if row[1].strip()}
    kinds, touched, newest = set(), set(), {}
    for row in history:
        key = in_version(row)
        if not row[1].strip():
            if key in stored:
                kinds.add(key)
                continue
        if newest.get(key[1]) == row[1:4]:
            touched.add(key)
        newest[key[1]] = row[1:4]
    return kinds, touched


def of_versions(rows, versions, history, has_sizes):
    kinds, touched = told_twice(history)
    kept = []
    for row in rows:
        key, is_deletion = in_version(row), not row[1].strip()
        if key in touched or is_deletion and key in kinds:
            continue
        # A deletion does not say what it was.
        row[4] = bare(row[4]) if is_deletion else row[4]
        kept.append(b" ".join(row))
    for size, number, updates, deletions in versions:
        deletions -= sum(version == number for version, _ in kinds)
        # zpaq sums up what is shown of a version, zarc what is in it.
        size = size if has_sizes else 0
        kept.append(b"version %d: %d bytes +%d -%d" % (number, size, updates, deletions))
    return kept


def renamed(name, words):
    """The internal name; zpaq calls external files by their external names."""
    if b"-to" in words:
        at = words.index(b"-to")
        start, other = words[at - 1], words[at + 1]
        if name == start or name.startswith(start + b"/"):
            return other + name[len(start):]
    return name


def of_comparison(rows, words):
    for row in rows:
        if row[0] == b"+":
            row[4] = renamed(row[4], words)
    external = {row[4]: row for row in rows if row[0] == b"+"}
    hides_same = b"-not" in words and words[words.index(b"-not") + 1].startswith(b"=")
    kept, same = [], set()
    for row in rows:
        name = row[4]
        other = bare(name) if name.endswith(b"/") else name + b"/"
        outside = external.get(name)
        if row[0] == b"-" and other in external:
            row[0] = b"#"
        elif row[0] == b"#" and name.endswith(b"/") and outside and row[1:] == outside[1:]:
            # For zpaq a directory has changed when something below it has another size.
            same.add(name)
            row[0] = b"="
        if not (row[0] == b"=" and hides_same):
            kept.append(row)
    return [b" ".join(row) for row in kept if not (row[0] == b"+" and row[4] in same)]


def main():
    words = [word.encode("utf-8", "surrogateescape") for word in sys.argv[3:]]
    rows, versions = parse(sys.argv[1])
    if b"-all" in words:
        kept = of_versions(rows, versions, parse(sys.argv[2])[0], b"-not" not in words)
    else:
        kept = of_comparison(rows, words)
    sys.stdout.buffer.write(b"".join(row + b"\n" for row in sorted(kept)))


main()
