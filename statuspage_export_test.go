package botwright

// IsRecovering reports whether all that is bad was good in its last run.
func IsRecovering(r HealthReport) bool { return r.recovering() }
