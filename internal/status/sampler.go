package status

import (
	"sync"
	"time"
)

// Step is the time between two samples, and samples how many are kept: ten minutes.
const (
	Step    = 5 * time.Second
	samples = 120
)

// A Sample is what a shard has counted.
type Sample struct {
	Shard   int
	Events  uint64
	Latency time.Duration // 0 if not known
}

// A Sampler remembers how shards were. Its zero value is ready; its methods may be called from
// any goroutine.
type Sampler struct {
	mu      sync.Mutex // guards what follows
	last    time.Time
	latency ring
	rate    ring
	shards  map[int]*shardSamples
}

type shardSamples struct {
	events        uint64
	latency, rate ring
}

// Take takes a sample if it is time for one. read is called only then.
func (s *Sampler) Take(now time.Time, read func() []Sample) {
	s.mu.Lock()
	due := now.Sub(s.last) >= Step
	s.mu.Unlock()
	if !due {
		return
	}
	shards := read()
	s.mu.Lock()
	defer s.mu.Unlock()
	elapsed := now.Sub(s.last)
	if elapsed < Step { // somebody else was faster
		return
	}
	first := s.last.IsZero()
	s.last = now
	known := s.shards
	s.shards = make(map[int]*shardSamples, len(shards))
	var latency, rate float64
	measured := 0
	for _, sample := range shards {
		seen := known[sample.Shard]
		if seen == nil {
			seen = &shardSamples{events: sample.Events}
		}
		s.shards[sample.Shard] = seen
		rate += seen.take(sample, elapsed)
		if sample.Latency > 0 {
			latency += ms(sample.Latency)
			measured++
		}
	}
	if !first {
		s.latency.add(latency / float64(max(measured, 1)))
		s.rate.add(rate)
	}
}

func (s *shardSamples) take(sample Sample, elapsed time.Duration) (rate float64) {
	if sample.Events > s.events {
		rate = float64(sample.Events-s.events) / elapsed.Seconds()
	}
	s.events = sample.Events
	s.rate.add(rate)
	s.latency.add(ms(sample.Latency))
	return rate
}

// Rate returns how many events a second a shard brought since the sample before.
func (s *Sampler) Rate(shard int) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.shards[shard]
	if seen == nil {
		return 0
	}
	return seen.rate.last()
}

// History returns the samples over all shards.
func (s *Sampler) History() History {
	s.mu.Lock()
	defer s.mu.Unlock()
	return History{Step: Step.Seconds(), Latency: s.latency.values(), Rate: s.rate.values()}
}

// ShardHistory returns the samples of one shard.
func (s *Sampler) ShardHistory(shard int) History {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := History{Step: Step.Seconds()}
	if seen := s.shards[shard]; seen != nil {
		h.Latency, h.Rate = seen.latency.values(), seen.rate.values()
	}
	return h
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// A ring keeps the last samples. It grows as it fills: most bots have one shard, some hundreds.
type ring struct {
	buf  []float32
	next int
}

func (r *ring) add(v float64) {
	if len(r.buf) < samples {
		r.buf = append(r.buf, float32(v))
		return
	}
	r.buf[r.next] = float32(v)
	r.next = (r.next + 1) % samples
}

func (r *ring) last() float64 {
	if len(r.buf) == 0 {
		return 0
	}
	return float64(r.buf[(r.next+len(r.buf)-1)%len(r.buf)])
}

func (r *ring) values() []float64 {
	values := make([]float64, 0, len(r.buf))
	for i := range r.buf {
		values = append(values, float64(r.buf[(r.next+i)%len(r.buf)]))
	}
	return values
}
