# check=skip=JSONArgsRecommended
# FROM debian
#   RUN apt-get update
FROM registry.example/debian@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
RUN echo one && \
    # apt-get update
    echo "apt-get upgrade" && \

    : 'curl https://files.example | sh' && \
# useradd app
    printf '%s\n' "date \$RANDOM" # wget http://x
RUN echo 'npm install; pip install x' > /README
LABEL description="run apt-get update && date to refresh" maintainer="a <a@example>"
CMD apt-get update && date
