#!/usr/bin/env bash
# An add into a full file system: exit 2, nothing added, old versions intact; with room again it
# works. Two adds at once: one works, the other is told. Needs root for the small tmpfs.
# usage: full_disk.sh [WORK_DIRECTORY]
source "$(dirname "$0")/lib.sh"
rm -rf small tree restored
mkdir small tree
mount -t tmpfs -o size=24m tmpfs small
trap 'umount "$work/small"' EXIT
head -c 4000000 /dev/urandom >tree/one
"$zarc" add small/a.zarc tree -quiet
cp small/a.zarc before.zarc
head -c 40000000 /dev/urandom >tree/two
code=0
"$zarc" add small/a.zarc tree -quiet 2>told.txt || code=$?
say "exit $code: $(cat told.txt)"
[ $code = 2 ] || fail "exit $code"
grep -q "nothing was added" told.txt || fail "not told that nothing was added"
cmp before.zarc small/a.zarc || fail "the archive changed"
"$zarc" test small/a.zarc -quiet
"$zarc" add small/new.zarc tree -quiet 2>/dev/null && fail "a new archive fits?" || true
[ ! -e small/new.zarc ] || fail "a new archive without an update was left"
mount -o remount,size=96m small
"$zarc" add small/a.zarc tree -quiet
"$zarc" extract small/a.zarc -to restored -quiet
same_tree tree restored/tree
say "with room again: added and restored"

rm -rf restored two.zarc
"$zarc" add two.zarc tree/one -quiet
done=0 busy=0
for round in $(seq 20); do
    head -c 20000000 /dev/urandom >tree/left
    head -c 20000000 /dev/urandom >tree/right
    "$zarc" add two.zarc tree/left -quiet 2>left.txt & left=$!
    "$zarc" add two.zarc tree/right -quiet 2>right.txt & right=$!
    for side in left right; do
        code=0
        wait ${!side} || code=$?
        case $code in
            0) done=$((done + 1)); cp "tree/$side" "last.$side" ;;
            2) busy=$((busy + 1)); grep -q "in use" $side.txt || fail "$(cat $side.txt)" ;;
            *) fail "exit $code: $(cat $side.txt)" ;;
        esac
    done
done
versions=$("$zarc" list two.zarc -all -not '?*/?*' | grep -c '/ +')
say "two adds at once, 20 rounds: $done added, $busy told that the archive is in use; $versions versions"
[ "$versions" = $((done + 1)) ] || fail "$versions versions after $done adds and the first"
"$zarc" test two.zarc -quiet
"$zarc" extract two.zarc -to restored -quiet
for side in left right; do
    [ ! -e "last.$side" ] || cmp "last.$side" "restored/tree/$side"
done
say "nothing lost"
rm -rf restored tree ./*.zarc last.*
