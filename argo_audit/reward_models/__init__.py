"""The models under audit: checkpoints, servers, recorded scores; training, checks, labelling."""
