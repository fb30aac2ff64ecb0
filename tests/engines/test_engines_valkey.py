from redis import Redis

from engines.valkey import ValkeyEngine


def test_a_killed_valkey_comes_back_with_its_data_when_started():
    """What was confirmed is there on the same address; nobody else starts it."""
    with ValkeyEngine() as engine, Redis.from_url(engine.url) as client:
        client.set("ticket", "t1")
        engine.kill()
        assert engine.pid is None
        engine.start()

        assert client.get("ticket") == b"t1"
