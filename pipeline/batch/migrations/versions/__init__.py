"""One file per version of the schema; what stands here is never changed."""
