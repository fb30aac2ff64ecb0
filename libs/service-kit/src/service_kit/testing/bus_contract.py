"""The promises of the bus port as tests. Every engine runs them: subclass, and provide the fixture `harness`."""

from service_kit.testing.bus_contract_delivery import DeliveryContract
from service_kit.testing.bus_contract_failure import FailureContract
from service_kit.testing.bus_contract_input import InputContract
from service_kit.testing.bus_contract_outage import OutageContract


class BusContract(DeliveryContract, FailureContract, OutageContract, InputContract):
    """All promises of the port, to be kept by an engine that is really running (see `BusHarness`)."""
