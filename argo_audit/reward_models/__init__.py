"""The models under audit: classifier checkpoints, recorded scores, training and labelling."""
