# shellcheck shell=bash
# The project's own image, and what image builds start from: stand-ins for images of Docker Hub that no package
# registry has. Sourced, never run.

# broker_image ENGINE: the project's Dockerfile as it stands, by the builder that the engine has: the classic one on 20,
# BuildKit on 28. The way out that a build needs is closed again, also when the build fails.
broker_image() {
  local engine=$1 log=$LAB/log/broker-image$1.log
  rust_image "$engine"
  trap "uplink_down $engine" EXIT
  uplink_up "$engine"
  say "building the broker's image on engine $engine (minutes, where no layer is there yet)"
  "build_broker_$engine" >"$log" 2>&1 ||
    { tail -n 30 "$log" >&2; fail "$EX_SOFTWARE" "the build failed; all of its output is in $log"; }
  uplink_down "$engine"
  trap - EXIT
  say "engine $engine has docker-broker:latest, $(docker_for "$engine" image inspect --format '{{.Size}}' docker-broker:latest) bytes"
}

# The first stage gets a name, so that the layers of earlier ones can be told from those that the next build will use.
build_broker_20() {
  DOCKER_BUILDKIT=0 docker_for 20 build --target build -t lab/broker-stage "$project" &&
    DOCKER_BUILDKIT=0 docker_for 20 build -t docker-broker "$project" &&
    docker_for 20 image prune -f
}

build_broker_28() {
  (own_docker 28 build --progress plain -t docker-broker "$project") &&
    (own_docker 28 builder prune -f --keep-storage 6GB) && docker_for 28 image prune -f
}

# rust_image ENGINE: a builder with this machine's own compiler, by the name that the project's Dockerfile asks for.
rust_image() {
  local engine=$1 name
  name=$(sed -n 's/^FROM \(rust:[^ ]*\) .*/\1/p' "$project/Dockerfile")
  [ -n "$name" ] || fail "$EX_SOFTWARE" 'the Dockerfile names no image of rust'
  fetch_rust
  provide_base "$engine" "$name" "$LAB/rust.tar" "$(cat "$LAB/rust.version")" --change 'ENV PATH=/usr/local/bin:/usr/bin:/bin'
}

# agent_image ENGINE: what an agent's container is made of: Python, busybox (for `nc`), and the stock suite of
# tests/e2e/suites with what it needs. Nothing in it knows of a broker.
agent_image() {
  local engine=$1
  fetch_agent
  provide_base "$engine" lab/agent "$LAB/agent.tar" "$(cat "$LAB/agent.version")" \
    --change 'ENV PYTHONPATH=/suite/packages PYTHONDONTWRITEBYTECODE=1' --change 'USER 1000:1000' --change 'WORKDIR /suite/python' \
    --change 'CMD ["sleep", "infinity"]'
}

# provide_base ENGINE NAME TAR VERSION OPTIONS…: imported once, and again when it was made anew.
provide_base() {
  local engine=$1 name=$2 tar=$3 version=$4 has
  shift 4
  answers "$engine" || fail "$EX_TEMPFAIL" "engine $engine is not running: start it with \`lab up $engine\`"
  has=$(docker_for "$engine" image inspect --format '{{.Comment}}' "$name" 2>/dev/null) || true
  [ "$has" != "lab $version" ] || return 0
  say "importing $name"
  docker_for "$engine" import --message "lab $version" "$@" "$tar" "$name" >/dev/null ||
    fail "$EX_SOFTWARE" "engine $engine could not import $tar"
}

# fetch_rust: gcc and a C library from Debian, the compiler from this machine, and its certificates: what a machine
# trusts when it downloads may be more than a package knows.
fetch_rust() {
  local sysroot version
  sysroot=$(cd "$project" && rustc --print sysroot) || fail "$EX_OSFILE" 'rustc is missing: install Rust'
  version=$(cd "$project" && rustc -vV | cksum | cut -d' ' -f1)
  [ "$(cat "$LAB/rust.version" 2>/dev/null)" != "$version" ] || return 0
  need_root
  with_lock
  say 'making a builder image with the compiler of this machine (once, half a minute)'
  # shellcheck disable=SC2016 # mmdebstrap's own shell expands $1
  debian bookworm "$LAB/rust.part.tar" --variant=minbase --include=gcc,libc6-dev,ca-certificates \
    --customize-hook="tar -C '$sysroot' --exclude=./share --exclude=./lib/rustlib/src --exclude=./lib/rustlib/*-musl --exclude=./lib/rustlib/wasm* \
      --exclude=./bin/rust-analyzer --exclude=./bin/clippy-driver --exclude=./bin/rustdoc -c . | tar -C \"\$1/usr/local\" -x" \
    --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"'
  mv "$LAB/rust.part.tar" "$LAB/rust.tar"
  printf %s "$version" >"$LAB/rust.version"
  exec 9>&-
}

# fetch_agent: the packages are those for Debian's Python, whatever this machine's own is.
fetch_agent() {
  local suites=$project/tests/e2e/suites version packages
  version=$(cat "$suites/python/"*.* "$suites/init.sql" "$here/bases.sh" | cksum | cut -d' ' -f1)
  [ "$(cat "$LAB/agent.version" 2>/dev/null)" != "$version" ] || return 0
  need_root
  "$suites/prepare" python
  fetch_busybox
  with_lock
  say 'making the image of an agent (once, half a minute)'
  packages=$(mktemp -d)
  "$LAB/suites/python/bin/pip" install -q --disable-pip-version-check --no-compile --target "$packages" \
    --python-version 3.11 --only-binary=:all: -r "$suites/python/requirements.txt" >&2 ||
    { rm -rf "$packages"; fail "$EX_SOFTWARE" 'pip could not fetch the packages of the suite'; }
  debian bookworm "$LAB/agent.part.tar" --variant=minbase --include=python3 \
    --customize-hook="mkdir -p \"\$1/suite\" && cp '$LAB/busybox' \"\$1/bin/busybox\"" \
    --customize-hook="cp -r '$packages' \"\$1/suite/packages\" && chmod -R a+rX \"\$1/suite/packages\"" \
    --customize-hook="cp -r '$suites/python' '$suites/init.sql' \"\$1/suite/\""
  rm -rf "$packages"
  mv "$LAB/agent.part.tar" "$LAB/agent.tar"
  printf %s "$version" >"$LAB/agent.version"
  exec 9>&-
}
