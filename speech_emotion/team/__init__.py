"""What a team needs around the pipeline: sharing, merging, drift, review, comparison."""
