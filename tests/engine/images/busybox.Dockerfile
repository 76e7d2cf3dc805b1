FROM scratch
COPY --from=parts bin/busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp && mkdir -p /etc /root \
 && printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'app:x:1000:1000:app:/home/app:/bin/sh' > /etc/passwd \
 && printf '%s\n' 'root:x:0:' 'app:x:1000:' > /etc/group
CMD ["sh"]
