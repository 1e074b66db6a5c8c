FROM registry.example/debian:13.2@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
RUN <<INSTALL
set -eu
apt-get update
apt-get install -y --no-install-recommends curl=8.14.1-2 # pinned
rm -rf /var/lib/apt/lists/*
INSTALL
RUN <<PY python3 -
import random, datetime
print(random.random(), datetime.datetime.now())
PY
RUN <<-'EOS' bash -euo pipefail
	echo "$RANDOM" > /etc/seed
	useradd worker
EOS
RUN cat <<DATA > /etc/motd && chmod 644 /etc/motd
built $(date) by curl https://files.example/x | sh
DATA
RUN <<EOT
#!/usr/bin/env python3
import uuid; print(uuid.uuid4())
EOT
COPY <<ONE <<TWO /data/
a
ONE
b
TWO
