import ssl

import pytest

from service_kit.docstore.mongo_connection import open_client


@pytest.mark.parametrize(("query", "is_encrypted"), [("", False), ("?tls=true", True), ("?ssl=true", True)])
async def test_tls_of_the_url_reaches_the_driver(query: str, *, is_encrypted: bool):
    """`tls=true` in the store URL is the driver's TLS, with certificates and names checked (S2)."""
    client = open_client(f"mongodb://127.0.0.1:1/{query}", timeout_seconds=0.2)
    options = client.options.pool_options
    await client.close()

    assert (options._ssl_context is not None) is is_encrypted
    assert not is_encrypted or options._ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert not options.tls_allow_invalid_hostnames
