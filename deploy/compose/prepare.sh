#!/bin/sh
# Makes what a first start lacks: passwords, each in the folder of who reads it, with the URLs of engines that may hold
# some, and the proxy's table of routes. What is there already stays: give files of your own, and none is made.
set -eu

random() {
  od -An -v -tx1 -N 24 /dev/urandom | tr -d ' \n'
}

# keep FILE TEXT: whole or not at all, whenever this is killed.
keep() {
  [ -s "$1" ] && return
  printf '%s\n' "$2" >"$1.partial"
  chmod 0444 "$1.partial"
  mv "$1.partial" "$1"
  echo "made $1"
}

cd /secrets
keep mongodb/root_password "$(random)"
keep mongodb/deskbus_password "$(random)"
keep deskbus/deskbus_store_url "mongodb://deskbus:$(cat mongodb/deskbus_password)@mongodb:27017/?authSource=admin"
keep valkey/valkey.conf "requirepass $(random)"
keep deskbus/deskbus_redis_url "redis://:$(cut -d ' ' -f 2 valkey/valkey.conf)@valkey:6379/0"
keep deskbus/deskbus_bus_url kafka://kafka:9092
keep deskbus/deskbus_blobs_url file:///var/lib/deskbus/blobs
keep deskbus/deskbus_secret_key "$(random)$(random)"
keep grafana/password "$(random)"

deskbus routes --caddy >/routes/routes.caddy.partial
mv /routes/routes.caddy.partial /routes/routes.caddy
