"""Reading corpora: from a folder, a manifest or a Hugging Face data set, and a card, to Clips."""
