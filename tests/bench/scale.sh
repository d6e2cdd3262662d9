#!/bin/sh
# What size costs: time, CPU seconds and peak memory of listing, extracting and adding with
# archives of growing size, as a table. Needs GNU time.
#
#   tests/bench/scale.sh DIRECTORY [LARGEST]
#
# DIRECTORY takes the archives, which are removed one by one. LARGEST is the largest number of
# files, 10000000 without it; fragments are ten times as many.
set -eu

work=$(realpath -m "${1:?usage: scale.sh DIRECTORY [LARGEST]}")
largest=${2:-10000000}
mkdir -p "$work"
cd "$(dirname "$0")/../.."
cargo build --release --locked --quiet --bin zarc --example generate
target=${CARGO_TARGET_DIR:-target}/release
zarc=$(realpath "$target/zarc")
generate=$(realpath "$target/examples/generate")
cd "$work"

# measured LABEL SIZE COMMAND...: one row of the table.
measured() {
    label=$1 size=$2
    shift 2
    /usr/bin/time -o time.txt -f '%e %U %S %M' "$@" > out.txt 2> err.txt ||
        { cat err.txt >&2; exit 1; }
    read -r wall user system peak < time.txt
    awk -v l="$label" -v s="$size" -v w="$wall" -v u="$user" -v y="$system" -v p="$peak" \
        'BEGIN { printf "%-24s %12d %9.2f %9.2f %9.1f\n", l, s, w, u + y, p / 1024 }'
}

# reading KIND SIZE FILE: what readers and a small change cost.
reading() {
    kind=$1 size=$2 file=$3
    directory=${file%/*}
    echo "# $kind $size: $(wc -c < a.zarc) bytes"
    measured "$kind/list-directory" "$size" "$zarc" list a.zarc "$directory"
    measured "$kind/extract-file" "$size" "$zarc" extract a.zarc "$file" -to out
    rm -rf out
    measured "$kind/list-all-files" "$size" "$zarc" list a.zarc
    mkdir -p small
    echo "$size" > small/change
    measured "$kind/add-small" "$size" "$zarc" add a.zarc small
}

printf '%-24s %12s %9s %9s %9s\n' what size seconds cpu MiB
size=10000
while [ "$size" -le "$largest" ]; do
    rm -f a.zarc
    measured files/generate "$size" "$generate" a.zarc "$size" 1 0 0
    reading files "$size" "tree/0000003/file 042"
    size=$((size * 10))
done
for size in 10 100 1000 10000; do
    rm -f a.zarc
    measured updates/generate "$size" "$generate" a.zarc 100000 "$size" 20 0
    reading updates "$size" "tree/0000003/file 042"
    measured updates/list-first "$size" "$zarc" list a.zarc -until 1
done
size=100000
while [ "$size" -le "$((largest * 10))" ]; do
    rm -f a.zarc
    measured fragments/generate "$size" "$generate" a.zarc 10 1 0 "$size"
    measured fragments/list "$size" "$zarc" list a.zarc
    mkdir -p small
    echo "$size" > small/change
    measured fragments/add-small "$size" "$zarc" add a.zarc small -method i
    size=$((size * 10))
done
rm -rf a.zarc small out out.txt err.txt time.txt
