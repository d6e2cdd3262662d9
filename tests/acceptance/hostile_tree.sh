#!/usr/bin/env bash
# Hostile names, 100,000 files in one directory, a sparse file of 10 GB with 1 MB of data, a
# hard-link farm, an empty file: exact. usage: hostile_tree.sh [WORK_DIRECTORY]
source "$(dirname "$0")/lib.sh"
rm -rf tree restored archive.zarc
mkdir -p tree/many tree/links tree/-rf tree/empty
cd tree
printf x >$'new\nline'
printf x >$'invalid-\xff\xfe-utf8'
printf x >-leading-dash
printf x >"$(printf 'n%.0s' $(seq 255))"
printf x >' '
printf x >'*?[a]'
printf x >$'\e[2J\x07'
: >zero
python3 - <<'P'
import os
for number in range(100_000):
    with open(f"many/{number:06}", "w") as file:
        file.write(f"{number}\n")
with open("sparse", "wb") as file:
    file.truncate(10_000_000_000)
    for megabyte in range(16):
        file.seek(megabyte * 600_000_000 + 12_345)
        file.write(os.urandom(65_536))
with open("links/0", "wb") as file:
    file.write(os.urandom(100_000))
for number in range(1, 5_000):
    os.link("links/0", f"links/{number}")
P
mkfifo fifo
ln -s nowhere dangling
ln -s ../.. up
touch -d '1901-01-01 00:00:00.123456789' old
touch -d '2200-01-01' future
chmod 4751 -- -leading-dash
chmod 0000 zero
setfattr -n user.note -v 'kept' old 2>/dev/null || say "no user attributes here"
setfacl -m u:1000:r old 2>/dev/null || say "no access control lists here"
cd ..
timed "add" "$zarc" add archive.zarc tree -quiet
timed "extract" "$zarc" extract archive.zarc -to restored -quiet
same_tree tree restored/tree
source_blocks=$(stat -c %b tree/sparse) restored_blocks=$(stat -c %b restored/tree/sparse)
say "sparse file: $source_blocks blocks of 512 bytes, restored $restored_blocks; archive $(stat -c %s archive.zarc) bytes"
[ "$restored_blocks" -le $((source_blocks + 64)) ] || fail "the sparse file is not sparse any more"
[ "$(stat -c %h restored/tree/links/77)" = 5000 ] || fail "hard links are not linked"
"$zarc" test archive.zarc
"$zarc" add archive.zarc tree | tail -1
say "all names and contents: the same by rsync -aHAXni --checksum"
rm -rf tree restored archive.zarc
