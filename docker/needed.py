"""What a package needs, by its pyproject.toml, for a layer that changes seldom: needed.py FILE [EXTRA ...]."""

import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    project = tomllib.load(file)["project"]
extras = project["optional-dependencies"]
needed = [*project["dependencies"], *(one for extra in sys.argv[2:] for one in extras[extra])]
sys.stdout.write("\n".join(needed) + "\n")
