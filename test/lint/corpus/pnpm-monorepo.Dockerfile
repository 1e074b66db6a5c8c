FROM registry.example/node:24-slim@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0 AS base
ENV PNPM_HOME="/pnpm"
ENV PATH="$PNPM_HOME:$PATH"
RUN corepack enable
FROM base AS build
COPY . /usr/src/app
WORKDIR /usr/src/app
RUN --mount=type=cache,id=pnpm,target=/pnpm/store pnpm install --frozen-lockfile
RUN pnpm run -r build && pnpm deploy --filter=app --prod /prod/app && pnpm dlx serve@latest --version
FROM base
COPY --from=build /prod/app /prod/app
RUN corepack pnpm install
RUN npx --yes prisma generate && npx cowsay@1.6.0 hi
