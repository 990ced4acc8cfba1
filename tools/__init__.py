"""What a team needs around the pipeline: sharing, merging dvc.lock, review, reports."""
