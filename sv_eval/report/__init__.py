"""What a run's files hold, as types: the report of scoring, the environment, and the reasons that stand in them."""
