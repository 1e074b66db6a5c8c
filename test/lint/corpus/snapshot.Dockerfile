FROM registry.example/debian:13.2@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
RUN --mount=type=cache,target=/var/cache/apt,sharing=locked <<EOR
cat > /etc/apt/sources.list.d/debian.sources <<SOURCES
Types: deb
URIs: http://snapshot.example/archive/debian/20260101T000000Z
Suites: trixie
Components: main
SOURCES
apt-get update
apt-get install -y --no-install-recommends ca-certificates curl
rm -rf /var/lib/apt/lists/*
EOR
