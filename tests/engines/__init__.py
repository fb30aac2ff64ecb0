"""The engines of production for tests: Apache Kafka, MongoDB or what speaks its protocol, Valkey.

`python -m engines -- COMMAND` runs a command with engines at hand; `engines.fixtures` gives their URLs to tests.
"""
