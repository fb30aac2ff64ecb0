#!/bin/sh
# restore.sh FOLDER: makes a new system of what backup.sh left in FOLDER. Start it by `docker compose up` afterwards.
#
# It refuses where a system is already: what is there is never overwritten.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
folder=$(cd "$1" && pwd)
(cd "$folder" && sha256sum --check --quiet sha256sums)
cd "$(dirname "$0")"
: "${DOCKER:=docker}" "${COMPOSE:=$DOCKER compose}"

[ -z "$($COMPOSE ps --all --quiet)" ] || { echo "a system of this project is here already" >&2; exit 1; }
# The one service that waits for no other: of its container it is seen how Compose names things here.
$COMPOSE up --no-start prepare
prepare=$($COMPOSE ps --all --quiet prepare | head -n 1)
image=$($DOCKER inspect --format '{{.Config.Image}}' "$prepare")
project=$($DOCKER inspect --format '{{index .Config.Labels "com.docker.compose.project"}}' "$prepare")

# in_volume VOLUME PROGRAM ARGUMENTS
in_volume() {
  volume=$1 program=$2
  shift 2
  $DOCKER run --rm --network none --user 0:0 --entrypoint "$program" \
    --volume "$volume:/volume" --volume "$folder:/backup:ro" "$image" "$@"
}

for archive in "$folder"/*.tar.gz; do
  name=$(basename "$archive" .tar.gz)
  $DOCKER volume create --label "com.docker.compose.project=$project" --label "com.docker.compose.volume=$name" \
    "${project}_$name" >/dev/null
done
for name in mongodb kafka; do
  [ -z "$(in_volume "${project}_$name" ls -A /volume)" ] || { echo "the volume $name is not empty" >&2; exit 1; }
done
for archive in "$folder"/*.tar.gz; do
  name=$(basename "$archive" .tar.gz)
  echo "restoring $name"
  in_volume "${project}_$name" tar --extract --gzip --same-owner --numeric-owner \
    --file "/backup/$name.tar.gz" --directory /volume
done
echo "done; start it with: $COMPOSE up --detach"
