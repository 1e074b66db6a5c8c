ARG REGISTRY
ARG TAG=1.2
ARG DIGEST=@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
FROM ${REGISTRY}/app:${TAG} AS one
FROM ${REGISTRY:-registry.example}/app:${TAG} AS two
FROM registry.example/app:${TAG}${DIGEST} AS three
FROM ${MISSING:-one} AS four
FROM two
ARG TAG
COPY --from=three /a /a
COPY --from=0 /b /b
COPY --from=registry.example/app:${TAG} /c /c
RUN --mount=from=four,target=/x --mount=type=bind,from=registry.example/cache,target=/y true
RUN apt-get install -y --no-install-recommends curl=${CURL_VERSION} $EXTRA && rm -rf /var/lib/apt/lists/*
RUN git clone https://git.example/x.git && git -C x checkout "$COMMIT"
RUN pip install --no-compile "flask==$FLASK" --require-hashes
