FROM registry.example/node@sha256:4f1c2d3e4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0
ONBUILD COPY package.json /app/
ONBUILD RUN npm install && npm cache clean --force
ONBUILD ADD https://files.example/config.json /app/
onbuild   run   date
WORKDIR /app
