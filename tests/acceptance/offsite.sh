#!/usr/bin/env bash
# The story of an offsite backup: encrypted parts are moved away after each weekly update, the local part 0
# stays; later everything comes back. Then the place that kept the parts loses, swaps and rolls back some.
# usage: offsite.sh [WORK_DIRECTORY [PACKAGE VERSION VERSION VERSION VERSION]]   (npm registry)
source "$(dirname "$0")/lib.sh"
shift $(($# > 0 ? 1 : 0))
package=${1:-typescript}
shift $(($# > 0 ? 1 : 0))
[ $# -eq 4 ] || set -- 5.6.3 5.7.3 5.8.3 5.9.2
rm -rf local offsite restored releases tree single.zarc
mkdir -p local offsite releases cache
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

for week in 1 2 3; do
    edit_to "${!week}" "$week"
    "$zarc" add 'local/part??' tree | tail -1
    "$zarc" add single.zarc tree -quiet
    mv "local/part0$week" offsite/
done
[ "$(ls local)" = part00 ] || fail "more than the index is left"
say "part 0: $(stat -c %s local/part00) bytes, the parts: $(cat offsite/* | wc -c)"

# With part 0 alone.
"$zarc" list 'local/part??' -all >by-pattern
"$zarc" list local/part00 -all >by-name
cmp by-pattern by-name || fail "the index lists otherwise than the pattern"
"$zarc" list 'local/part??' tree >compared || fail "the tree differs from the last version"
"$zarc" list 'local/part??' tree -force >compared || fail "its contents differ"
edit_to "$4" 4
if "$zarc" list 'local/part??' tree >compared; then fail "no change was seen"; fi
say "compared with part 0 alone: $(grep -c '^#' compared) changed, $(grep -c '^+' compared) outside rows"
"$zarc" add 'local/part??' tree | tail -1
before=$(stat -c %s single.zarc)
"$zarc" add single.zarc tree -quiet
single=$(($(stat -c %s single.zarc) - before)) part=$(stat -c %s local/part04)
say "fourth update: $part bytes with part 0 alone, $single bytes in a single file"
difference=$((part > single ? part - single : single - part))
# A header region more is not the point.
[ $((difference * 100)) -le $((single + 100 * 8192)) ] || fail "more than 1 % apart"
cp -a local/part00 kept-part00
mv local/part04 offsite/

# Everything comes back.
cp -a offsite/part0? local/
"$zarc" list 'local/part??' -all >with-parts
"$zarc" list local/part00 -all >by-name
cmp with-parts by-name || fail "the index lists otherwise than the parts"
"$zarc" test 'local/part??' | tail -1
for week in 1 2 3 4; do
    rm -rf restored
    "$zarc" extract 'local/part??' -until "$week" -to restored -quiet
    same_tree "releases/$week" restored/tree
done
say "every version restored exactly"

# And what may go wrong at the other place.
rm local/part02
refused 'part02 is missing' "$zarc" test 'local/part??'
refused 'part02 is missing' "$zarc" extract 'local/part??' -to restored -force -quiet
cp local/part03 local/part02
refused 'part02' "$zarc" test 'local/part??'
cp offsite/part02 local/part02
# The last part as it was in another history: the same password, the same tree, another update.
rm -rf fork
mkdir fork
cp offsite/part0[123] fork/
cp kept-part00 fork/part00
"$zarc" add 'fork/part??' releases/1 -until 3 -force -quiet || true
[ -e fork/part04 ] || fail "no fork was made"
cp fork/part04 local/part04
refused 'part04' "$zarc" test 'local/part??'
rm local/part04
refused 'part04 is missing' "$zarc" list 'local/part??'
refused 'older than its index' "$zarc" add 'local/part??' tree
say "a part that is lost, swapped, of another history or cut off at the end is named"
rm -rf releases tree restored local offsite fork
