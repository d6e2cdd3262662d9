#!/usr/bin/env bash
# Six versions of a real tree of at least 10,000 files, kept by zarc and by zpaq 7.15: both must
# list, compare and restore the same. Times, memory and sizes of both for the record.
# usage: zpaq_history.sh [WORK_DIRECTORY [TREE]...]
source "$(dirname "$0")/lib.sh"
export LC_ALL=C
sources=("${@:2}")
[ ${#sources[@]} -gt 0 ] || sources=(/usr/share)
rows=$root/tests/acceptance/zpaq_rows.py
[[ $(zpaq 2>/dev/null || true) == 'zpaq v7.15'* ]] || fail "there is no zpaq 7.15 (Debian package zpaq)"
rm -rf tree a.zpaq a.zarc from-zpaq from-zarc
# zpaq knows files and directories only.
mkdir tree
cp -a "${sources[@]}" tree
find tree ! -type f ! -type d -delete
files=$(find tree -type f | wc -l)
[ "$files" -ge 10000 ] || fail "${sources[*]}: only $files files"

comparisons=0 rows_compared=0 different=0

# Every n-th file of the tree, in the order of names, each with a NUL.
every() { find tree -type f -print0 | sort -z | sed -z -n "0~$1p"; }
# The n-th directory that holds files but no directories.
leaf() { find tree -mindepth 2 -type d -links 2 ! -empty | sort | sed -n "$1p"; }
begin_changes() { touch -d '2 seconds ago' stamp; }
# What changed gets a date of its own for each version, for zpaq sees only seconds.
end_changes() { find tree -newer stamp -exec touch -d "2001-0$1-01 12:00:00" {} +; }

add() {
    local version=$1
    shift
    timed "version $version, zpaq add" zpaq add a "$@" >zpaq.txt 2>&1
    grep 's wall' zpaq.txt
    timed "version $version, zarc add" "$zarc" add a "$@" -quiet
    say "  archives: zpaq $(stat -c %s a.zpaq), zarc $(stat -c %s a.zarc) bytes"
}

# Both list, and the rows are compared.
same_list() {
    zpaq list a "$@" 2>zpaq.txt >zpaq.list || fail "zpaq list a $*: $(cat zpaq.txt)"
    "$zarc" list a "$@" >zarc.list || fail "zarc list a $*"
    "$rows" zpaq.list zpaq.all "$@" >zpaq.rows
    "$rows" zarc.list zarc.all "$@" >zarc.rows
    local count
    count=$(wc -l <zarc.rows)
    comparisons=$((comparisons + 1)) rows_compared=$((rows_compared + count))
    if cmp -s zpaq.rows zarc.rows; then
        say "list $*: $count rows, the same"
    else
        different=$((different + 1))
        say "list $*: DIFFERENT: $(comm -23 zpaq.rows zarc.rows | wc -l) rows of zpaq only, $(comm -13 zpaq.rows zarc.rows | wc -l) of zarc only"
        diff zpaq.rows zarc.rows | head -10 || true
    fi
}

say "tree: ${sources[*]}, $files files, $(find tree -type d | wc -l) directories, $(du -sb tree | cut -f1) bytes"
add 1 tree

begin_changes
every 17 | xargs -0 rm
every 13 | while IFS= read -r -d '' file; do printf 'appended\n' >>"$file"; done
every 11 | xargs -0 chmod 600
find tree -type d | sort | sed -n '0~50p' | while IFS= read -r directory; do printf 'new\n' >"$directory/new file"; done
end_changes 2
add 2 tree

begin_changes
for number in 5 55 105; do mv "$(leaf $number)" "tree/moved $number"; done
every 7 | xargs -0 touch
every 31 | while IFS= read -r -d '' file; do mv "$file" "$file.renamed"; done
end_changes 3
add 3 tree

begin_changes
rm -r "$(leaf 20)" "$(leaf 70)"
becoming_file=$(leaf 40)
rm -r "$becoming_file"
printf 'a file now\n' >"$becoming_file"
every 1999 | while IFS= read -r -d '' file; do rm "$file" && mkdir "$file" && printf 'in it\n' >"$file/inside"; done
cp -a "$(leaf 90)" tree/copied
end_changes 4
add 4 tree

begin_changes
find tree -type d | sort | sed -n '0~40p' | tr '\n' '\0' | xargs -0 chmod 700
every 23 | xargs -0 truncate -s 100
mkdir -p 'tree/empty one/empty two'
end_changes 5
add 5 tree

begin_changes
every 19 | xargs -0 chmod 640
part=$(find tree -mindepth 1 -maxdepth 1 -type d | sort | sed -n 3p)
every 29 | xargs -0 rm
end_changes 6
add 6 "$part"

zpaq list a -all >zpaq.all 2>zpaq.txt
"$zarc" list a -all >zarc.all
same_list
same_list -all
same_list -all 2 -not '??/?*'
for version in 0 1 2 3 4 5 6 -1 -3 -6; do same_list -until "$version"; done
same_list -all -until 3
for glob in '*.txt' '*/doc/*' '*/moved*' "$part" 'tree/?*/*a*' '*new file' '*.renamed' '*/' 'tree/*/*/*/*' 't???'; do
    same_list -only "$glob"
    same_list -not "$glob"
done
same_list -only '*.h' '*.py' '*.gz' -not '*a*' '*/b*'
same_list -all -only '*/inside' '*.renamed'
same_list -all -not '*/*.gz' '*/moved*'
same_list tree
same_list tree -not =
same_list tree -not '=-' '*.gz'
same_list tree -not '=' -until 3
same_list "$part" -not =
same_list "$part" -only '*.txt' '*.h'
same_list "$work/tree" -to tree -not =
same_list "$part" -to 'tree/moved 5'
same_list tree -force -not =

timed "zpaq list -all" zpaq list a -all 2>/dev/null | tail -1
timed "zarc list -all" "$zarc" list a -all | tail -1
timed "zpaq extract" zpaq extract a -to from-zpaq -until 4 >zpaq.txt 2>&1
grep 's wall' zpaq.txt
timed "zarc extract" "$zarc" extract a -to from-zarc -until 4 -quiet
differences=$(rsync -rptni --modify-window=1 --checksum --delete from-zpaq/tree/ from-zarc/tree/)
[ -z "$differences" ] || fail "the restored trees differ: $(head -5 <<<"$differences")"
say "restored trees of version 4: the same, $(find from-zarc/tree | wc -l) names"
"$zarc" test a
say "$comparisons listings with $rows_compared rows compared, $different different"
rm -rf tree from-zpaq from-zarc a.zpaq a.zarc
[ "$different" = 0 ] || fail "zarc and zpaq do not list the same"
