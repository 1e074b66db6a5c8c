FROM php:8.4-fpm-alpine
RUN apk add --no-cache --virtual .build-deps $PHPIZE_DEPS icu-dev \
 && docker-php-ext-install -j"$(nproc)" intl opcache \
 && apk del .build-deps
COPY --from=composer:2 /usr/bin/composer /usr/bin/composer
WORKDIR /srv/app
COPY composer.* ./
RUN set -eux; \
	composer install --no-dev --no-scripts; \
	composer clear-cache
RUN php -r "copy('https://files.example/setup.php', 'setup.php');"
RUN composer update symfony/*
