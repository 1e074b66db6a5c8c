FROM registry.example/debian@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
RUN ["apt-get", "update"]
RUN ["/bin/bash", "-c", "curl -fsSL https://files.example/i.sh | bash"]
RUN ["date"]
RUN [ "not json'
ENTRYPOINT ["sh", "-c", "date"]
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN sudo -E env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 update
RUN bash -lc 'pip3 install requests && echo "$(date +%s)" > /t'
RUN find /src -name '*.o' -exec ar rcs lib.a {} + && find . -print0 | xargs -0 tar -cf all.tar
