"""Print the lowest versions that pyproject.toml admits, as constraints for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
for line in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
    requirement = Requirement(line)
    (lowest,) = (s.version for s in requirement.specifier if s.operator == ">=")
    print(f"{requirement.name}=={lowest}")
