# shellcheck shell=bash
# Ways out of a cell: an uplink to the real outside for builds that download, and a made-up outside for tests that
# show who reaches what. Sourced, never run.

# uplink up|down ENGINE: until it is taken down, containers of the engine reach what this machine reaches.
uplink() {
  local action=${1:-}
  [ $# -eq 0 ] || shift
  case $action in
    up | down) ;;
    *) fail "$EX_USAGE" 'give `uplink up` or `uplink down`, and an engine' ;;
  esac
  need_root
  prepare_directory
  for_engines "uplink_$action" "$@"
}

uplink_up() {
  local engine=$1 link host cell
  answers "$engine" || fail "$EX_TEMPFAIL" "engine $engine is not running: start it with \`lab up $engine\`"
  link=$(link_of up "$engine") host=$(address_of 200 "$engine" 1) cell=$(address_of 200 "$engine" 2)
  uplink_down "$engine"
  make_link "$engine" "$link" "$host" "$cell"
  in_namespace "$(cell_of "$engine")" ip route add default via "$host"
  if [ "$(cat "$FORWARDING")" = 0 ]; then
    touch "$FORWARDING_WAS_OFF"
    echo 1 >"$FORWARDING"
  fi
  iptables -t nat -A POSTROUTING -s "$cell/30" -m comment --comment "$(comment_of "$engine")" -j MASQUERADE
  iptables -I FORWARD -i "$link" -m comment --comment "$(comment_of "$engine")" -j ACCEPT
  iptables -I FORWARD -o "$link" -m comment --comment "$(comment_of "$engine")" -j ACCEPT
}

# uplink_down ENGINE: also when only half of it is there.
uplink_down() {
  local engine=$1 table rule link
  link=$(link_of up "$engine")
  command -v iptables >/dev/null || return 0
  for table in nat filter; do
    while read -r -a rule; do
      # the words of a rule as iptables printed them, with -D in the place of -A
      iptables -t "$table" -D "${rule[@]:1}"
    done < <(iptables -t "$table" -S | grep -F -- "--comment $(comment_of "$engine") ")
  done
  [ ! -e "/sys/class/net/$link" ] || ip link delete "$link"
  if [ -e "$FORWARDING_WAS_OFF" ] && ! iptables -t nat -S | grep -qF -- '--comment docker-broker-lab-'; then
    echo 0 >"$FORWARDING"
    rm -f "$FORWARDING_WAS_OFF"
  fi
}

# outside up|down ENGINE, outside addresses ENGINE: a second network namespace that the cell reaches, with the address
# of link-local metadata services, and a web server there and one in the cell itself, on all of its addresses.
outside() {
  local action=${1:-}
  [ $# -eq 0 ] || shift
  case $action in
    up | down | addresses) ;;
    *) fail "$EX_USAGE" 'give `outside up`, `outside down` or `outside addresses`, and an engine' ;;
  esac
  need_root
  prepare_directory
  for_engines "outside_$action" "$@"
}

outside_up() {
  local engine=$1 outside cell_address out_address
  answers "$engine" || fail "$EX_TEMPFAIL" "engine $engine is not running: start it with \`lab up $engine\`"
  fetch_busybox
  outside_down "$engine"
  outside=$(outside_of "$engine")
  cell_address=$(address_of 201 "$engine" 1) out_address=$(address_of 201 "$engine" 2)
  ip netns add "$outside"
  in_namespace "$outside" ip link set lo up
  in_namespace "$outside" ip address add 169.254.169.254/32 dev lo
  in_namespace "$(cell_of "$engine")" ip link add out0 type veth peer name in0 netns "$outside"
  in_namespace "$(cell_of "$engine")" ip address add "$cell_address/30" dev out0
  in_namespace "$(cell_of "$engine")" ip link set out0 up
  in_namespace "$(cell_of "$engine")" ip route add 169.254.169.254 via "$out_address"
  in_namespace "$outside" ip address add "$out_address/30" dev in0
  in_namespace "$outside" ip link set in0 up
  in_namespace "$outside" ip route add default via "$cell_address"
  mkdir -p "$LAB/run/www"
  echo 'reached' >"$LAB/run/www/index.html"
  serve_web "$engine" "$outside" outside
  serve_web "$engine" "$(cell_of "$engine")" host
}

outside_down() {
  local engine=$1 place pid outside
  for place in outside host; do
    if pid=$(pid_from "$LAB/run/$place$engine.pid" "$(web_words)"); then end_process "$pid" "$(web_words)" 2; fi
    rm -f "$LAB/run/$place$engine.pid"
  done
  outside=$(outside_of "$engine")
  # a veth goes with either of its ends
  [ ! -e "/run/netns/$outside" ] || ip netns delete "$outside"
}

# outside_addresses ENGINE: `outside ADDRESS`, `metadata ADDRESS` and a `host ADDRESS` for each of the cell's own.
outside_addresses() {
  local engine=$1
  [ -e "/run/netns/$(outside_of "$engine")" ] || fail "$EX_TEMPFAIL" "there is no outside: make one with \`lab outside up $engine\`"
  printf 'outside %s\nmetadata 169.254.169.254\n' "$(address_of 201 "$engine" 2)"
  in_namespace "$(cell_of "$engine")" ip -4 -o address show | awk '$2 != "lo" { sub("/.*", "", $4); print "host", $4 }'
}

serve_web() {
  local engine=$1 namespace=$2 place=$3
  setsid nsenter --net="/run/netns/$namespace" -- "$LAB/busybox" httpd -f -p "$OUTSIDE_PORT" -h "$LAB/run/www" \
    >"$LAB/log/$place$engine.log" 2>&1 </dev/null 9>&- &
  echo $! >"$LAB/run/$place$engine.pid"
}

web_words() { printf '%s/busybox httpd -f -p %s ' "$LAB" "$OUTSIDE_PORT"; }

# make_link ENGINE NAME HOST CELL: a veth NAME on this machine's network, `up0` in the cell.
make_link() {
  local engine=$1 link=$2 host=$3 cell=$4
  ip link add "$link" type veth peer name up0 netns "$(cell_of "$engine")"
  ip address add "$host/30" dev "$link"
  ip link set "$link" up
  in_namespace "$(cell_of "$engine")" ip address add "$cell/30" dev up0
  in_namespace "$(cell_of "$engine")" ip link set up0 up
}

in_namespace() { nsenter --net="/run/netns/$1" -- "${@:2}"; }

outside_of() { printf 'out%s-%s' "$1" "$(lab_number)"; }

# link_of PREFIX ENGINE: an interface's name has at most 15 bytes.
link_of() { printf '%s%s-%x' "$1" "$2" "$(($(lab_number) % 0xffffff))"; }

# address_of NET ENGINE HOST: four addresses for each engine of each lab.
address_of() { printf '10.%s.%s.%s' "$1" "$(($(lab_number) % 250))" "$((($2 - 20) * 4 + $3))"; }

comment_of() { printf 'docker-broker-lab-%s' "$(cell_of "$1")"; }

lab_number() { printf %s "$LAB" | cksum | cut -d' ' -f1; }

readonly OUTSIDE_PORT=8099 FORWARDING=/proc/sys/net/ipv4/ip_forward FORWARDING_WAS_OFF=/run/docker-broker-lab.forwarding-was-off
