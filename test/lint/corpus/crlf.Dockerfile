FROM registry.example/debian@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
RUN apt-get update && \
    echo done
RUN date
