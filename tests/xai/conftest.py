"""A network that has learned something, once for all tests of maps."""

import pytest

from tests.xai.networks import PooledNetwork, train_on_squares


@pytest.fixture(scope="session")
def trained_network() -> PooledNetwork:
    """It finds squares in corners; no test changes it."""
    network = PooledNetwork()
    train_on_squares(network)
    return network
