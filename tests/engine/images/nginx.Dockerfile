ARG BASE
FROM ${BASE}
# The official image's configuration serves /usr/share/nginx/html from /etc/nginx/conf.d.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl nginx-light \
 && rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /etc/nginx/sites-enabled/* \
 && mkdir -p /usr/share/nginx/html
COPY <<"EOS" /etc/nginx/conf.d/default.conf
server {
  listen 80;
  root /usr/share/nginx/html;
  index index.html;
}
EOS
ARG VERSION
ENV NGINX_VERSION=${VERSION}
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
