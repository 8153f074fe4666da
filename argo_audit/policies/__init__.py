"""Rubric writers behind the Policy role."""
