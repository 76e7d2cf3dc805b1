ARG BASE
FROM ${BASE}
ARG MORE
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates ruby ruby-bundler ${MORE} \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
 && for name in ruby gem bundle irb; do ln -s /usr/bin/$name /usr/local/bin/$name; done \
 && mkdir -m 1777 /usr/local/bundle
ARG VERSION
ENV LANG=C.UTF-8 RUBY_VERSION=${VERSION} GEM_HOME=/usr/local/bundle \
    BUNDLE_SILENCE_ROOT_WARNING=1 BUNDLE_APP_CONFIG=/usr/local/bundle \
    PATH=/usr/local/bundle/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["irb"]
