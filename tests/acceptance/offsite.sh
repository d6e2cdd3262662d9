#!/usr/bin/env bash
# The story of an offsite backup: encrypted parts are moved away after each weekly update, the local part 0
# stays; later everything comes back. Then the place that kept the parts loses, swaps and rolls back some.
# usage: offsite.sh [WORK_DIRECTORY [PACKAGE VERSION VERSION VERSION VERSION]]   (npm registry)
source "$(dirname "$0")/lib.sh"
shift $(($# > 0 ? 1 : 0))
package=${1:-typescript}
shift $(($# > 0 ? 1 : 0))
[ $# -eq 4 ] || set -- 5.6.3 5.7.3 5.8.3 5.9.2
rm -rf local offsite stored restored releases tree single.zarc
mkdir -p local offsite stored releases cache
export ZARC_KEY='an offsite password'

# Puts a release into the tree as an edit would: what did not change keeps its time.
edit_to() {
    [ -e "cache/$package-$1.tgz" ] || (cd cache && npm pack --silent "$package@$1" >/dev/null)
    mkdir -p "releases/$1"
    tar -xzf "cache/$package-$1.tgz" -C "releases/$1" --strip-components=1
    rsync -a --checksum --no-times --delete "releases/$1/" tree/
    rm -rf "releases/$1"
    cp -a tree "releases/$2"
}

# A command that has to fail, and what it has to say.
refused() {
    local wanted=$1 out
    shift
    if out=$("$@" 2>&1); then fail "it passed: $*"; fi
    grep -q -- "$wanted" <<<"$out" || fail "instead of \"$wanted\": $out"
    say "named: $(grep -m1 -- "$wanted" <<<"$out")"
}

# Lines of a comparison with the tree that are not the same on both sides.
differences() {
    "$zarc" list 'local/part??.zarc' tree -not = "$@" >compared
    grep -c '^[-+#] ' compared || true
}

for week in 1 2 3; do
    edit_to "${!week}" "$week"
    "$zarc" add 'local/part??.zarc' tree -quiet
    mv "local/part0$week.zarc" offsite/
    # What is stored once only shows in what is not compressed, and not encrypted: there each archive
    # cuts files elsewhere.
    env -u ZARC_KEY "$zarc" add single.zarc tree -method 0 -quiet
    env -u ZARC_KEY "$zarc" add 'stored/part??.zarc' tree -method 0 -quiet
    rm "stored/part0$week.zarc"
done
[ "$(ls local)" = part00.zarc ] || fail "more than the index is left"
say "part 0: $(stat -c %s local/part00.zarc) bytes, the parts: $(cat offsite/* | wc -c)"

# With part 0 alone.
"$zarc" list 'local/part??.zarc' -all >by-pattern
"$zarc" list local/part00.zarc -all >by-name
cmp by-pattern by-name || fail "the index lists otherwise than the pattern"
[ "$(differences)" -eq 0 ] || fail "the tree differs from the last version"
[ "$(differences -force)" -eq 0 ] || fail "its contents differ"
edit_to "$4" 4
[ "$(differences)" -gt 0 ] || fail "no change was seen"
say "compared with part 0 alone: $(differences) lines differ from the fourth release"
cp -a local/part00.zarc kept-part00
"$zarc" add 'local/part??.zarc' tree -quiet
before=$(stat -c %s single.zarc)
env -u ZARC_KEY "$zarc" add single.zarc tree -method 0 -quiet
env -u ZARC_KEY "$zarc" add 'stored/part??.zarc' tree -method 0 -quiet
single=$(($(stat -c %s single.zarc) - before)) part=$(stat -c %s stored/part04.zarc)
say "fourth update, stored: $part bytes with part 0 alone, $single bytes in a single file"
difference=$((part > single ? part - single : single - part))
# A part has a header region of its own.
[ $((difference * 100)) -le $((single + 100 * 8192)) ] || fail "more than 1 % apart"
say "fourth update, default method: $(stat -c %s local/part04.zarc) bytes"
mv local/part04.zarc offsite/

# Everything comes back.
cp -a offsite/part0?.zarc local/
"$zarc" list 'local/part??.zarc' -all >with-parts
"$zarc" list local/part00.zarc -all >by-name
cmp with-parts by-name || fail "the index lists otherwise than the parts"
"$zarc" test 'local/part??.zarc' | tail -1
for week in 1 2 3 4; do
    rm -rf restored
    "$zarc" extract 'local/part??.zarc' -until "$week" -to restored -quiet
    same_tree "releases/$week" restored/tree
done
say "every version restored exactly"

# And what may go wrong at the other place.
rm local/part02.zarc
refused 'part02.zarc is missing' "$zarc" test 'local/part??.zarc'
refused 'part02.zarc is missing' "$zarc" extract 'local/part??.zarc' -to restored -force -quiet
cp local/part03.zarc local/part02.zarc
refused 'part02.zarc' "$zarc" test 'local/part??.zarc'
cp offsite/part02.zarc local/part02.zarc
# The last part as it was in another history: the same password, the same tree, another update.
rm -rf fork
mkdir fork
cp offsite/part0[123].zarc fork/
cp kept-part00 fork/part00.zarc
"$zarc" add 'fork/part??.zarc' releases/1 -quiet
cp fork/part04.zarc local/part04.zarc
refused 'part04.zarc' "$zarc" test 'local/part??.zarc'
rm local/part04.zarc
refused 'part04.zarc is missing' "$zarc" list 'local/part??.zarc'
refused 'older than its index' "$zarc" add 'local/part??.zarc' tree
say "a part that is lost, swapped, of another history or cut off at the end is named"
rm -rf releases tree restored local offsite stored fork kept-part00 single.zarc by-pattern by-name with-parts compared
