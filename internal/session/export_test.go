package session

// IsNew does what is done at each change of a shard.
func IsNew(s *Saver) bool { return s.isNew() }
