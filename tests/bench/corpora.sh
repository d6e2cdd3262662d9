#!/usr/bin/env bash
# Builds the corpora of `peers.py` from packages of PyPI, Debian and npm: what anybody can fetch again.
# usage: corpora.sh WORK_DIRECTORY [releases] [system] [small]
#
#   releases  eight successive releases of ansible, unpacked; a file that did not change keeps its date
#   system    what Debian packages install: programs, libraries, documentation, fonts, jars
#   small     a node_modules forest, no scripts run
set -euo pipefail
work=$(realpath "${1:?the work directory}")
shift
mkdir -p "$work/fetched"

releases() {
  local before='' version target
  for version in 10.0.1 10.1.0 10.2.0 10.3.0 10.4.0 10.5.0 10.6.0 10.7.0; do
    target=$work/releases/$version
    [ -d "$target" ] || {
      pip download -q --no-deps --only-binary :all: "ansible==$version" -d "$work/fetched"
      mkdir -p "$target.part"
      python3 -m zipfile -e "$work/fetched/ansible-$version"-*.whl "$target.part"
      [ -z "$before" ] || keep_dates "$before" "$target.part"
      mv "$target.part" "$target"
    }
    before=$target
  done
}

# Whatever has the same content as in the release before gets its date: as if the tree had been edited.
keep_dates() {
  python3 - "$1" "$2" <<'PYTHON'
import filecmp, os, sys
before, after = sys.argv[1:]
for folder, _, names in os.walk(after):
    for name in names:
        new = os.path.join(folder, name)
        old = os.path.join(before, os.path.relpath(new, after))
        if os.path.isfile(old) and not os.path.islink(new) and filecmp.cmp(old, new, shallow=False):
            date = os.stat(old).st_mtime_ns
            os.utime(new, ns=(date, date))
PYTHON
}

system() {
  [ -d "$work/system" ] && return
  mkdir -p "$work/fetched/debian" "$work/system.part"
  local packages=(
    libreoffice-core libreoffice-common libreoffice-help-de openjdk-17-jre-headless
    gcc-12 cpp-12 g++-12 libstdc++-12-dev python3-numpy python3-scipy python3-pandas python3-matplotlib
    python3-django python3-babel emacs-el emacs-common golang-1.19-src maven libscala-java
    perl-modules-5.36 perl-doc git git-doc postgresql-15 postgresql-doc-15 vim-runtime fonts-noto-core
    llvm-14 libllvm14 nodejs node-typescript gimp gimp-data php8.2-cli libruby3.1 iso-codes
    qemu-system-data inkscape samba samba-libs evolution-data-server doc-rfc-std icu-doc manpages-dev
    adwaita-icon-theme papirus-icon-theme wamerican wngerman
  )
  (
    cd "$work/fetched/debian"
    for package in "${packages[@]}"; do
      ls "$package"_*.deb >/dev/null 2>&1 || apt-get -q download "$package" >/dev/null 2>&1 ||
        echo "without $package, which cannot be fetched" >&2
    done
  )
  for package in "$work/fetched/debian"/*.deb; do
    dpkg-deb -x "$package" "$work/system.part"
  done
  mv "$work/system.part" "$work/system"
}

small() {
  [ -d "$work/small" ] && return
  mkdir -p "$work/small.part"
  (
    cd "$work/small.part"
    npm init -y >/dev/null
    npm install --ignore-scripts --no-audit --no-fund --legacy-peer-deps --loglevel=error \
      @mui/icons-material@5 @mui/material@5 react@18 react-dom@18 date-fns@3 lodash@4 lodash-es@4 core-js@3 rxjs@7 \
      typescript@5 webpack@5 jest@29 eslint@8 @angular/compiler@17 @angular/core@17 antd@5 @ant-design/icons@5 \
      ionicons@7 simple-icons@13 mathjs@13 three@0.169 @aws-sdk/client-s3@3 vue@3 svelte@4 expo@51
  )
  mv "$work/small.part" "$work/small"
}

if [ $# -eq 0 ]; then set -- releases system small; fi
for corpus in "$@"; do
  "$corpus"
  echo "$corpus: $(find "$work/$corpus" | wc -l) names, $(du -sb "$work/$corpus" | cut -f1) bytes"
done
