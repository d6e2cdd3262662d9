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
killed=0 ended=0 tails=0
while [ "$killed" -lt "$kills" ]; do
    "$zarc" add archive.zarc "$tree" -quiet 2>/dev/null &
    victim=$!
    sleep "$(awk -v r=$RANDOM -v w="$whole" 'BEGIN { printf "%.3f", r / 32768 * w / 1000 }')"
    kill -9 $victim 2>/dev/null || true
    if wait $victim 2>/dev/null; then
        # It was faster than the dice: that was no kill, and the next one starts anew.
        ended=$((ended + 1))
        cp start.zarc archive.zarc
        continue
    fi
    killed=$((killed + 1))
    [ "$(stat -c %s archive.zarc)" = "$(stat -c %s start.zarc)" ] || tails=$((tails + 1))
    "$zarc" test archive.zarc -quiet 2>/dev/null || fail "test after a kill: exit $?"
done
say "$killed kills, $tails of them left a tail; test passed after each ($ended adds had ended before)"
"$zarc" add archive.zarc "$tree" -quiet
"$zarc" test archive.zarc
"$zarc" extract archive.zarc -to restored -quiet
same_tree "$tree" "restored$tree"
same_tree first/tree restored/first/tree
say "after the last kill: add and restore are exact"
rm -rf restored archive.zarc start.zarc first
