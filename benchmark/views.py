"""The ways in which a cell's networks are asked about its test clips."""

# One network, asked as people would ask it: the low- and the high-resolution model on one crop a clip, and the latter
# on several; `high` is what is exported.
SINGLE = ("low", "high", "high_crops")
# Tracks of their own: `high` on clips brought to the usual level of speakers, and all networks of the cell averaged.
TRACKS = ("adapted", "ensemble")
VIEWS = (*SINGLE, *TRACKS)
