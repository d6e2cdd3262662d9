#!/usr/bin/env bash
# A real system tree: add, add again, extract, compare with rsync, test; beside tar and zstd.
# usage: system_tree.sh [WORK_DIRECTORY [TREE]]
source "$(dirname "$0")/lib.sh"
tree=${2:-/usr}
rm -rf archive.zarc restored
say "tree: $tree, $(find "$tree" | wc -l) names, $(du -sb "$tree" | cut -f1) bytes"
timed "tar | zstd -3" sh -c "tar -cf - '$tree' 2>/dev/null | zstd -q -3 -T0 >tar.zst"
timed "add" "$zarc" add archive.zarc "$tree" -quiet
say "sizes: zarc $(stat -c %s archive.zarc), tar | zstd -3 $(stat -c %s tar.zst)"
before=$(stat -c %s archive.zarc)
timed "add, unchanged" "$zarc" add archive.zarc "$tree"
say "appended: $(($(stat -c %s archive.zarc) - before)) bytes"
timed "extract" "$zarc" extract archive.zarc -to restored -quiet
same_tree "$tree" "restored$tree"
say "restored tree: the same by rsync -aHAXni --checksum"
timed "test" "$zarc" test archive.zarc
rm -rf restored tar.zst
