package cluster

import "context"

// Assign is assign, with the candidates' capacities by id.
func Assign(shards []int, capacities map[string]int, owners map[int]string) map[int]string {
	var candidates []candidate
	for id, capacity := range capacities {
		candidates = append(candidates, candidate{id, capacity})
	}
	return assign(shards, candidates, owners)
}

// Crash ends a Member such that nothing is given up in order: its backend must fail by now.
func (m *Member) Crash() {
	m.end()
	m.tasks.Wait()
	m.awaitIdle(context.Background())
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lapse != nil {
		m.lapse.Stop()
	}
}

// ExpireAll removes all keys that have a ttl.
func (l *Local) ExpireAll() {
	l.mu.Lock()
	due := make(map[string]uint64)
	for key, k := range l.keys {
		if k.expiry != nil {
			due[key] = k.revision
		}
	}
	l.mu.Unlock()
	for key, revision := range due {
		l.expire(key, revision)
	}
}

// TopicKey is what a Board claims for a topic.
func TopicKey(topic string) string { return claimKey(topic) }
