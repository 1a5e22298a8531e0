package main

import "testing"

func TestTable(t *testing.T) {
	got := table(parse(`goos: linux
BenchmarkGateway/impl=botwright-2    100000    1234567 ns/op    8000.4 cpu-ns/event    12 allocs/op
BenchmarkGateway/impl=botwright-2    100000    1234560 ns/op    9000 cpu-ns/event    12 allocs/op
BenchmarkGateway/impl=botwright-2    100000    1234569 ns/op    7000 cpu-ns/event    12 allocs/op
BenchmarkCache/hit/g=8-2    15    0.4567 x-otter
PASS
`))
	want := `| | ns/op | cpu-ns/event | allocs/op | x-otter |
|---|---|---|---|---|
| Gateway/impl=botwright | 1,234,567 | 8,000 | 12 | – |
| Cache/hit/g=8 | – | – | – | 0.457 |
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
