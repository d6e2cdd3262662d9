#!/usr/bin/env bash
# kill -9 at random moments of an add of a changed tree: test passes, the next add and a restore
# are exact. usage: kill.sh [WORK_DIRECTORY [TREE [KILLS [SEED]]]]
source "$(dirname "$0")/lib.sh"
tree=${2:-/usr/lib}
kills=${3:-50}
RANDOM=${4:-1}
rm -rf start.zarc archive.zarc restored first
mkdir first
cp -a /usr/include first/tree 2>/dev/null || cp -a /etc first/tree
"$zarc" add start.zarc first/tree -quiet
began=$(date +%s%N)
cp start.zarc archive.zarc
"$zarc" add archive.zarc "$tree" -quiet
whole=$((($(date +%s%N) - began) / 1000000))
say "an add of $tree takes $whole ms; $kills kills"
cp start.zarc archive.zarc
tails=0 done=0
for _ in $(seq "$kills"); do
    "$zarc" add archive.zarc "$tree" -quiet &
    victim=$!
    sleep "$(awk -v r=$RANDOM -v w="$whole" 'BEGIN { printf "%.3f", r / 32768 * w / 1000 }')"
    kill -9 $victim 2>/dev/null || true
    wait $victim 2>/dev/null && done=$((done + 1)) || true
    [ $(($(stat -c %s archive.zarc) == $(stat -c %s start.zarc))) = 1 ] || tails=$((tails + 1))
    "$zarc" test archive.zarc -quiet 2>/dev/null || fail "test after a kill: exit $?"
    if [ "$("$zarc" list archive.zarc -all -not '?*/?*' 2>/dev/null | grep -c '/ +')" -gt 1 ]; then
        cp start.zarc archive.zarc
    fi
done
say "kills that left a tail: $tails; adds that came to their end: $done"
"$zarc" add archive.zarc "$tree" -quiet
"$zarc" test archive.zarc
"$zarc" extract archive.zarc -to restored -quiet
same_tree "$tree" "restored$tree"
same_tree first/tree restored/first/tree
say "after the last kill: add and restore are exact"
rm -rf restored archive.zarc start.zarc first
