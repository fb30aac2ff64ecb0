# What looks at a system, for machines that reach no registry of images: told the same things as the public images.
ARG BASE

# Debian's Prometheus: an older release than the public image's, with the same configuration, rules and promtool.
FROM ${BASE} AS prometheus
RUN apt-get update -qq \
    && apt-get install -qq -y --no-install-recommends prometheus >/dev/null \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner=nobody --group=nogroup /prometheus
USER nobody
ENTRYPOINT ["prometheus"]
CMD ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]

# The OpenTelemetry Collector, put together of its own modules with the few parts that our configuration names.
FROM ${BASE} AS otelcol
COPY otelcol /otelcol
USER 10001
ENTRYPOINT ["/otelcol"]
CMD ["--config", "/etc/otelcol/config.yaml"]
