# HAProxy from Debian's package, where its own image cannot be pulled; docker/air-gapped-haproxy builds it.
ARG BUILDER_BASE=callbox-builder:local

FROM ${BUILDER_BASE} AS packages
RUN apt-get -qq update \
 && apt-get -qq install -y --no-install-recommends haproxy \
 && mkdir /out \
 && cp --parents /usr/sbin/haproxy $(ldd /usr/sbin/haproxy | grep -o '/[^ ]*') /out

FROM scratch
COPY --from=packages /out /
ENV PATH=/usr/sbin
USER 65532:65532
