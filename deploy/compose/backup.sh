#!/bin/sh
# backup.sh FOLDER: stops the system, copies every volume of it into FOLDER, and starts it again.
#
# Stopped, all engines are of one moment: nothing is on its way between them. Doors refuse meanwhile, so that senders
# come again. The copy holds customers' words and all secrets: keep it as you keep those.
set -eu

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ -z "$(ls -A "$folder")" ] || { echo "$folder is not empty" >&2; exit 2; }
cd "$(dirname "$0")"
: "${DOCKER:=docker}" "${COMPOSE:=$DOCKER compose}"

tickets=$($COMPOSE ps --all --quiet tickets | head -n 1)
[ -n "$tickets" ] || { echo "no system of this project is here" >&2; exit 1; }
image=$($DOCKER inspect --format '{{.Config.Image}}' "$tickets")
project=$($DOCKER inspect --format '{{index .Config.Labels "com.docker.compose.project"}}' "$tickets")

trap '$COMPOSE start' EXIT
# Services before the engines that they finish their work on. Word by word: names have no spaces.
$COMPOSE stop $($COMPOSE config --services | grep -v -E '^(kafka|mongodb|valkey)')
$COMPOSE stop
for volume in $($DOCKER volume ls --quiet --filter "label=com.docker.compose.project=$project"); do
  name=${volume#"${project}_"}
  echo "copying $name"
  $DOCKER run --rm --network none --user 0:0 --entrypoint tar --volume "$volume:/volume:ro" --volume "$folder:/backup" \
    "$image" --create --gzip --numeric-owner --file "/backup/$name.tar.gz" --directory /volume .
done
(cd "$folder" && sha256sum -- *.tar.gz >sha256sums)
echo "done: $folder"
