# shellcheck shell=bash
# Work with an engine that runs: its client, its cell, what it holds. Sourced, never run.

# docker_for ENGINE ARGS…: the docker client with the lab's own settings, whatever the caller's environment says.
docker_for() {
  local engine=$1
  shift
  env -u DOCKER_CONTEXT -u DOCKER_TLS -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH -u DOCKER_API_VERSION \
    DOCKER_HOST="unix://$(socket_of "$engine")" DOCKER_CONFIG="$LAB/docker-config" docker "$@"
}

# own_docker 28 ARGS…: the newer engine's own client with compose and buildx, its /usr in the place of the host's.
own_docker() {
  local engine=$1
  shift
  [ "$engine" = 28 ] || fail "$EX_USAGE" 'only engine 28 comes with a client of its own'
  need_root
  [ -x "$LAB/engine28/usr/bin/docker" ] || fail "$EX_TEMPFAIL" 'engine 28 was not fetched: start it with `lab up 28`'
  # shellcheck disable=SC2016 # the inner shell expands
  exec env -u DOCKER_CONTEXT -u DOCKER_TLS -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH -u DOCKER_API_VERSION \
    DOCKER_HOST="unix://$(socket_of "$engine")" DOCKER_CONFIG="$LAB/docker-config" \
    unshare --mount --propagation private sh -c 'mount --bind "$0/engine28/usr" /usr && exec /usr/bin/docker "$@"' "$LAB" "$@"
}

# in_cell ENGINE CMD…: nsenter, not `ip netns exec`, which would mount a new /sys and hide the control groups.
in_cell() {
  local cell
  need_root
  cell=$(cell_of "$1")
  shift
  [ $# -gt 0 ] || fail "$EX_USAGE" 'which command? lab cell 20 CMD…'
  [ -e "/run/netns/$cell" ] || fail "$EX_TEMPFAIL" "the engine's cell does not exist: start the engine with \`lab up\` first"
  exec nsenter --net="/run/netns/$cell" -- "$@"
}

# hostview CMD…: the host as it is, but for /.dockerenv. A file cannot be mounted away, so a new root directory is
# put together from the old one's entries; all of them are the real ones, also for writing.
hostview() {
  need_root
  [ $# -gt 0 ] || fail "$EX_USAGE" 'which command? lab hostview CMD…'
  prepare_directory
  mkdir -p "$LAB/run/hostview"
  # shellcheck disable=SC2016 # the inner shell expands
  exec unshare --mount --propagation private bash -c '
    set -euo pipefail
    root=$1 home=$PWD
    shift
    mount -t tmpfs -o mode=755 hostview "$root"
    shopt -s dotglob
    for entry in /*; do
      if [ "$entry" = /.dockerenv ]; then continue
      elif [ -L "$entry" ]; then cp -P "$entry" "$root$entry"
      elif [ -d "$entry" ]; then mkdir "$root$entry"; mount --rbind "$entry" "$root$entry"
      else : >"$root$entry"; mount --bind "$entry" "$root$entry"
      fi
    done
    umount -l "$root$root" 2>/dev/null || true
    exec chroot "$root" sh -c "cd \"\$1\" && shift && exec \"\$@\"" sh "$home" "$@"' bash "$LAB/run/hostview" "$@"
}

# clean [20|28|all] [--images]: engines that do not run hold nothing that could be in the way.
clean() {
  local engine images=no engines=()
  for engine; do
    case $engine in
      --images) images=yes ;;
      all) engines+=(20 28) ;;
      *) one_engine "$engine"; engines+=("$engine") ;;
    esac
  done
  [ "${#engines[@]}" -gt 0 ] || engines=(20 28)
  for engine in "${engines[@]}"; do
    answers "$engine" || continue
    remove_strays "$engine"
    [ "$images" = no ] || docker_for "$engine" image ls -aq | sort -u | remove "$engine" rmi -f
  done
}

remove_strays() {
  local engine=$1
  docker_for "$engine" ps -aq | remove "$engine" rm -fv
  docker_for "$engine" network ls -q --filter type=custom | remove "$engine" network rm
  docker_for "$engine" volume ls -q | remove "$engine" volume rm -f
}

# remove ENGINE COMMAND…: the objects named on standard input, if any; one that went away meanwhile is no failure.
remove() {
  local engine=$1 names complaints
  shift
  mapfile -t names
  [ "${#names[@]}" -gt 0 ] || return 0
  complaints=$(docker_for "$engine" "$@" "${names[@]}" 2>&1 >/dev/null) && return 0
  complaints=$(grep -Ev 'No such|not found|already in progress' <<<"$complaints") || return 0
  printf '%s\n' "$complaints" >&2
  return 1
}

# engine_listing ENGINE: one object a line. No state and no times, and no ids of the predefined networks (the
# bridge gets a new one at every start of the engine): a restart changes them and means nothing.
engine_listing() {
  local engine=$1 attempt
  answers "$engine" || fail "$EX_TEMPFAIL" "engine $engine is not running: start it with \`lab up $engine\`"
  # An object that goes away between list and inspect makes inspect fail: then look again.
  for attempt in 1 2 3 4 5; do
    if listing_once "$engine" >"$LAB/run/listing.$$" 2>"$LAB/log/listing.log"; then
      LC_ALL=C sort "$LAB/run/listing.$$"
      rm -f "$LAB/run/listing.$$"
      return 0
    fi
    sleep "0.$attempt"
  done
  rm -f "$LAB/run/listing.$$"
  fail "$EX_SOFTWARE" "the engine changes too fast for a listing: $(tail -n1 "$LAB/log/listing.log")"
}

listing_once() {
  local engine=$1
  docker_for "$engine" ps -aq --no-trunc |
    inspect "$engine" container 'container {{.Id}} {{.Name}} {{.Config.Image}} {{.Image}} {{json .Config.Labels}}'
  docker_for "$engine" network ls -q --no-trunc |
    inspect "$engine" network 'network {{if or (eq .Name "bridge") (eq .Name "host") (eq .Name "none")}}predefined{{else}}{{.Id}}{{end}} {{.Name}} {{.Driver}} {{json .Labels}}'
  docker_for "$engine" volume ls -q | inspect "$engine" volume 'volume {{.Name}} {{.Driver}} {{json .Labels}}'
  docker_for "$engine" image ls -aq --no-trunc | sort -u |
    inspect "$engine" image 'image {{.Id}} {{json .RepoTags}} {{json .RepoDigests}}'
}

inspect() {
  local engine=$1 kind=$2 format=$3 names
  mapfile -t names
  [ "${#names[@]}" = 0 ] || docker_for "$engine" "$kind" inspect --format "$format" "${names[@]}"
}
