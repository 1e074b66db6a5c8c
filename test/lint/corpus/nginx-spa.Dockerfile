FROM node:lts AS builder
WORKDIR /app
COPY package.json yarn.lock ./
RUN yarn install
COPY . ./
RUN yarn build && date > dist/build.txt

FROM nginx:stable-alpine
RUN rm -rf /usr/share/nginx/html/*
COPY --from=builder /app/dist /usr/share/nginx/html
COPY <<'CONF' /etc/nginx/conf.d/default.conf
server {
  listen 80;
  # date $RANDOM curl | sh: not a command
  location / { try_files $uri /index.html; }
}
CONF
HEALTHCHECK --interval=30s CMD curl -f http://localhost/ || exit 1
