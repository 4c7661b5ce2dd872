"""Is a recogniser wired up rightly? Relations that hold between answers to one clip in different guises."""
