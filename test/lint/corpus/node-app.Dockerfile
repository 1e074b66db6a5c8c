# syntax=registry.example/docker/dockerfile:1.7
ARG NODE_VERSION=24.11
FROM registry.example/library/node:${NODE_VERSION}-bookworm-slim AS base
WORKDIR /usr/src/app
ENV NODE_ENV=production

FROM base AS deps
COPY package.json package-lock.json ./
RUN --mount=type=cache,target=/home/build/.npm \
    npm ci --omit=dev

FROM base AS build
COPY package.json package-lock.json ./
RUN npm install
COPY . .
RUN npm run build

FROM base AS final
USER node
COPY --from=deps /usr/src/app/node_modules ./node_modules
COPY --from=build --chown=node:node /usr/src/app/dist ./dist
EXPOSE 3000
CMD ["node", "dist/server.js"]
