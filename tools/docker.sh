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
connect() { .venv/bin/python -m evalkit.sandbox.client; }
answers() { connect 2>/dev/null; }
is_debian() { [ "$(uname -s)" = Linux ] && [ -e /etc/debian_version ]; }
is_root() { [ "$(id -u)" = 0 ]; }

install_packages() {
    say "installing $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

start_daemon() {
    is_debian || die "no Docker daemon answers: start Docker Desktop or your system's Docker service"
    is_root || die "$(connect 2>&1)"
    [ -z "${DOCKER_HOST:-}" ] ||
        die "DOCKER_HOST=$DOCKER_HOST does not answer; unset it to use a daemon on this machine"
    command -v dockerd >/dev/null || install_packages docker.io
    answers && return   # installing it may have started it
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

build_image() { .venv/bin/evalkit sandbox build --if-missing; }
has_debootstrap() {
    command -v debootstrap >/dev/null && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]
}

answers || start_daemon
build_image || {
    is_debian && is_root && ! has_debootstrap || exit 1
    install_packages debootstrap debian-archive-keyring
    build_image
}
