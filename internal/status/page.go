// Package status serves a page that shows how a bot is, live, in any browser: one document with
// its style and script in it, which asks nobody but the server it came from.
//
// The page draws what [Page] says. It gets one with the document and further ones as server-sent
// events. Sections that are nil or empty are not shown.
package status

import "time"

// A Page is what is shown.
type Page struct {
	Name       string    `json:"name"`
	Version    string    `json:"version"`
	Time       time.Time `json:"time"`
	Started    time.Time `json:"started"`
	Status     string    `json:"status"`      // healthy, recovering, degraded, unhealthy, starting or stopping
	ShardCount int       `json:"shard_count"` // over all processes; 0 if not known yet
	Processes  []Process `json:"processes"`
	Totals     Totals    `json:"totals"`
	History    History   `json:"history"`
	Checks     []Check   `json:"checks,omitempty"`
	Alerts     []Alert   `json:"alerts,omitempty"` // newest first
	Meters     []Meter   `json:"meters,omitempty"`
	Caches     []Cache   `json:"caches,omitempty"`
	Slow       []Slow    `json:"slow,omitempty"`
}

// A Process is one of those that run the bot's shards.
type Process struct {
	Name   string  `json:"name"`
	Shards []Shard `json:"shards"`
}

// A Shard is a tile. There may be hundreds.
type Shard struct {
	ID          int     `json:"id"`
	State       string  `json:"state"`
	Since       int64   `json:"since"`           // Unix time, s
	Down        int64   `json:"down,omitempty"`  // since when it is not ready, Unix time, s
	Retry       int64   `json:"retry,omitempty"` // when it connects again, Unix time, s
	Latency     float64 `json:"latency"`         // ms; 0 if not known
	Rate        float64 `json:"rate"`            // events per second
	Guilds      int     `json:"guilds"`
	Unavailable int     `json:"unavailable,omitempty"`
	Quiet       bool    `json:"quiet,omitempty"` // ready, and yet no event for long
	Error       string  `json:"error,omitempty"`
}

// Totals are sums over the shards.
type Totals struct {
	Shards      int     `json:"shards"`
	Ready       int     `json:"ready"`
	Guilds      int     `json:"guilds"`
	Unavailable int     `json:"unavailable"`
	Latency     float64 `json:"latency"` // ms, the mean
	Rate        float64 `json:"rate"`    // events per second
	Events      uint64  `json:"events"`
	Memory      float64 `json:"memory"` // bytes that count against the limit
	MemoryLimit float64 `json:"memory_limit,omitempty"`
	Goroutines  int     `json:"goroutines"`
}

// History is how it was, oldest first.
type History struct {
	Step    float64   `json:"step"`    // s between two values
	Latency []float64 `json:"latency"` // ms
	Rate    []float64 `json:"rate"`    // events per second
}

// A Check is a health check.
type Check struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Message string `json:"message"`

	// Recovering is set when the last run was good and has yet to be confirmed.
	Recovering bool `json:"recovering,omitempty"`

	Value    string   `json:"value,omitempty"`
	Limit    string   `json:"limit,omitempty"`
	Duration float64  `json:"duration"` // ms
	History  []string `json:"history"`  // statuses, oldest first
}

// An Alert is one that was sent.
type Alert struct {
	Time   time.Time `json:"time"`
	Kind   string    `json:"kind"`
	Status string    `json:"status"`
	Text   string    `json:"text"`
}

// A Meter is something that can be used up.
type Meter struct {
	Name  string  `json:"name"`
	Used  float64 `json:"used"` // share
	Text  string  `json:"text"`
	Level string  `json:"level"` // healthy, degraded or unhealthy
}

// A Cache is a line about a cache.
type Cache struct {
	Name    string  `json:"name"`
	Entries int     `json:"entries"`
	Limit   int     `json:"limit,omitempty"`
	Hits    float64 `json:"hits"` // share of requests; negative if there were none
}

// Slow is one of the slowest operations.
type Slow struct {
	Name  string  `json:"name"`
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"` // ms
	P99   float64 `json:"p99"` // ms
	Max   float64 `json:"max"` // ms
}

// A Detail is what is shown of one shard when asked for.
type Detail struct {
	Shard
	History  History        `json:"history"`
	Sequence int64          `json:"sequence"`
	Events   uint64         `json:"events"`
	Session  int64          `json:"session"`  // since when, Unix time, s; 0 without one
	LastACK  int64          `json:"last_ack"` // Unix time, s; 0 before the first
	Counters map[string]int `json:"counters"`
	Closes   map[int]uint64 `json:"closes"` // by code
}
