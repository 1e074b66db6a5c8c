from registry.example/debian:13.2@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0 as Builder
workdir /src
copy --chown=0:0 . .
run cc -O2 -o app app.c
from registry.example/debian:13.2@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
copy --from=builder /src/app /app
