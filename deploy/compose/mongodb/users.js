// Run once by the mongo image, on an empty data folder: services may read and write their own databases, no more.
const { readFileSync } = require("fs");
const services = ["tickets", "router", "ingest_email", "ingest_sms", "webchat_gateway", "notifier", "reporting"];

db.getSiblingDB("admin").createUser({
  user: "deskbus",
  pwd: readFileSync("/run/secrets/deskbus_password", "utf8").trim(),
  roles: services.map((service) => ({ role: "readWrite", db: `deskbus_${service}` })),
});
