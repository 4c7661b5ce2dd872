"""From words and YAML files to checked settings and to what they name."""
