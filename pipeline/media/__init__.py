"""Access to footage: the only place that opens, demuxes or decodes it."""
