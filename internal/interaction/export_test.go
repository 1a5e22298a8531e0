package interaction

// Len returns how many interactions are on record.
func (s *Answers) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byToken)
}
