"""What notebooks stand on that tune detectors: labels, clips, splits, scores, sweeps; `pipeline.tune` is the door."""
