# Shared by the acceptance scripts: what is run, where, and how a failure is told.
# Each script takes the directory to work in (default: a fresh one below target/).
set -euo pipefail
# As the caller names it, before anything changes where that is.
work=${1:+$(realpath -m "$1")}
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
zarc=$root/target/release/zarc
cargo build --release --locked -q
work=${work:-$root/target/acceptance/$(basename "$0" .sh)}
mkdir -p "$work"
cd "$work"
# What npm keeps beside its packages stays here too.
export npm_config_cache=$work/cache/npm npm_config_update_notifier=false

say() { printf '%s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Runs a command and prints its seconds and peak resident memory under a name.
timed() {
    local name=$1
    shift
    /usr/bin/time -o time.txt -f '%e s wall, %U s user, %S s system, %M KiB peak' "$@"
    say "$name: $(cat time.txt)"
}

# Two trees are the same: names, bytes, modes, owners, links, attributes, times, holes aside.
same_tree() {
    local differences
    differences=$(rsync -aHAXni --checksum --delete "$1/" "$2/")
    [ -z "$differences" ] || fail "$1 and $2 differ: $(head -5 <<<"$differences")"
}
