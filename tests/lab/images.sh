# shellcheck shell=bash
# Stand-in images: made from packages, named as on Docker Hub, served by the mirror. Sourced, never run.
#
# All tags of postgres are one image (PostgreSQL 15), and redis is a busybox: the names exist so that a broker has
# something to allow and to refuse, not to be what they say.

# provide_images ENGINE: build and push once for all engines, then pull what tests start with. Images are always
# pulled, also by the engine that built them, so that digests and layers are the same everywhere.
provide_images() {
  local engine=$1 image
  need_root
  prepare_directory
  answers "$engine" || fail "$EX_TEMPFAIL" "engine $engine is not running: start it with \`lab up $engine\`"
  with_lock
  [ -e "$LAB/registry/.complete" ] || build_images "$engine"
  exec 9>&-
  for image in postgres:16 busybox:latest; do
    docker_for "$engine" image inspect "$image" >/dev/null 2>&1 || docker_for "$engine" pull -q "$image" >/dev/null ||
      fail "$EX_SOFTWARE" "engine $engine could not pull $image from its mirror; see $LAB/log/registry$engine.log"
  done
  say "engine $engine has postgres:16 and busybox:latest"
}

build_images() {
  local engine=$1 context
  fetch_postgres
  fetch_busybox
  say 'building the stand-in images (once)'
  context=$(mktemp -d)
  docker_for "$engine" import "$LAB/postgres.tar" lab/postgres-files >/dev/null
  build "$engine" lab/postgres "$here/images/postgres"
  cp "$LAB/busybox" "$here/images/busybox/Dockerfile" "$context"
  build "$engine" lab/busybox "$context"
  printf 'FROM lab/busybox\nCMD ["echo", "Hello from Docker!"]\n' >"$context/Dockerfile"
  build "$engine" lab/hello "$context"
  rm -r "$context"
  publish "$engine" lab/postgres postgres:{latest,17,16,15,16-alpine,15-alpine,11-alpine,9.6.12}
  publish "$engine" lab/busybox busybox:{latest,1.36} alpine:{latest,3.14,3.17} redis:{latest,7}
  publish "$engine" lab/hello hello-world:latest
  docker_for "$engine" rmi -f lab/hello lab/postgres lab/busybox lab/postgres-files >/dev/null
  touch "$LAB/registry/.complete"
}

# build ENGINE NAME DIRECTORY: by the legacy builder, which both engines have without buildx.
build() {
  local log=$LAB/log/build.log
  DOCKER_BUILDKIT=0 docker_for "$1" build -t "$2" "$3" >"$log" 2>&1 && return 0
  tail -n 15 "$log" >&2
  fail "$EX_SOFTWARE" "building $2 failed; all of its output is in $log"
}

# publish ENGINE LOCAL NAME:TAG…: push to the mirror below library/, where Docker Hub keeps such names. It is the
# engine that pushes, so 127.0.0.1 is its cell's loopback.
publish() {
  local engine=$1 from=$2 name
  shift 2
  for name; do
    name=127.0.0.1:5000/library/$name
    docker_for "$engine" tag "$from" "$name"
    docker_for "$engine" push -q "$name" >/dev/null || fail "$EX_SOFTWARE" "could not push $name to the mirror; see $LAB/log/registry$engine.log"
    docker_for "$engine" rmi "$name" >/dev/null
  done
}
