#!/usr/bin/env bash
# Makes all that a release publishes, on one machine, from a clean clone of the checked-out commit:
#
#   tools/release.sh VERSION
#
# Below target/release-VERSION: two Debian packages, the Windows zip, the static Linux programs, an SBOM of each program
# (CycloneDX), the licences of what is linked in, the changelog of this version, and SHA256SUMS of all of them. A folder of an
# earlier run is compared with this one: the same bytes, or each file that differs.
#
# Needs: git, a C compiler, rustup, zip, musl-tools, and what tools/windows.sh setup installs. It does not publish anything.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$PWD
VERSION=${1:-}
[ -n "$VERSION" ] || { sed -n '2,12p' "$0"; exit 2; }

die() { printf '%s\n' "$*" >&2; exit 1; }
say() { printf -- '-- %s\n' "$*"; }

for program in git rustup zip unzip musl-gcc; do
    command -v "$program" >/dev/null || die "$program is not installed here"
done
[ -z "$(git status --porcelain)" ] || die "there are changes that are not committed: $(git status --porcelain | head -n 3)"
grep -qx "version = \"$VERSION\"" Cargo.toml || die "Cargo.toml has another version: $(grep '^version = ' Cargo.toml)"
# The changelog's part: from its heading up to the next.
changes() { awk -v heading="## $VERSION" 'index($0, "## ") == 1 {part = $0 == heading || index($0, heading " ") == 1; next} part' CHANGELOG.md; }
[ -n "$(changes)" ] || die "CHANGELOG.md has no part \"## $VERSION\""

OUT=$ROOT/target/release-$VERSION
PLACE=$(mktemp -d)
trap 'rm -rf "$PLACE"' EXIT
git clone --quiet --no-hardlinks "$ROOT" "$PLACE/penutup"
cd "$PLACE/penutup"
COMMIT=$(git rev-parse HEAD)
say "penutup $VERSION, commit $COMMIT, $(rustc --version)"

# The tools are kept from one run to the next; all that is published is made anew.
export PENUTUP_TOOLS=${PENUTUP_TOOLS:-$ROOT/target/package/tools}
for part in deb static zip sbom; do
    say "tools/package.sh $part"
    tools/package.sh "$part"
done

NEW=$PLACE/new
mkdir "$NEW"
cp target/package/*.deb target/package/*.zip target/package/*.tar.gz target/package/*.cdx.json "$NEW/"
cp target/package/texts/licences.txt "$NEW/penutup-$VERSION-licences.txt"
cp target/package/texts/licences-fleet.txt "$NEW/penutup-fleet-$VERSION-licences.txt"
changes >"$NEW/CHANGES-$VERSION.md"
( cd "$NEW" && sha256sum -- * >"$PLACE/SHA256SUMS" )
mv "$PLACE/SHA256SUMS" "$NEW/"

if [ -e "$OUT/SHA256SUMS" ]; then
    if diff "$OUT/SHA256SUMS" "$NEW/SHA256SUMS" >"$PLACE/differs"; then
        say "the same bytes as in the run before"
    else
        say "differs from the run before (<: before, >: now)"
        cat "$PLACE/differs"
    fi
fi
rm -rf "$OUT"
mv "$NEW" "$OUT"
( cd "$OUT" && sha256sum --check --quiet SHA256SUMS )
say "target/release-$VERSION"
( cd "$OUT" && stat -c '%s bytes  %n' -- * )
