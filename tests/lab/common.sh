# shellcheck shell=bash
# Places, messages, locks and processes of the lab. Sourced, never run.

LAB=${DOCKER_BROKER_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/docker-broker-lab}

# sysexits.h, so that a caller can tell "cannot work here" (skip) from "is broken" (fail).
readonly EX_USAGE=64 EX_UNAVAILABLE=69 EX_SOFTWARE=70 EX_OSFILE=72 EX_TEMPFAIL=75 EX_NOPERM=77

say() { printf 'lab: %s\n' "$*" >&2; }

# fail CODE MESSAGE: one line that says what is wrong and what to do, then out.
fail() {
  local code=$1
  shift
  say "$*"
  exit "$code"
}

socket_of() { printf '%s/run/docker%s.sock' "$LAB" "$1"; }

# cell_of ENGINE: the name of its network namespace and of its cgroup. The directory is part of the name: two labs
# on one machine must never meet.
cell_of() { printf 'lab%s-%s' "$1" "$(printf %s "$LAB" | cksum | cut -d' ' -f1)"; }

need_root() {
  [ "$(id -u)" = 0 ] || fail "$EX_NOPERM" 'needs root: network namespaces, mounts and an engine do. Run it as root or with sudo'
}

# prepare_directory: the lab's own directory, with room for the sockets below it.
prepare_directory() {
  # sun_path holds 108 bytes; the longest name below is run/dockerNN/containerd/containerd-debug.sock.ttrpc
  [ "${#LAB}" -le 55 ] || fail "$EX_USAGE" "\`$LAB\` is too long for Unix sockets below it: set DOCKER_BROKER_LAB to a path of at most 55 bytes"
  mkdir -p "$LAB"/{run,log,data,registry,docker-config}
}

# with_lock: from here on this process is the only one that changes the lab. Daemons must be started with 9>&-,
# or they keep the lock.
with_lock() {
  exec 9>"$LAB/lock"
  flock -n 9 && return 0
  say 'waiting for another lab command'
  flock -w 900 9 || fail "$EX_TEMPFAIL" "another lab command has held $LAB/lock for 15 minutes"
}

# lives PID: it runs and is no zombie. A killed daemon can stay a zombie for seconds; `kill -0` calls it alive.
lives() {
  grep -qs '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$1/status"
}

# is_ours PID WORDS: PID lives, and its command line holds WORDS, which name a program and a path of this lab. A
# process id from a file may belong to somebody else by now.
is_ours() {
  local pid=$1 words=$2
  [[ $pid =~ ^[0-9]+$ ]] && lives "$pid" || return 1
  tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$words"
}

# pid_from FILE WORDS: the living process of ours that FILE names; a file that names none is removed.
pid_from() {
  local pid
  pid=$(cat "$1" 2>/dev/null) || return 1
  if is_ours "$pid" "$2"; then
    echo "$pid"
  else
    rm -f "$1"
    return 1
  fi
}

# end_process PID WORDS SECONDS: TERM, then KILL when it has not gone in time.
end_process() {
  local pid=$1 words=$2 tenths=$(($3 * 10))
  is_ours "$pid" "$words" || return 0
  kill "$pid" 2>/dev/null || true
  while is_ours "$pid" "$words"; do
    sleep 0.1
    tenths=$((tenths - 1))
    [ "$tenths" != 0 ] || kill -9 "$pid" 2>/dev/null || true
    [ "$tenths" -gt -50 ] || { say "process $pid does not end"; return 1; }
  done
}
