"""One small driver per pool, all with the same four calls: open, a block or acquire and release, close."""
