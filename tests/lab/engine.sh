# shellcheck shell=bash
# Start and stop one engine with its registry mirror, each in its cell. Sourced, never run.

engine_up() {
  local engine=$1 found='is up already'
  need_root
  need_packages
  need_isolation
  prepare_directory
  with_lock
  if ! answers "$engine"; then
    found='is up'
    fetch_engine "$engine"
    make_cell "$engine"
    start_engine "$engine"
  fi
  start_registry "$engine"   # also for an engine that lost its mirror
  wait_for_engine "$engine"
  [ ! -e "$(debris_of "$engine")" ] || { remove_strays "$engine"; rm -f "$(debris_of "$engine")"; }
  exec 9>&-
  report "$engine" "$found"
}

# engine_down: also after a crash. Whatever a dead engine left is found by the paths and the cgroup of this lab only.
engine_down() {
  local engine=$1 pid
  need_root
  prepare_directory
  with_lock
  # Removing first is quicker than stopping (a container that ignores TERM takes ten seconds) and leaves no stray.
  if answers "$engine"; then
    remove_strays "$engine" || say "engine $engine: some objects could not be removed"
  else
    touch "$(debris_of "$engine")"   # only an engine can tidy its data directory: the next one does, in `up`
  fi
  if pid=$(engine_pid "$engine"); then end_process "$pid" "$(engine_words "$engine")" 20; fi
  if pid=$(registry_pid "$engine"); then end_process "$pid" "$(registry_words "$engine")" 10; fi
  end_leftovers "$engine"
  outside_down "$engine"
  uplink_down "$engine"
  remove_cell "$engine"
  rm -rf "$LAB/run/docker$engine" "$LAB/run/docker$engine".{sock,pid} "$LAB/run/registry$engine.pid"
  exec 9>&-
  say "engine $engine is down"
}

engine_status() {
  local engine=$1 pid
  if ! pid=$(engine_pid "$engine"); then
    echo "engine $engine: down"
  elif answers "$engine"; then
    echo "engine $engine: up, $(version_of "$engine"), pid $pid, $(socket_of "$engine"), cell $(cell_of "$engine")"
  else
    echo "engine $engine: process $pid runs but does not answer; see $LAB/log/docker$engine.log"
  fi
}

engine_pid() { pid_from "$LAB/run/docker$1.pid" "$(engine_words "$1")"; }

registry_pid() { pid_from "$LAB/run/registry$1.pid" "$(registry_words "$1")"; }

# The words by which a process of ours is known again: a client that merely names the socket does not have them.
engine_words() { printf 'dockerd -H unix://%s ' "$(socket_of "$1")"; }

debris_of() { printf '%s/data/docker%s.debris' "$LAB" "$1"; }

registry_words() { printf 'docker-registry serve %s/registry%s.yml' "$LAB" "$1"; }

answers() { curl -sf --max-time 5 --unix-socket "$(socket_of "$1")" http://engine/_ping >/dev/null 2>&1; }

report() { say "engine $1 $2: $(version_of "$1"), socket $(socket_of "$1")"; }

version_of() {
  docker_for "$1" version --format 'Docker {{.Server.Version}}, API {{.Server.APIVersion}} (at least {{.Server.MinAPIVersion}})'
}

# need_isolation: say plainly when this machine cannot hold an engine at all, before anything half starts.
need_isolation() {
  local group
  unshare --mount --propagation private true 2>/dev/null && unshare --net true 2>/dev/null ||
    fail "$EX_UNAVAILABLE" 'this machine does not allow new mount and network namespaces (a container without CAP_SYS_ADMIN?): no engine can run here'
  for group in /sys/fs/cgroup/pids /sys/fs/cgroup; do
    [ -d "$group" ] || continue
    if mkdir -p "$group/lab-probe-$$" 2>/dev/null; then
      rmdir "$group/lab-probe-$$"
      return 0
    fi
    break
  done
  fail "$EX_UNAVAILABLE" 'this machine does not allow new control groups below /sys/fs/cgroup: no engine can run here'
}

# make_cell: before the two daemons start, or they race for it. A name whose namespace is gone is made anew.
make_cell() {
  local cell
  cell=$(cell_of "$1")
  if [ -e "/run/netns/$cell" ] && ! nsenter --net="/run/netns/$cell" true 2>/dev/null; then
    ip netns delete "$cell" 2>/dev/null || rm -f "/run/netns/$cell"
  fi
  [ -e "/run/netns/$cell" ] || ip netns add "$cell" ||
    fail "$EX_UNAVAILABLE" "could not make the network namespace $cell"
  nsenter --net="/run/netns/$cell" ip link set lo up
}

remove_cell() {
  local cell group
  cell=$(cell_of "$1")
  [ ! -e "/run/netns/$cell" ] || ip netns delete "$cell"
  # Deepest first.
  for group in /sys/fs/cgroup/"$cell" /sys/fs/cgroup/*/"$cell"; do
    [ ! -d "$group" ] || find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

# start_registry: the mirror. It listens on the cell's loopback only; both engines' registries share one store.
start_registry() {
  local engine=$1 settings=$LAB/registry$1.yml
  ! registry_pid "$engine" >/dev/null || return 0
  cat >"$settings" <<END
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $LAB/registry}, delete: {enabled: true}}
http: {addr: "127.0.0.1:5000"}
END
  setsid nsenter --net="/run/netns/$(cell_of "$engine")" -- docker-registry serve "$settings" \
    >"$LAB/log/registry$engine.log" 2>&1 </dev/null 9>&- &
  echo $! >"$LAB/run/registry$engine.pid"
}

start_engine() {
  local engine=$1 run=$LAB/run/docker$1 cell arguments over=:
  cell=$(cell_of "$engine")
  starter=
  ! engine_pid "$engine" >/dev/null || return 0   # it runs, and may answer soon
  # A dead engine's containerd is taken over by the next one, but only if the id is still containerd's.
  pid_from "$run/containerd/containerd.pid" "containerd --config $run/" >/dev/null || true
  # --bip: a fresh 20.10 shows no bridge gateway before its second start otherwise, and libraries ask for it.
  arguments=(
    -H "unix://$(socket_of "$engine")" --pidfile "$LAB/run/docker$engine.pid"
    --data-root "$LAB/data/docker$engine" --exec-root "$run" --cgroup-parent "/$cell"
    --bip 172.17.0.1/16 --registry-mirror http://127.0.0.1:5000
  )
  if ! may_raise_limits; then
    install -m755 "$here/runc-without-sys-resource" "$LAB/runc-without-sys-resource"
    arguments+=(--add-runtime "limited=$LAB/runc-without-sys-resource" --default-runtime limited)
  fi
  # The newer engine's /usr covers the host's, for this process tree only; every other path stays the host's, so
  # that sockets and checkouts can be bound into containers by their own names.
  [ "$engine" != 28 ] || over="mount --bind '$LAB/engine28/usr' /usr"
  setsid nsenter --net="/run/netns/$cell" -- unshare --mount --propagation private \
    sh -c "$over && exec /usr/sbin/dockerd \"\$@\"" sh "${arguments[@]}" \
    >"$LAB/log/docker$engine.log" 2>&1 </dev/null 9>&- &
  starter=$!
}

# may_raise_limits: whether this process holds CAP_SYS_RESOURCE (bit 24 of the bounding set).
may_raise_limits() {
  local set
  set=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
  (((16#$set >> 24) & 1))
}

# wait_for_engine ENGINE: until it answers, at most a minute, or until the process just started has gone.
wait_for_engine() {
  local engine=$1 tenths=600
  until answers "$engine"; do
    tenths=$((tenths - 1))
    if [ "$tenths" = 0 ] || { [ -n "$starter" ] && ! lives "$starter"; }; then
      tail -n 8 "$LAB/log/docker$engine.log" >&2
      fail "$EX_SOFTWARE" "engine $engine did not start; above are the last lines of $LAB/log/docker$engine.log. \`lab down $engine\` cleans up"
    fi
    sleep 0.1
  done
}

# end_leftovers: what outlives a killed engine. First containerd and the shims, whose command lines name the run
# directory, or they would react to the end of the containers, which are found by the lab's own cgroup.
end_leftovers() {
  local engine=$1 found
  for found in $(grep -lsaF "$LAB/run/docker$engine/" /proc/[0-9]*/cmdline); do
    found=${found%/cmdline}
    case $(cat "$found/comm" 2>/dev/null) in
      containerd | containerd-shim*) kill -9 "${found#/proc/}" 2>/dev/null || true ;;
    esac
  done
  for found in $(grep -lsF ":/$(cell_of "$engine")/" /proc/[0-9]*/cgroup); do
    found=${found%/cgroup}
    kill -9 "${found#/proc/}" 2>/dev/null || true
  done
  end_proxies "$engine"
}

# end_proxies: port proxies carry no path of ours, but they live in the cell.
end_proxies() {
  local cell pid
  cell=$(cell_of "$1")
  [ -e "/run/netns/$cell" ] || return 0
  for pid in $(ip netns pids "$cell"); do
    ! is_ours "$pid" docker-proxy || kill -9 "$pid" 2>/dev/null || true
  done
}
