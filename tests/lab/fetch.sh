# shellcheck shell=bash
# What the lab takes from Debian: packages on the host, and root file systems in $LAB. Sourced, never run.

readonly PACKAGES=(docker.io containerd runc iptables mmdebstrap docker-registry zstd iproute2 procps curl ca-certificates)

# missing_packages: those of $PACKAGES (or of the arguments) that are not installed, one a line.
missing_packages() {
  local package
  for package in "${@:-${PACKAGES[@]}}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# install_packages [PACKAGE…]: only what is missing, so the second call is free.
install_packages() {
  local missing
  command -v apt-get >/dev/null || fail "$EX_UNAVAILABLE" 'no apt-get: the lab knows Debian and its kin only'
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || { say 'all packages are installed'; return 0; }
  need_root
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >&2
  # The service of docker.io is not wanted: an engine on the host's own network is what the cells avoid.
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

need_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" = 0 ] || fail "$EX_OSFILE" "missing packages: ${missing[*]}. Install them with \`lab install\`"
}

# fetch_engine 28: the newer engine's files. Engine 20 is the host's own package.
fetch_engine() {
  local root=$LAB/engine28
  if [ "$1" != 28 ] || [ -d "$root/usr" ]; then return 0; fi
  say 'fetching the newer engine (once, about a minute)'
  rm -rf "$root.part"
  debian forky "$root.part" --format=directory --variant=apt --aptopt='Acquire::Check-Valid-Until "false"' \
    --include=docker.io,docker-cli,docker-compose,docker-buildx,iptables,ca-certificates,procps,iproute2
  mv "$root.part" "$root"
}

# fetch_postgres: a root file system with PostgreSQL 15, without the JIT's LLVM (two thirds of its size).
fetch_postgres() {
  [ ! -f "$LAB/postgres.tar" ] || return 0
  say 'fetching PostgreSQL (once, half a minute)'
  # shellcheck disable=SC2016 # mmdebstrap's own shell expands $1
  debian bookworm "$LAB/postgres.part.tar" --variant=minbase --include=postgresql-15 \
    --customize-hook='rm -f "$1"/usr/lib/*/libLLVM-*.so* "$1"/usr/lib/postgresql/15/lib/llvmjit*' \
    --customize-hook='rm -rf "$1"/usr/lib/postgresql/15/lib/bitcode "$1"/var/lib/postgresql/15 "$1"/etc/postgresql/15'
  mv "$LAB/postgres.part.tar" "$LAB/postgres.tar"
}

# fetch_busybox: the static program only; it becomes an image of its own.
fetch_busybox() {
  local scratch
  [ ! -x "$LAB/busybox" ] || return 0
  say 'fetching busybox'
  scratch=$(mktemp -d)
  # apt's download user may not write into a root-only directory; it warns, and goes on as root
  (cd "$scratch" && apt-get download -qq busybox-static 2>/dev/null && dpkg-deb -x busybox-static_*.deb .) ||
    { rm -rf "$scratch"; fail "$EX_SOFTWARE" 'could not fetch the package busybox-static: run `apt-get update` and try again'; }
  cp "$scratch/bin/busybox" "$LAB/busybox"
  rm -rf "$scratch"
}

# debian SUITE TARGET OPTIONS…: mmdebstrap with what every root file system here leaves out.
debian() {
  local suite=$1 target=$2 log=$LAB/log/fetch-$1.log
  shift 2
  mmdebstrap --quiet "$@" --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' "$suite" "$target" >"$log" 2>&1 </dev/null && return 0
  tail -n 15 "$log" >&2
  fail "$EX_SOFTWARE" "mmdebstrap of $suite failed; all of its output is in $log"
}
