FROM registry.example/debian@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
COPY ca.crt /usr/local/share/ca-certificates/
RUN update-ca-certificates
RUN head -c 32 /dev/urandom | base64 > /etc/secret && openssl rand -hex 16 > /etc/id && shuf -n1 words > /etc/word
RUN sort words | uniq > sorted && LC_ALL=C sort words > ok && ls -U /etc | tar -cf etc.tar -T -
RUN dbus-uuidgen > /etc/machine-id && mktemp -d && echo $$ > /pid
RUN env > /etc/build-env && printenv | sort >> /etc/build-env
