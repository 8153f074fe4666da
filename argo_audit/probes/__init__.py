"""What a reward model pays for edited responses: edits, probes, their effects."""
