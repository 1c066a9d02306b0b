# shellcheck shell=bash
# Where the suites keep what they download and build: never in the checkout. Sourced, never run.

suites=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB=${DOCKER_BROKER_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/docker-broker-lab}
cache=$LAB/suites

say() { printf 'suites: %s\n' "$*" >&2; }

# maven_for 1|2 ARGS…: maven with the settings of one line of Testcontainers for Java. Each line has its own output
# directory: classes that were compiled against the other one would be taken for fresh.
maven_for() {
  local line=$1 version=()
  shift
  if [ "$line" = 1 ]; then version=(-Dtestcontainers.version=1.21.4 -Dtestcontainers.artifact=postgresql); fi
  mvn -q -B -ntp -f "$suites/java/pom.xml" -Dmaven.repo.local="$cache/maven" -Dsuite.output="$cache/java$line" \
    "${version[@]}" "$@"
}

# prepared NAME FILE: whether NAME was prepared from FILE as it is now.
prepared() { [ "$(cat "$cache/$1.prepared" 2>/dev/null)" = "$(cksum <"$2")" ]; }

# record_prepared NAME FILE
record_prepared() { cksum <"$2" >"$cache/$1.prepared"; }
