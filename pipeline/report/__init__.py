"""What a person reads: the public JSON, the HTML report, its stills and plots."""
