#!/usr/bin/env bash
# demo.sh BUILD FILE - a whole ceremony over FILE on this machine: four
# services, an engineer and two stewards, one signature, verified offline and
# with stock tools.  Leaves everything in a directory that it names.
set -euo pipefail
build=$(cd "$1" && pwd)
file=$(realpath "$2")
[ -f "$file" ] || { echo "demo: $2: not a file" >&2; exit 3; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/quorate-demo.XXXXXX")
PATH=$build:$PATH
up=
stop() {
    [ -z "$up" ] || { kill "$up" 2>/dev/null || true; wait "$up" 2>/dev/null || true; }
}
trap stop EXIT
step() { printf '\n== %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

step "Services, keys and a simulated TEE in $dir/state"
"$build/quorate" up --state-dir "$dir/state" --any-port --ready-file "$dir/env" \
    > "$dir/up.out" 2> "$dir/up.err" &
up=$!
for _ in $(seq 600); do
    [ -e "$dir/env" ] && break
    kill -0 "$up" 2>/dev/null || { cat "$dir/up.err" >&2; exit 1; }
    sleep 0.1
done
[ -e "$dir/env" ] || { cat "$dir/up.err" >&2; echo "demo: the services did not start" >&2; exit 7; }
# shellcheck disable=SC1091
. "$dir/env"

step "Alice, an engineer, asks for a signature"
run quorate request --email alice@ex.com --payload dsse,raw,sshsig "$file" > "$dir/session"
session=$(tail -n 1 "$dir/session")
echo "$session"

step "Alice and two stewards approve, each from a process of their own"
pids=()
for who in Alice:alice@ex.com Bob:bob@ex.com Carol:carol@ex.com; do
    name=${who%%:*}
    quorate join --session "$session" --name "$name" --email "${who#*:}" --file "$file" --yes \
        --output "$dir/$name.quorate" > "$dir/$name.out" 2> "$dir/$name.err" &
    pids+=($!)
done
for p in "${pids[@]}"; do
    wait "$p" || { cat "$dir"/*.err >&2; echo "demo: a participant failed" >&2; exit 1; }
done
cat "$dir/Alice.err"
bundle=$dir/Alice.quorate

step "The session's entries in the log"
run quorate show --session "$session"

step "Verified offline: a quorum approved this file, and the key they made signed it"
stop
up=
run quorate verify "$file" --bundle "$bundle" --trust "$dir/state/trust" --emit-key "$dir/release"
run tlog-verify bundle --trust "$dir/state/trust" --file "$file" "$bundle"

step "The same signatures with stock tools (they prove the key, not the quorum)"
run ssh-keygen -Y verify -f "$dir/release.allowed_signers" -I quorate -n file \
    -s "$dir/release.sshsig" < "$file"
run openssl pkeyutl -verify -rawin -pubin -inkey "$dir/release" \
    -sigfile "$dir/release.sig" -in "$file"

printf '\nSession: %s\nBundle:  %s\n' "$session" "$bundle"
