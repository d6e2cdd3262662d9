#!/usr/bin/env python3
"""Runs zarc and the peers that are installed on the same work, in turn, and prints the ratios.

usage: peers.py WORK_DIRECTORY [--corpora releases,system,small] [--peers zarc,zpaq-m1,...] [--rounds N]
       peers.py WORK_DIRECTORY --report

The corpora are made by `corpora.sh WORK_DIRECTORY`. The program is target/release/zarc, or $ZARC;
`floor` is target/release/examples/floor. Whole
processes are measured: wall time, CPU time of all their threads and children, the largest resident set. Peers take
turns within a round, so that what else the machine does hits all of them; of several rounds the least wall time and
the median CPU time count. Everything is read once before, so caches are warm, and nothing is deleted before
the last round is over: creating files right after a large deletion is slow on ext4.

Each row goes to WORK_DIRECTORY/results.jsonl as soon as it is measured, in the place of those of earlier runs with
the same corpus and peer; --report prints them again.
"""
import argparse
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass

HERE = pathlib.Path(__file__).resolve().parents[2]
ZARC = os.environ.get("ZARC", str(HERE / "target/release/zarc"))


@dataclass
class Peer:
    """Commands in which {archive}, {tree}, {name} (of the update), {file} and {out} are filled in. One that is
    empty is left out; `same` is `add` if nothing else is said."""

    program: str
    version: str
    add: str
    extract: str = ""
    one: str = ""
    list: str = ""
    init: str = ""
    same: str = ""
    keeps_history: bool = True


def zarc(options="", always=""):
    """All commands get `always`."""
    return Peer(
        ZARC, "{program} -version",
        add=f"{{program}} add {{archive}} {{tree}} -quiet {options} {always}",
        extract=f"{{program}} extract {{archive}} -to {{out}} -quiet {always}",
        one=f"{{program}} extract {{archive}} {{file}} -to {{out}} -quiet {always}",
        list=f"{{program}} list {{archive}} {always}",
    )


def floor(method="", extract=""):
    """What reading, cutting, hashing, compressing and writing take by themselves: the limit of zarc."""
    return Peer(
        str(HERE / "target/release/examples/floor"), "echo floor",
        add=f"{{program}} add {{archive}} {{tree}} {method}",
        same="{program} same {tree}",
        extract=f"{{program}} extract {{archive}} {{out}} {extract}",
        keeps_history=False,
    )


def zpaq(options):
    return Peer(
        "zpaq", "{program} | head -1",
        add=f"{{program}} add {{archive}}.zpaq {{tree}} {options}",
        extract="{program} extract {archive}.zpaq -to {out}/",
        one="{program} extract {archive}.zpaq {file} -to {out}/one",
        list="{program} list {archive}.zpaq",
    )


def borg(compression):
    return Peer(
        "borg", "{program} --version",
        init="{program} init -e none {archive}",
        add=f"{{program}} create --compression {compression} {{archive}}::{{name}} {{tree}}",
        extract="cd {out} && {program} extract {archive}::{name}",
        one="cd {out} && {program} extract {archive}::{name} {file}",
        list="{program} list {archive}::{name}",
    )


PEERS = {
    "zarc": zarc(), **{f"zarc-m{level}": zarc(f"-method {level}") for level in range(6)},
    "zarc-key": zarc(always="-key 'correct horse'"), "zarc-t1": zarc(always="-threads 1"),
    "zarc-m1-t1": zarc("-method 1", "-threads 1"),
    "floor": floor(), "floor-whole": floor(extract="whole"), "floor-m1": floor("1"),
    **{f"zpaq-m{level}": zpaq(f"-method {level}") for level in range(6)},
    "zpaqfranz": Peer(
        "zpaqfranz", "{program} | head -1",
        add="{program} a {archive}.zpaq {tree} -noconsole",
        extract="{program} x {archive}.zpaq -to {out}/",
        one="{program} x {archive}.zpaq {file} -to {out}/one/",
        list="{program} l {archive}.zpaq",
    ),
    "borg-zstd3": borg("zstd,3"),
    "borg-lz4": borg("lz4"),
    "restic": Peer(
        "restic", "{program} version",
        init="{program} -q -r {archive} init --repository-version 2",
        add="{program} -q -r {archive} backup {tree}",
        extract="{program} -q -r {archive} restore latest --target {out}",
        one="{program} -q -r {archive} restore latest --target {out} --include {directory}/{file}",
        list="{program} -q -r {archive} ls latest",
    ),
    "rustic": Peer(
        "rustic", "{program} --version",
        init="{program} -r {archive} init",
        add="{program} -r {archive} backup {tree}",
        extract="{program} -r {archive} restore latest {out}",
        one="{program} -r {archive} restore latest:{file} {out}/one",
        list="{program} -r {archive} ls latest",
    ),
    "tar-zstd3": Peer(
        "zstd", "{program} --version",
        add="tar cf - {tree} | {program} -q -3 -T0 -f -o {archive}",
        extract="{program} -q -dc {archive} | tar x -C {out}",
        one="{program} -q -dc {archive} | tar x -C {out} {file}",
        list="{program} -q -dc {archive} | tar tv",
        keeps_history=False,
    ),
}
USUAL = "zarc,zarc-m1,floor,floor-m1,zpaq-m1,zpaq-m2,zpaqfranz,borg-zstd3,restic,rustic,tar-zstd3"
# zarc's own column when it is compared with itself, and the lines of the tables.
OPERATIONS = {
    "add": "add", "same": "add, nothing changed", "again": "add, nothing changed, once more", "list": "list",
    "one": "extract one file",
    "extract": "extract", "later": "7 later adds", "extract-last": "extract the last",
}


class Bench:
    def __init__(self, work):
        self.work = work
        self.runs = work / "runs"
        self.results = work / "results.jsonl"
        home = self.runs / "home"
        self.environment = dict(
            os.environ, RESTIC_PASSWORD="x", RUSTIC_PASSWORD="x", RUSTIC_NO_PROGRESS="true",
            BORG_BASE_DIR=str(home), BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK="yes",
            BORG_RELOCATED_REPO_ACCESS_IS_OK="yes", XDG_CACHE_HOME=str(home), HOME=str(home), LC_ALL="C.UTF-8",
        )

    def shell(self, command, directory):
        return subprocess.run(
            command, shell=True, cwd=directory, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def measured(self, command, directory, log):
        """Wall and CPU seconds and the peak of a command with its children."""
        os.sync()
        start = time.monotonic()
        pid = os.fork()
        if pid == 0:
            os.chdir(directory)
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.execve("/bin/sh", ["sh", "-c", command], self.environment)
        _, status, usage = os.wait4(pid, 0)
        return {
            "wall": time.monotonic() - start, "cpu": usage.ru_utime + usage.ru_stime, "mb": usage.ru_maxrss / 1000,
            "exit": os.waitstatus_to_exitcode(status),
        }

    def begin(self, corpora, names):
        """Removes what earlier runs left of these corpora with these peers: their archives and their rows."""
        self.runs.mkdir(parents=True, exist_ok=True)
        for corpus in corpora:
            for name in names:
                for left in self.runs.glob(f"{corpus}-{name}-[0-9]*"):
                    shutil.rmtree(left)
        if self.results.exists():
            rows = [(line, json.loads(line)) for line in self.results.read_text().splitlines()]
            kept = [line + "\n" for line, row in rows if row["corpus"] not in corpora or row["peer"] not in names]
            self.results.write_text("".join(kept))

    def run(self, corpus, round_number, names):
        trees = self.trees(corpus)
        for name in names:
            self.run_peer(corpus, round_number, name, trees)

    def trees(self, corpus):
        folder = self.work / corpus
        if corpus == "releases":
            return sorted(folder.iterdir(), key=lambda tree: [int(n) for n in tree.name.split(".")])
        return [folder]

    def run_peer(self, corpus, round_number, name, trees):
        peer = PEERS[name]
        here = self.runs / f"{corpus}-{name}-{round_number}"
        here.mkdir(parents=True)
        if corpus == "releases":
            # One tree that is edited from release to release.
            tree = here / "tree"
            self.shell(f"rsync -a --delete {trees[0]}/ {tree}/", here)
            directory, tree_name = here, "tree"
        else:
            directory, tree_name = self.work, corpus
            tree = trees[0]
        small_file = next(small for small in sorted(tree.rglob("*.py" if corpus == "releases" else "*"))
                          if small.is_file() and not small.is_symlink() and 500 < small.stat().st_size < 20000)
        values = {
            "program": peer.program, "archive": here / ("archive.zarc" if name.startswith("zarc") else "archive"),
            "tree": tree_name, "file": shlex.quote(str(small_file.relative_to(directory))), "directory": directory,
        }
        self.shell(f"find {tree_name} -type f -print0 | xargs -0 cat >/dev/null", directory)

        def say(operation, command, **more):
            out = here / f"out-{operation}"
            out.mkdir()
            filled = command.format(**values, out=out, **more)
            row = self.measured(filled, directory, here / "log")
            row.update(corpus=corpus, peer=name, operation=operation, round=round_number, bytes=size_of(here, values))
            return row

        def keep(row):
            if row["exit"] not in (0, 1):
                print((here / "log").read_text(errors="replace")[-500:], file=sys.stderr)
            with self.results.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print("{corpus:9} {peer:11} {operation:12} {wall:8.2f} s {cpu:8.2f} s CPU {mb:7.0f} MB "
                  "{bytes:12,} bytes, exit {exit}".format(**row), flush=True)

        if peer.init:
            self.shell(peer.init.format(**values), directory)
        same = peer.same or (peer.add if peer.keeps_history else "")
        # The tree of releases was just written: zarc trusts no date so young, and reads such files once more.
        again = same if corpus == "releases" else ""
        commands = [
            ("add", peer.add), ("same", same), ("again", again), ("list", peer.list), ("one", peer.one),
            ("extract", peer.extract),
        ]
        for operation, command in commands:
            if command:
                keep(say(operation, command, name=operation if operation in ("same", "again") else "v1"))
        if corpus != "releases" or not peer.keeps_history:
            return
        total = defaultdict(float, exit=0)
        for number, release in enumerate(trees[1:], 2):
            self.shell(f"rsync -a --delete --inplace {release}/ {tree}/", here)
            row = say(f"v{number}", peer.add, name=f"v{number}")
            total["wall"] += row["wall"]
            total["cpu"] += row["cpu"]
            total["mb"] = max(total["mb"], row["mb"])
            total["exit"] = max(total["exit"], row["exit"], key=abs)
        keep({**row, **total, "operation": "later"})
        keep(say("extract-last", peer.extract, name=f"v{len(trees)}"))


def size_of(here, values):
    """Bytes of the archive, whatever it is made of."""
    # What the floor notes of files is no part of the blocks that it packs.
    paths = [path for path in here.glob("archive*") if path.suffix != ".list"]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return sum(file.stat().st_size for file in files)


def report(results):
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    cells = defaultdict(list)
    for row in rows:
        cells[row["corpus"], row["operation"], row["peer"]].append(row)
    for corpus in dict.fromkeys(row["corpus"] for row in rows):
        for operation, title in OPERATIONS.items():
            peers = [peer for (c, o, peer) in cells if (c, o) == (corpus, operation)]
            if peers:
                print(f"\n### {corpus}: {title}\n")
                print("| program | wall s | CPU s | peak MB | archive bytes | wall | CPU | size |\n|---|---|---|---|---|---|---|---|")
            own = figures(cells[corpus, operation, "zarc"]) if "zarc" in peers else None
            for peer in peers:
                found = figures(cells[corpus, operation, peer])
                if found is None:
                    print(f"| {peer} | failed | | | | | | |")
                    continue
                wall, cpu, mb, size = found
                ratios = "| | | |"
                if own and peer != "zarc":
                    ratios = f"| {wall / own[0]:.2f} | {cpu / own[1]:.2f} | {size / own[3]:.2f} |"
                print(f"| {peer} | {wall:.2f} | {cpu:.2f} | {mb:.0f} | {size:,} {ratios}")


def figures(rows):
    rows = [row for row in rows if row["exit"] == 0]
    if not rows:
        return None
    return (min(row["wall"] for row in rows), statistics.median(row["cpu"] for row in rows),
            max(row["mb"] for row in rows), rows[-1]["bytes"])


def main():
    parser = argparse.ArgumentParser(description="zarc and its peers on the same work")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--corpora", default="releases,system,small")
    parser.add_argument("--peers", default=USUAL)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(arguments.work.resolve())
    if not arguments.report:
        names = arguments.peers.split(",")
        for missing in [name for name in names if shutil.which(PEERS[name].program) is None]:
            names.remove(missing)
            print(f"{missing} is not installed: left out", flush=True)
        for name in names:
            found = bench.shell(PEERS[name].version.format(program=PEERS[name].program), "/")
            print(f"{name}: {found.stdout.decode(errors='replace').splitlines()[:1]}", flush=True)
        corpora = arguments.corpora.split(",")
        bench.begin(corpora, names)
        for corpus in corpora:
            for number in range(arguments.rounds):
                bench.run(corpus, number, names)
        shutil.rmtree(bench.runs)
    report(bench.results)


if __name__ == "__main__":
    main()
