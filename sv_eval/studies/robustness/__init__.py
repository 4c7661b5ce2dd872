"""What a recogniser loses under conditions: drops, flips, corruption errors and where it breaks."""
