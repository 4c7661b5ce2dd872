"""How many clips, speakers and calls a question needs, before anything is measured."""
