import pytest

from service_kit.bus.kafka.address import KafkaAddress


def test_plain_servers():
    """Without a user nothing is encrypted and nobody asked for a password."""
    address = KafkaAddress.parse("kafka://one:9092,two:9093")

    assert address.servers == ("one:9092", "two:9093")
    assert address.replication is None
    assert address.client_options() == {
        "bootstrap_servers": ["one:9092", "two:9093"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_a_user_means_encryption_and_scram():
    """A URL with a user and nothing else is as safe as Kafka can be; escapes in the password are undone."""
    options = KafkaAddress.parse("kafka://tickets:a%40b%2Cc@one:9092").client_options()

    assert options["security_protocol"] == "SASL_SSL"
    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("tickets", "a@b,c")
    assert options["ssl_context"] is not None


def test_options_override():
    """Protocol, mechanism and replication can be given."""
    address = KafkaAddress.parse("kafka://u:p@one:9092?security=SASL_PLAINTEXT&mechanism=PLAIN&replication=2")

    assert address.replication == 2
    assert address.client_options()["security_protocol"] == "SASL_PLAINTEXT"
    assert address.client_options()["sasl_mechanism"] == "PLAIN"


def test_the_password_is_not_shown():
    """Neither the address nor a complaint about it repeats the password."""
    address = KafkaAddress.parse("kafka://tickets:hush@one:9092")

    with pytest.raises(ValueError, match="host:port") as refused:
        KafkaAddress.parse("kafka://tickets:hush@one")
    assert "hush" not in repr(address)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("redis://one:9092", "begins with kafka"),
        ("kafka://", "host:port"),
        ("kafka://one:port", "host:port"),
        ("kafka://one:9092?acks=1", "no option acks"),
        ("kafka://one:9092?replication=0", "from 1 to 15"),
        ("kafka://one:9092?replication=many", "from 1 to 15"),
        ("kafka://one:9092?security=NONE", "security is one of"),
        ("kafka://one:9092?security=SASL_SSL", "do not go together"),
        ("kafka://u:p@one:9092?security=SSL", "do not go together"),
        ("kafka://u:p@one:9092?mechanism=MD5", "mechanism is one of"),
        ("kafka://one:9092?mechanism=PLAIN", "needs a user"),
        ("kafka://one:9092?ca=ca.pem", "leave out ca"),
        ("kafka://u:p@one:9092?ca=/nowhere/ca.pem", "cannot be used"),
    ],
)
def test_what_is_no_address(url: str, complaint: str):
    """A URL that cannot work is refused with a sentence that says why."""
    with pytest.raises(ValueError, match=complaint):
        KafkaAddress.parse(url)
