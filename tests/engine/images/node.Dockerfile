# npm is the one that the official image has, where that image has it. Debian's own is used
# only to fetch it: it brings Python and 300 packages that a slim image has not.
ARG BASE
FROM ${BASE} AS npm
ARG NPM
RUN apt-get update && apt-get install -y --no-install-recommends npm \
 && npm install --prefix /made npm@${NPM}

FROM ${BASE}
ARG MORE
RUN apt-get update && apt-get install -y --no-install-recommends nodejs ${MORE} \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && groupadd --gid 1000 node \
 && useradd --uid 1000 --gid node --shell /bin/bash --create-home node
COPY --from=npm /made/node_modules/npm /usr/local/lib/node_modules/npm
RUN cd /usr/local/bin && ln -s /usr/bin/node node \
 && ln -s ../lib/node_modules/npm/bin/npm-cli.js npm \
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js npx
# The official image has Node.js below /usr/local, which is where npm puts programs then.
RUN echo 'prefix=/usr/local' >> /usr/local/lib/node_modules/npm/npmrc
# node-gyp fetches Node's headers from where no package registry is, unless it is told a folder.
RUN [ ! -d /usr/include/nodejs ] \
 || echo 'nodedir=/usr/include/nodejs' >> /usr/local/lib/node_modules/npm/npmrc
COPY --chmod=755 <<"EOF" /usr/local/bin/docker-entrypoint.sh
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ]; then
  set -- node "$@"
fi
exec "$@"
EOF
ARG VERSION
ENV NODE_VERSION=${VERSION}
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["node"]
