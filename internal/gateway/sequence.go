package gateway

// lookback is how far behind the highest number a dispatch may come and still be the first with
// its number. What is missing for longer than that many dispatches never comes: Discord does not
// send a RESUMED again whose number it has spent.
const lookback = 256

// A sequence remembers which of a session's numbers have come. Discord sends them in order; what
// stands between it and us may not.
type sequence struct {
	high int64                 // the highest
	low  int64                 // all up to this one have come, or never will
	come [lookback / 64]uint64 // a bit for each of the last numbers, at the number modulo lookback
}

// startAt forgets everything: n and all numbers before it have come.
func (s *sequence) startAt(n int64) { *s = sequence{high: n, low: n} }

// has reports whether the number has come, or is too old to tell.
func (s *sequence) has(n int64) bool {
	return n <= s.low || n <= s.high && s.come[n/64%(lookback/64)]&(1<<(n%64)) != 0
}

// add notes that the number has come.
func (s *sequence) add(n int64) {
	if n-s.high >= lookback {
		s.come = [lookback / 64]uint64{}
	} else {
		for m := s.high + 1; m < n; m++ {
			s.come[m/64%(lookback/64)] &^= 1 << (m % 64)
		}
	}
	s.high = max(s.high, n)
	s.come[n/64%(lookback/64)] |= 1 << (n % 64)
	s.low = max(s.low, s.high-lookback)
	for s.low < s.high && s.has(s.low+1) {
		s.low++
	}
}
