"""The report as one page of HTML, with its records in it: to look at, to filter, to hear, and to check."""
