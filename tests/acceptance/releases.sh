#!/usr/bin/env bash
# Successive releases of a real package, added one after another from one working directory: the
# archive beside the sum of tar | zstd -3; every version equals its source.
# usage: releases.sh [WORK_DIRECTORY [PACKAGE VERSION...]]   (npm registry)
source "$(dirname "$0")/lib.sh"
shift $(($# > 0 ? 1 : 0))
package=${1:-typescript}
shift $(($# > 0 ? 1 : 0))
[ $# -gt 0 ] || set -- 5.0.4 5.1.6 5.2.2 5.3.3 5.4.5 5.5.4 5.6.3 5.7.3 5.8.3 5.9.2
rm -rf archive.zarc tree releases restored
mkdir -p releases cache
sum=0 number=0
for version in "$@"; do
    [ -e "cache/$package-$version.tgz" ] || (cd cache && npm pack --silent "$package@$version" >/dev/null)
    number=$((number + 1))
    mkdir -p "releases/$number"
    tar -xzf "cache/$package-$version.tgz" -C "releases/$number" --strip-components=1
    size=$(tar -cf - -C releases "$number" | zstd -q -3 -T0 | wc -c)
    sum=$((sum + size))
    # Like a working directory: what did not change keeps its time.
    rsync -a --checksum --no-times --delete "releases/$number/" tree/
    rsync -a "tree/" "releases/$number.kept/"
    "$zarc" add archive.zarc tree | tail -1
done
say "$number releases of $package: archive $(stat -c %s archive.zarc) bytes, sum of tar | zstd -3 $sum bytes"
for version in $(seq "$number"); do
    rm -rf restored
    "$zarc" extract archive.zarc -until "$version" -to restored -quiet
    same_tree "releases/$version.kept" restored/tree
done
say "every version by -until equals its source"
"$zarc" list archive.zarc -all -not '????/?*'
"$zarc" test archive.zarc
rm -rf releases restored tree
