#!/usr/bin/env bash
# Makes sure that a Docker daemon answers and that the sandbox image exists.
# As root on Debian or Ubuntu it installs and starts what is missing; elsewhere it says what to do.
set -euo pipefail
cd "$(dirname "$0")/.."

log=${EVALKIT_DOCKERD_LOG:-/var/log/evalkit-dockerd.log}
say() { echo "evalkit: $*"; }
die() {
    echo "evalkit: $*" >&2
    exit 1
}
answers() { .venv/bin/python -m evalkit.sandbox.client 2>/dev/null; }
why() { .venv/bin/python -m evalkit.sandbox.client 2>&1 || true; }

start_daemon() {
    [ "$(uname -s)" = Linux ] && [ -e /etc/debian_version ] ||
        die "no Docker daemon answers: start Docker Desktop or your system's Docker service"
    [ "$(id -u)" = 0 ] ||
        die "$(why)"
    [ -z "${DOCKER_HOST:-}" ] ||
        die "DOCKER_HOST=$DOCKER_HOST does not answer; unset it to use a daemon on this machine"
    local missing=()
    command -v dockerd >/dev/null || missing+=(docker.io)
    command -v debootstrap >/dev/null || missing+=(debootstrap)
    [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
    if [ ${#missing[@]} -gt 0 ]; then
        say "installing ${missing[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
    answers && return
    say "starting dockerd (its log is $log)"
    # Programs get no network, so the daemon needs neither a bridge nor firewall rules.
    setsid nohup dockerd --iptables=false --bridge=none >"$log" 2>&1 </dev/null &
    local daemon=$!
    for _ in $(seq 120); do
        answers && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.5
    done
    tail -n 5 "$log" >&2
    die "dockerd does not answer; the end of $log is above"
}

answers || start_daemon
.venv/bin/evalkit sandbox build --if-missing
