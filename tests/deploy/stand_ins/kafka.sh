#!/bin/sh
# Kafka as the apache/kafka image starts it: each KAFKA_A_B=value is the property a.b, and storage is formatted once.
set -eu
properties=/tmp/server.properties
env | sed -n 's/^KAFKA_//p' | grep -v '^HEAP_OPTS=' | while IFS= read -r line; do
  name=$(printf '%s' "${line%%=*}" | tr 'A-Z_' 'a-z.')
  printf '%s=%s\n' "$name" "${line#*=}"
done >"$properties"
cat >>"$properties" <<END
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=8388608
log.index.size.max.bytes=1048576
END
java="java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dorg.slf4j.simpleLogger.defaultLogLevel=warn"
export CLASSPATH="/opt/kafka/libs/*"
if [ ! -e "$KAFKA_LOG_DIRS/meta.properties" ]; then
  $java kafka.tools.StorageTool format -t "$CLUSTER_ID" -c "$properties"
fi
# shellcheck disable=SC2086 # several options in one variable
exec $java ${KAFKA_HEAP_OPTS:-} kafka.Kafka "$properties"
