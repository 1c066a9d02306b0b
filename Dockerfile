# docker-broker on nothing at all: one static binary, a user with a number and no name, and a folder for its socket.
# Both builders read this file: no here-documents, no mounts in RUN, no --chmod, no --link.

FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# The target is named although it is the host: flags for a target do not reach macros and build scripts, which cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static" CARGO_INCREMENTAL=0 CARGO_TERM_COLOR=never
RUN rustc -vV | sed -n 's/^host: //p' >/target

# The dependencies are a layer of their own, which lasts until the manifest or the lock file changes.
COPY Cargo.toml Cargo.lock ./
RUN mkdir src && : >src/lib.rs && echo 'fn main() {}' >src/main.rs \
 && cargo build --quiet --locked --release --target "$(cat /target)" --bin docker-broker

COPY policy policy
COPY src src
# Files keep their times, and could seem older than the empty ones that were built above.
RUN touch src/lib.rs src/main.rs \
 && cargo build --quiet --locked --release --target "$(cat /target)" --bin docker-broker \
 && mkdir -p /image/program /image/folders/broker-run \
 && cp "target/$(cat /target)/release/docker-broker" /image/program/

FROM scratch
LABEL org.opencontainers.image.title="docker-broker" \
      org.opencontainers.image.description="Lets people and programs use a Docker engine without giving them the machine" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
COPY --from=build /image/program/ /
# A named volume that is mounted there for the first time takes over the owner.
COPY --from=build --chown=65532:65532 /image/folders/ /
USER 65532:65532
# Clients are users of other containers, with numbers that nobody knows here: the volume decides who reaches the socket.
ENV BROKER_LISTEN=unix:///broker-run/docker.sock BROKER_SOCKET_MODE=0666
HEALTHCHECK --interval=5s --timeout=5s --start-period=5s --retries=3 CMD ["/docker-broker", "healthcheck"]
ENTRYPOINT ["/docker-broker"]
CMD ["serve"]
