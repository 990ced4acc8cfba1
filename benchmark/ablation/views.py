"""The ways in which a row's last network is asked about its test clips."""

ONE_CROP, CROPS = "one_crop", "crops"
# On one crop, after each speaker's clips were brought to the usual level: as they are, or mel bin by mel bin.
OWN_LEVEL, OWN_MELS = "own_level", "own_mels"
VIEWS = (ONE_CROP, CROPS, OWN_LEVEL, OWN_MELS)
