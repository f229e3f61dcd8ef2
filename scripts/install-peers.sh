#!/usr/bin/env bash
# Installs what tests need besides Node, from Debian, and only what is missing: what the interop tests talk to (coturn's
# turnutils_uclient, Chromium, Firefox, libnice, aioice, iproute2's `ip`, haproxy, nginx, openssl), the compilers and C headers that check the native
# engine's layouts for both processors, and strace. Called by scripts/test.mjs before the tests; harmless to run again.
# Without root or without apt-get it names what is missing, which tests will be skipped and how to install it.
# Exit code 0, or 1 when a peer is still missing and CI=true.
set -u

# command, or absolute path of a file : Debian package : tests that need it
PEERS=(
  'turnutils_uclient:coturn:test/interop/coturn-client, coturn-streams, haproxy, hairpin and matrix'
  'turnserver:coturn:test/abuse'
  'sqlite3:sqlite3:test/commands/user'
  'chromium:chromium:test/interop/chromium, chromium-443 and matrix'
  'ip:iproute2:test/interop/hairpin'
  'haproxy:haproxy:test/interop/haproxy and test/net/stream/proxy-haproxy'
  'nginx:nginx:test/net/stream/http-nginx'
  'openssl:openssl:test/interop/openssl, tests of TLS and DTLS'
  'gcc:gcc:test/net/native/layout'
  '/usr/include/netinet/udp.h:libc6-dev:test/net/native/layout'
  'aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu:test/net/native/layout'
  '/usr/aarch64-linux-gnu/include/netinet/udp.h:libc6-dev-arm64-cross:test/net/native/layout'
  '/usr/aarch64-linux-gnu/include/linux/errqueue.h:linux-libc-dev-arm64-cross:test/net/native/layout'
  'tshark:tshark:test/server/captures, test/admin/pcapng'
  'strace:strace:tests that count system calls or let them fail'
  'faketime:faketime:test/fault/clock-jump'
  'systemd-analyze:systemd:test/packaging/systemd-unit'
  'debootstrap:debootstrap:test/packaging/image-tree'
  'nft:nftables:test/doctor/lab'
  'dnsmasq:dnsmasq-base:test/lab, test/commands/resolve'
  'named-checkzone:bind9-utils:test/commands/dns'
  'firefox-esr:firefox-esr:test/interop/matrix'
  'certutil:libnss3-tools:test/interop/matrix'
  '/usr/lib/python3/dist-packages/aioice:python3-aioice:test/interop/matrix'
  '/usr/lib/python3/dist-packages/gi:python3-gi:test/interop/matrix'
  "/usr/lib/$(uname -m)-linux-gnu/girepository-1.0/Nice-0.1.typelib:gir1.2-nice-0.1:test/interop/matrix"
  'stun:stun-client:test/interop/nat-discovery'
  'redis-server:redis-server:test/stores/redis'
  'promtool:prometheus:test/admin/metrics and test/admin/prometheus'
)

say() { printf 'peers: %s\n' "$*"; }

# Administrators' commands (ip) are not in every user's PATH.
PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

is_present() {
  case "$1" in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

missing_peers() {
  local peer
  for peer in "${PEERS[@]}"; do
    is_present "${peer%%:*}" || printf '%s\n' "$peer"
  done
}

missing_packages() { missing_peers | cut -d: -f2; }

# Packages that also start and enable a server, with the name of its process.
SERVERS=('coturn:turnserver' 'haproxy:haproxy' 'nginx:nginx' 'prometheus:prometheus' 'redis-server:redis-server')

# Process ids of a running server, one a line. Not pgrep: a small container may lack it.
processes_of() {
  local comm
  for comm in /proc/[0-9]*/comm; do
    if [ "$(cat "$comm" 2>/dev/null)" = "$1" ]; then
      comm="${comm#/proc/}"
      printf '%s\n' "${comm%/comm}"
    fi
  done
}

# apt-get, quiet: its output is shown only when it fails.
apt() {
  local log status
  log="$(mktemp)"
  DEBIAN_FRONTEND=noninteractive apt-get -y -qq \
    -o DPkg::Lock::Timeout=120 -o Acquire::Retries=2 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 \
    "$@" >"$log" 2>&1
  status=$?
  if [ "$status" -ne 0 ]; then
    say "apt-get $* failed:"
    tail -n 20 "$log"
  fi
  rm -f "$log"
  return "$status"
}

is_every_package_known() {
  local package
  for package in "$@"; do
    apt-cache policy "$package" 2>/dev/null | grep -q 'Candidate: [^(]' || return 1
  done
}

# Installing such a package starts a server on its usual ports. Only the program is wanted here, so what this installation
# started is stopped again; a server that ran before is never touched.
stop_installed() {
  local package="$1" process="$2" servers_before="$3" server attempt
  if [ -d /run/systemd/system ]; then
    systemctl disable --now "$package.service" >/dev/null 2>&1
  elif command -v update-rc.d >/dev/null 2>&1; then
    update-rc.d "$package" disable >/dev/null 2>&1
  fi
  for server in $(processes_of "$process" | grep -vxF "$servers_before"); do
    kill "$server" 2>/dev/null
    for attempt in {1..100}; do
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
  done
}

install_missing() {
  local packages server
  local -A servers_before
  mapfile -t packages < <(missing_packages)
  for server in "${SERVERS[@]}"; do servers_before["$server"]="$(processes_of "${server#*:}")"; done
  if ! is_every_package_known "${packages[@]}"; then
    say 'reading the package lists (apt-get update)'
    apt update || return 1
  fi
  say "installing ${packages[*]} (apt-get install)"
  # Downloading is what may hang, so only that has a deadline: dpkg must not be interrupted.
  if ! fetch "${packages[@]}"; then
    say 'the package lists may be old: reading them again (apt-get update)'
    apt update && fetch "${packages[@]}" || return 1
  fi
  apt install --no-install-recommends "${packages[@]}" || return 1
  for server in "${SERVERS[@]}"; do
    [[ " ${packages[*]} " != *" ${server%%:*} "* ]] || stop_installed "${server%%:*}" "${server#*:}" "${servers_before[$server]}"
  done
}

fetch() {
  local status
  export -f apt say
  timeout 600 bash -c 'apt install --no-install-recommends --download-only "$@"' fetch "$@"
  status=$?
  [ "$status" -ne 124 ] || say 'downloading took longer than 10 minutes'
  return "$status"
}

explain_missing() {
  local reason="$1" consequence='these tests will be skipped'
  [ "${CI:-}" != true ] || consequence='with CI=true that is a failure'
  missing_peers | while IFS=: read -r peer _ tests; do
    say "$peer is missing, needed by $tests: $consequence"
  done
  say "$reason; install them as root with:"
  say "  apt-get update && apt-get install --no-install-recommends $(missing_packages | xargs)"
}

if [ -z "$(missing_peers)" ]; then
  say 'all present'
  exit 0
fi

if ! command -v apt-get >/dev/null 2>&1; then
  explain_missing 'there is no apt-get here'
elif [ "$(id -u)" -ne 0 ]; then
  explain_missing 'only root can install packages'
elif install_missing && [ -z "$(missing_peers)" ]; then
  say 'installed'
  exit 0
else
  explain_missing 'the installation did not succeed'
fi
[ "${CI:-}" != true ]
