FROM registry.example/debian@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
RUN set -eux; \
	for key in A B; do \
		gpg --batch --keyserver hkps://keys.example --recv-keys "$key" || gpg --batch --keyserver keys2.example --recv-keys "$key"; \
	done; \
	if [ "$(dpkg --print-architecture)" = amd64 ]; then arch=x64; else arch="$(uname -m)"; fi; \
	case "$arch" in x64) curl -fsSLo t.tgz "https://files.example/$arch/t.tgz" ;; *) exit 1 ;; esac; \
	while read -r line; do echo "$line"; done < list; \
	( cd /tmp && wget -O x "https://files.example/x" && echo "abc *x" | sha256sum --check --strict ); \
	rm -rf "$GNUPGHOME"
