#!/usr/bin/env bash
# Makes and tries the packages. All that it makes lies in target/package. docs/packages.md says what is in them.
#
#   tools/package.sh build     the program as it is packaged: paths of this machine taken out, its crates listed in it
#   tools/package.sh texts     man pages, completions, changelog, the licences of what is linked in
#   tools/package.sh deb       the two Debian packages, of penutup and of penutup-fleet
#   tools/package.sh check     installs, runs, removes and purges the Debian packages in a fresh root (root, debootstrap)
#   tools/package.sh install   cargo install --locked --path . into a folder of its own, and runs it; cargo run --release
#   tools/package.sh zip       the portable folder for Windows (tools/windows.sh)
#   tools/package.sh static    the portable folder for every Linux: statically linked programs (musl-gcc, rustup)
#   tools/package.sh sbom      what is linked into each program, as CycloneDX files
#   tools/package.sh card      prints docs/cso.html: one sheet of A4 (Chromium). Part of .ci/run
#   tools/package.sh same      program and package built in two folders, compared
#   tools/package.sh list      what would be packed; builds nothing. Part of .ci/run
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$PWD
OUT=$ROOT/target/package
NAME=penutup
FLEET=penutup-fleet
VERSION=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The tools that make the package, so that two machines make the same one.
CARGO_DEB=3.8.0
CARGO_AUDITABLE=0.7.7
CARGO_CYCLONEDX=0.5.9

die() { printf '%s\n' "$*" >&2; exit 1; }
skip() { printf 'SKIPPED %s\n' "$*"; exit 0; }
say() { printf -- '-- %s\n' "$*"; }

# When the sources were committed, else when the changelog was written: the only time that a package knows.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null) || SOURCE_DATE_EPOCH=$(stat -c %Y CHANGELOG.md)
fi
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022

# tool NAME VERSION: puts this version of a cargo tool first on PATH, installed below target/package where it lacks.
TOOLS=${PENUTUP_TOOLS:-$OUT/tools}
tool() {
    if cargo install --list 2>/dev/null | grep -q "^$1 v$2:" && command -v "$1" >/dev/null; then return; fi
    PATH=$TOOLS/$1-$2/bin:$PATH
    [ ! -x "$TOOLS/$1-$2/bin/$1" ] || return 0
    say "cargo install $1 $2"
    cargo install --quiet --locked --version "$2" --root "$TOOLS/$1-$2" --target-dir "$TOOLS/build" "$1"
    rm -rf "$TOOLS/build"
}

# What the compilers would otherwise write of this machine's paths into the program, and the commit that it names.
plain_paths() {
    if PENUTUP_COMMIT=$(git rev-parse HEAD 2>/dev/null); then
        [ -z "$(git status --porcelain)" ] || PENUTUP_COMMIT="$PENUTUP_COMMIT with changes"
        export PENUTUP_COMMIT
    else
        unset PENUTUP_COMMIT
    fi
    local cargo_home=${CARGO_HOME:-$HOME/.cargo} rust; rust=$(rustc --print sysroot)
    export RUSTFLAGS="--remap-path-prefix=$rust=/rust --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$ROOT=/penutup"
    export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$ROOT=/penutup"
}

build() {
    mkdir -p "$OUT"
    tool cargo-auditable "$CARGO_AUDITABLE"
    ( plain_paths; cargo auditable build --quiet --release --locked --package penutup --bin "$NAME" \
        --package "$FLEET" --bin "$FLEET" --target-dir "$OUT/build" )
    PROGRAM=$OUT/build/release/$NAME
    local program
    for program in "$NAME" "$FLEET"; do
        say "$(stat -c '%s bytes' "$OUT/build/release/$program")  $(sha256sum <"$OUT/build/release/$program" | cut -c 1-64)  $program"
    done
}

# licences TARGET PACKAGE: whose code is linked in, and its licences, word for word.
licences() {
    local sources=${CARGO_HOME:-$HOME/.cargo}/registry/src crate version folder file
    cargo tree --locked --package "$2" --edges normal --target "$1" --prefix none --format '{p}' | awk '{print $1, substr($2, 2)}' \
        | LC_ALL=C sort -u | while read -r crate version; do
        # The project's own crates have its licence.
        case $crate in "$NAME" | "$NAME"-*) continue ;; esac
        folder=$(printf '%s\n' "$sources"/*/"$crate-$version" | head -n 1)
        [ -d "$folder" ] || die "the sources of $crate $version are not there"
        printf '%s %s (%s)\n\n' "$crate" "$version" "$(sed -n 's/^license = "\(.*\)"/\1/p' "$folder/Cargo.toml")"
        for file in "$folder"/LICEN[CS]E* "$folder"/COPYRIGHT* "$folder"/NOTICE*; do
            if [ -f "$file" ]; then cat "$file"; echo; fi
        done
        echo "----"
    done
}

texts() {
    [ -n "${PROGRAM:-}" ] || build
    local to=$OUT/texts; rm -rf "$to"; mkdir -p "$to/en"
    local run=(env -u PENUTUP_LANG -u PENUTUP_RULES -u PENUTUP_SETTINGS HOME="$to" "$PROGRAM")
    # As Debian has it: English in man1, Indonesian in id/man1, which man shows where the user's language is Indonesian.
    "${run[@]}" --lang en man >"$to/en/$NAME.1"
    "${run[@]}" --lang id man >"$to/$NAME.1"
    "${run[@]}" completions bash >"$to/$NAME.bash"
    "${run[@]}" completions zsh >"$to/_$NAME"
    "${run[@]}" completions fish >"$to/$NAME.fish"
    "${run[@]}" completions powershell >"$to/$NAME.ps1"
    local host; host=$(rustc -vV | sed -n 's/^host: //p')
    licences "$host" "$NAME" >"$to/licences.txt"
    licences "$host" "$FLEET" >"$to/licences-fleet.txt"
    debian_changelog "$NAME" >"$to/debian-changelog"
    debian_changelog "$FLEET" >"$to/debian-changelog-fleet"
    gzip -9n -c CHANGELOG.md >"$to/changelog.gz"
    gzip -9n -c "$to/licences.txt" >"$to/licences.txt.gz"
    gzip -9n -c "$to/licences-fleet.txt" >"$to/licences-fleet.txt.gz"
}

debian_changelog() {
    printf '%s (%s-1) unstable; urgency=medium\n\n  * See changelog.gz, which tells users what changes.\n\n -- %s  %s\n' "$1" \
        "$VERSION" "$(sed -n 's/^maintainer *= *"\(.*\)"/\1/p' Cargo.toml)" "$(date -R -d "@$SOURCE_DATE_EPOCH")"
}

deb() {
    tool cargo-deb "$CARGO_DEB"
    texts
    rm -f "$OUT"/*.deb
    local package
    for package in "$NAME" "$FLEET"; do
        CARGO_TARGET_DIR=$OUT/build cargo deb --package "$package" --quiet --no-build --no-strip --locked --output "$OUT/"
    done
    DEB=$(printf '%s\n' "$OUT/$NAME"_*.deb) FLEET_DEB=$(printf '%s\n' "$OUT/$FLEET"_*.deb)
    for package in "$DEB" "$FLEET_DEB"; do
        say "$(stat -c '%s bytes' "$package")  $(sha256sum <"$package" | cut -c 1-64)  ${package##*/}"
    done
    if command -v lintian >/dev/null; then
        # The first tag is about Debian's own archive; penutup-fleet explains itself by --help and its pages, and its units are
        # not enabled by installing them. Lintian itself warns root.
        lintian --allow-root --suppress-tags initial-upload-closes-no-bugs --fail-on error,warning "$DEB"
        lintian --allow-root --suppress-tags initial-upload-closes-no-bugs,no-manual-page --fail-on error,warning "$FLEET_DEB"
        say "lintian: no error, no warning"
    else
        say "SKIPPED lintian: it is not installed here"
    fi
}

# mirror: where this machine's apt gets Debian from.
mirror() {
    awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; i++) if ($i ~ /^http/) {print $i; exit}}' \
        /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep . || echo http://deb.debian.org/debian
}

# A fresh Debian in FRESH, gone with the script.
fresh_root() {
    FRESH=$(mktemp -d); chmod 755 "$FRESH"
    trap 'umount -q "$FRESH/proc" || true; rm -rf --one-file-system "$FRESH"' EXIT
    # Other systems' root is made on Debian's present stable one: the package depends on a libc, not on a distribution.
    local suite; suite=$(. /etc/os-release; [ "$ID" = debian ] && echo "${VERSION_CODENAME:-}" || true)
    say "debootstrap ${suite:-stable} from $(mirror)"
    debootstrap --variant=minbase --include=man-db "${suite:-stable}" "$FRESH" "$(mirror)" >"$OUT/debootstrap.log" \
        || { tail -n 5 "$OUT/debootstrap.log"; skip "check: debootstrap can't make a root here"; }
    mount -t proc proc "$FRESH/proc"
    chroot "$FRESH" useradd --create-home --shell /bin/bash cso
}

in_root() { chroot "$FRESH" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }
as_cso() { in_root su cso -c "cd; $1"; }

# Every path of the root but what apt, dpkg and man note down about themselves.
paths() {
    find "$FRESH" -xdev -path "$FRESH/proc" -prune -o -printf '%P\n' \
        | grep -vE '^var/(log/|cache/(man|apt|ldconfig)(/|$)|lib/dpkg/(status-old|available-old|triggers/|lock)|lib/apt/)' | LC_ALL=C sort
}

# holds WHAT COMMAND: what a user of the root runs prints this.
holds() {
    local out; out=$(as_cso "$2" 2>&1) || die "$2: $out"
    case $out in *"$1"*) say "$2: $(printf %s "$out" | head -n 1)" ;; *) die "$2: $1 is not in: $out" ;; esac
}

apt_does() { in_root sh -c "$1" >"$OUT/apt.log" 2>&1 || die "$(cat "$OUT/apt.log")"; }

# gone HOW: after apt has done this the root is as it was before.
gone() {
    apt_does "apt $1 -y penutup"
    paths >"$OUT/after"
    diff "$OUT/before" "$OUT/after" || die "apt $1 leaves these behind"
    say "apt $1: nothing is left"
}

check() {
    [ "$(id -u)" = 0 ] || skip "check: only root makes a fresh root"
    command -v debootstrap >/dev/null || skip "check: debootstrap is not installed here"
    deb
    fresh_root
    cp "$DEB" "$FLEET_DEB" "$FRESH/root/"
    in_root mandb --quiet || true
    paths >"$OUT/before"
    apt_does 'cd && apt install -y ./penutup_*.deb'
    in_root dpkg -L "$NAME" | while read -r path; do [ -e "$FRESH$path" ] || die "$path is not there"; done
    holds 'selamat siang Ibu Siti Aminah' "penutup say klb=ya sapaan=ibu nama='Siti Aminah' --at 12:00"
    holds '12 situasi, masing-masing tepat satu jawaban' 'penutup check'
    holds 'tepat satu jawaban' 'penutup check /usr/share/doc/penutup/examples/rules.toml'
    holds 'General Commands Manual' 'MANWIDTH=80 man penutup | col -b'
    holds 'PERINTAH' 'MANWIDTH=80 man -L id penutup | col -b'
    holds '-F _penutup penutup' '. /usr/share/bash-completion/completions/penutup; complete -p penutup'
    holds 'status 2' "penutup </dev/null >/dev/null 2>&1; echo status \$?"
    holds 'Copyright' 'cat /usr/share/doc/penutup/copyright'
    apt_does 'cd && apt install -y ./penutup-fleet_*.deb'
    in_root dpkg -L "$FLEET" | while read -r path; do [ -e "$FRESH$path" ] || die "$path is not there"; done
    holds 'penutup-fleet' 'penutup-fleet --version'
    holds '2 seats' 'cd "$(mktemp -d)" && PENUTUP_LANG=en penutup-fleet provision /usr/share/doc/penutup-fleet/fleet/deploy/two-seats.toml two && rm -rf "$PWD"'
    apt_does "apt purge -y $FLEET"
    gone remove
    # Without files of its own in /etc nothing is left to purge: purging is tried on an installed one.
    apt_does 'cd && apt install -y ./penutup_*.deb'
    gone purge
    ! in_root dpkg -L "$NAME" >/dev/null 2>&1 || die "dpkg still knows it"
    say "installed, run, removed, installed, purged: $(wc -l <"$OUT/before") paths before and after"
}

install_from_source() {
    local to; to=$(mktemp -d)
    cargo install --locked --path . --quiet --root "$to" --target-dir "$OUT/install"
    "$to/bin/$NAME" say --at 12:00
    [ "$(find "$to/bin" -type f | wc -l)" = 1 ] || die "more than the program is installed"
    say "$(stat -c '%s bytes' "$to/bin/$NAME")  $NAME"
    rm -rf "$to"
    cargo run --release --locked --quiet --target-dir "$OUT/install" -- say --at 12:00
}

# portable TARGET FOLDER FILE...: a folder below OUT with these files and all that a user needs beside the programs.
portable() {
    local target=$1 to=$OUT/$2
    rm -rf "$to"; mkdir -p "$to/docs" "$to/fleet" "$to/contoh/decks"
    cp "${@:3}" README.md README.id.md CHANGELOG.md "$to/"
    cp -r docs/. "$to/docs/"
    cp -r fleet/deploy "$to/fleet/deploy"
    cp config/rules.toml config/settings.toml "$to/contoh/"
    cp assets/scenarios-own.toml "$to/contoh/scenarios.toml"
    cp assets/deck.toml "$to/contoh/decks/contoh.toml"
    { licences "$target" "$NAME"; licences "$target" "$FLEET"; } >"$to/licences.txt"
    find "$to" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

static() {
    local target=x86_64-unknown-linux-musl program
    command -v musl-gcc >/dev/null || die "musl-gcc is not installed here (Debian: musl-tools)"
    rustup target list --installed | grep -qx "$target" || rustup target add "$target"
    tool cargo-auditable "$CARGO_AUDITABLE"
    (
        plain_paths
        export CC_x86_64_unknown_linux_musl=musl-gcc
        cargo auditable build --quiet --release --locked --target "$target" --package penutup --bin "$NAME" \
            --package "$FLEET" --bin "$FLEET" --target-dir "$OUT/build"
    )
    local built=$OUT/build/$target/release folder=$NAME-$VERSION-linux-x86_64
    texts
    for program in "$NAME" "$FLEET"; do
        # Run where there is no C library at all.
        ! ldd "$built/$program" >/dev/null 2>&1 || [[ $(ldd "$built/$program") == *"statically linked"* ]] || die "$program is not static"
        say "$(stat -c '%s bytes' "$built/$program")  $(sha256sum <"$built/$program" | cut -c 1-64)  $program, static"
    done
    local told; told=$("$built/$NAME" say klb=ya --at 12:00)
    [ "$told" = "$("$OUT/build/release/$NAME" say klb=ya --at 12:00)" ] || die "the static program says: $told"
    portable "$target" "$folder" "$built/$NAME" "$built/$FLEET" LICENSE "$OUT/texts/$NAME.1" "$OUT/texts/$NAME.bash" "$OUT/texts/_$NAME" \
        "$OUT/texts/$NAME.fish"
    tar --directory "$OUT" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --create "$folder" \
        | gzip -9n >"$OUT/$folder.tar.gz"
    say "$(stat -c '%s bytes' "$OUT/$folder.tar.gz")  $(sha256sum <"$OUT/$folder.tar.gz" | cut -c 1-64)  $folder.tar.gz"
}

# What Cargo links into each program on Linux.
sbom() {
    tool cargo-cyclonedx "$CARGO_CYCLONEDX"
    local package folder
    for package in "$NAME:." "$FLEET:fleet"; do
        folder=${package#*:}; package=${package%:*}
        cargo cyclonedx --quiet --manifest-path "$folder/Cargo.toml" --format json --spec-version 1.5 --no-build-deps \
            --target x86_64-unknown-linux-gnu --override-filename "$package-$VERSION.cdx"
        sed "s|path+file://$ROOT|path+file:///penutup|g" "$folder/$package-$VERSION.cdx.json" >"$OUT/$package-$VERSION.cdx.json"
        # One is written beside the manifest of each crate of the project.
        find . -name "$package-$VERSION.cdx.json" -not -path './target/*' -delete
        say "$(grep -c '"purl"' "$OUT/$package-$VERSION.cdx.json") crates  $package-$VERSION.cdx.json"
    done
}

zip_for_windows() {
    command -v zip >/dev/null || die "zip is not installed here"
    local target=x86_64-pc-windows-gnu
    tool cargo-auditable "$CARGO_AUDITABLE"
    # tools/windows.sh runs "cargo build": a cargo that lets cargo-auditable do it.
    mkdir -p "$TOOLS/auditing"
    printf '#!/bin/sh\nPATH=${PATH#*:}\nexec cargo auditable "$@"\n' >"$TOOLS/auditing/cargo"
    chmod +x "$TOOLS/auditing/cargo"
    # The linker dates a Windows program unless it is told not to.
    (
        plain_paths
        export RUSTFLAGS="$RUSTFLAGS -Clink-arg=-Wl,--no-insert-timestamp"
        PATH=$TOOLS/auditing:$PATH tools/windows.sh build --quiet --release --locked --bin "$NAME" --bin "$FLEET"
    )
    local exe=target/windows/$target/release/$NAME.exe folder=$NAME-$VERSION-windows-x86_64
    [ -f "$exe" ] || die "$exe was not built"
    texts
    cp LICENSE "$OUT/texts/LICENSE.txt"
    # Names that Windows opens with a click.
    portable "$target" "$folder" "$exe" "${exe%/*}/$FLEET.exe" "$OUT/texts/$NAME.ps1" "$OUT/texts/LICENSE.txt"
    rm -f "$OUT/$folder.zip"
    ( cd "$OUT" && find "$folder" | LC_ALL=C sort | zip -q -X -9 "$folder.zip" -@ )
    say "$(stat -c '%s bytes' "$exe")  $(sha256sum <"$exe" | cut -c 1-64)  $NAME.exe"
    say "$(stat -c '%s bytes' "$OUT/$folder.zip")  $(sha256sum <"$OUT/$folder.zip" | cut -c 1-64)  $folder.zip"
    local there; there=$(mktemp -d)
    ( cd "$there" && unzip -q "$OUT/$folder.zip" )
    local told; told=$(tools/windows.sh run "$there/$folder/$NAME.exe" say klb=ya --at 12:00 | tr -d '\r')
    [ "$told" = "$("$OUT/build/release/$NAME" say klb=ya --at 12:00)" ] || die "Windows says: $told"
    say "under Wine, from the zip: $told"
    told=$(tools/windows.sh run "$there/$folder/$FLEET.exe" --version | tr -d '\r')
    [ "$told" = "$FLEET $VERSION" ] || die "the fleet's program says: $told"
    say "under Wine, from the zip: $told"
    rm -rf "$there"
}

# The committed sources in two folders of different length; what both make of them.
same() {
    local there
    PLACES=$(mktemp -d)
    trap 'rm -rf "$PLACES"' EXIT
    tool cargo-auditable "$CARGO_AUDITABLE"; tool cargo-deb "$CARGO_DEB"
    for there in "$PLACES/p" "$PLACES/a/much/longer/way"; do
        git clone --quiet --no-hardlinks . "$there"
        (
            cd "$there"
            PENUTUP_TOOLS=$TOOLS tools/package.sh deb >"$OUT/same.log" 2>&1 || { tail -n 20 "$OUT/same.log" >&2; exit 1; }
            cd target/package
            sha256sum build/release/penutup build/release/penutup-fleet ./*.deb texts/*.* texts/en/*
        ) >"$OUT/same-${there##*/}"
    done
    cat "$OUT/same-p"
    diff "$OUT/same-p" "$OUT/same-way" || die "the two folders differ"
    say "both folders made the same"
}

# The CSO's sheet as a browser prints it.
card() {
    local browser there pages
    browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip "card: no Chromium here"
    there=$(mktemp -d)
    # As root a Chromium has no sandbox; it reads one file of ours.
    HOME=$there timeout 120 "$browser" --headless --no-sandbox --disable-gpu --no-pdf-header-footer \
        --print-to-pdf="$there/card.pdf" "file://$ROOT/docs/cso.html" >"$there/log" 2>&1 || { tail -n 3 "$there/log"; die "card: not printed"; }
    pages=$(grep -ac '/Type */Page\b' "$there/card.pdf")
    grep -aq '/MediaBox *\[0 0 59[45][.0-9]* 84[12]' "$there/card.pdf" || die "card: not A4"
    cp "$there/card.pdf" "$OUT/"; rm -rf "$there"
    [ "$pages" = 1 ] || die "card: $pages sheets"
    say "card: one sheet of A4"
}

list() {
    # Only what is committed is packed, and nothing that no user needs.
    local packed; packed=$(cargo package --package penutup --list --locked --allow-dirty)
    for file in src/main.rs assets/scenarios.toml config/rules.toml README.md LICENSE; do
        grep -qx "$file" <<<"$packed" || die "cargo package lacks $file"
    done
    ! grep -E '^(\.ci|fuzz|target)/' <<<"$packed" || die "cargo package packs these"
    # Every file that the Debian packages name is there, or is made by "texts". Paths are relative to the manifest's folder.
    local folder asset assets
    for folder in . fleet; do
        assets=$(sed -n '/^\[package.metadata.deb\]/,/^\[[^p]/p' "$folder/Cargo.toml" | sed -n 's/^ *\["\([^"]*\)".*/\1/p')
        grep -q target/release/ <<<"$assets" || die "$folder/Cargo.toml describes no Debian package"
        while read -r asset; do
            case $asset in
                target/release/*) ;;
                target/package/texts/* | ../target/package/texts/*)
                    grep -q "\$to/$(basename "$asset" | sed "s/penutup/\$NAME/")" tools/package.sh || die "nobody makes $asset" ;;
                *) compgen -G "$folder/$asset" >/dev/null || die "$folder/$asset is not there" ;;
            esac
        done <<<"$assets"
    done
    for asset in README.md penutup-nats.service penutup-archive.service penutup-fleet.sysusers postgres.sql pg_hba.conf seats.yml penutup-seat.cmd; do
        [ -f "fleet/deploy/$asset" ] || die "fleet/deploy lacks $asset, which the packages have"
    done
    say "cargo package: $(wc -l <<<"$packed") files; every file of the two Debian packages is there"
}

case ${1:-} in
    build | texts | deb | check | static | sbom | card | same | list) mkdir -p "$OUT"; "$1" ;;
    install) mkdir -p "$OUT"; install_from_source ;;
    zip) mkdir -p "$OUT"; zip_for_windows ;;
    *) sed -n '2,15p' "$0"; exit 2 ;;
esac
