"""How much of the compliance run each broken intercom has to face."""


def pytest_addoption(parser):
    parser.addoption("--complete", action="store_true", help="play every scenario against every fault")
