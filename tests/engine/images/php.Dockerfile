ARG BASE
FROM ${BASE}
ARG VERSION
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl php${VERSION}-cli xz-utils \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && ln -s /usr/bin/php /usr/local/bin/php
COPY --chmod=755 <<"EOS" /usr/local/bin/docker-php-entrypoint
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ]; then
  set -- php "$@"
fi
exec "$@"
EOS
ENV PHP_VERSION=${VERSION}
ENTRYPOINT ["docker-php-entrypoint"]
CMD ["php", "-a"]
