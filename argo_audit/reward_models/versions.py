"""What numbers may depend on beside their inputs: the versions of packages.

installed("numpy", "torch")          # {"numpy": "2.3.5"} where there is no torch
"""

from importlib.metadata import PackageNotFoundError, version


def installed(*packages: str) -> dict[str, str]:
    """The versions of packages; absent ones left out."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
