"""respool adapter package."""
