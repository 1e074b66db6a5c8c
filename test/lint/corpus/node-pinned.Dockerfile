FROM registry.example/library/node:24.11.1-bookworm-slim@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0 AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY src ./src
RUN npm run build

FROM registry.example/distroless/nodejs24@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
COPY --from=build /app/dist /app/dist
USER 65532:65532
ENTRYPOINT ["/nodejs/bin/node", "/app/dist/server.js"]
