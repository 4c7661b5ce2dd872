"""How well emotional dimensions are told: agreement, error and bias, with bounds that allow for speakers."""
