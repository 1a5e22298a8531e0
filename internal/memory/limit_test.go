package memory_test

import (
	"math"
	"testing"
	"testing/fstest"

	"github.com/botwright/botwright/internal/memory"
)

func TestDetect(t *testing.T) {
	const none, cgroup = math.MaxInt64, "sys/fs/cgroup"
	tests := []struct {
		name   string
		files  map[string]string
		soft   int64
		limit  int64
		source string
	}{
		{"nothing", nil, none, 0, ""},
		{"soft alone", nil, 100, 100, memory.GOMEMLIMIT},
		{"container", map[string]string{
			"proc/self/cgroup": "0::/\n", cgroup + "/memory.max": "536870912\n",
		}, none, 512 << 20, memory.Cgroup},
		{"unlimited container", map[string]string{
			"proc/self/cgroup": "0::/\n", cgroup + "/memory.max": "max\n",
		}, none, 0, ""},
		{"unit", map[string]string{
			"proc/self/cgroup": "0::/system.slice/bot.service\n",
			cgroup + "/system.slice/bot.service/memory.max": "300\n",
		}, none, 300, memory.Cgroup},
		{"a parent has less", map[string]string{
			"proc/self/cgroup": "0::/system.slice/bot.service\n",
			cgroup + "/system.slice/bot.service/memory.max": "300\n",
			cgroup + "/system.slice/memory.max":             "200\n",
		}, none, 200, memory.Cgroup},
		{"soft below hard", map[string]string{
			"proc/self/cgroup": "0::/\n", cgroup + "/memory.max": "100\n",
		}, 90, 90, memory.GOMEMLIMIT},
		{"soft above hard", map[string]string{
			"proc/self/cgroup": "0::/\n", cgroup + "/memory.max": "100\n",
		}, 110, 100, memory.Cgroup},
		{"both versions mounted", map[string]string{
			"proc/self/cgroup":          "12:memory:/a\n0::/b\n",
			cgroup + "/b/memory.max":    "7\n",
			cgroup + "/a/memory.max":    "5\n",
			cgroup + "/memory/a/unused": "3\n",
		}, none, 7, memory.Cgroup},
		{"path that leaves the mount", map[string]string{
			"proc/self/cgroup": "0::/../../etc\n", "etc/memory.max": "1\n",
		}, none, 0, ""},
		{"garbage", map[string]string{
			"proc/self/cgroup": "\x00::\n", cgroup + "/memory.max": "lots\n",
		}, none, 0, ""},
		{"zero", map[string]string{cgroup + "/memory.max": "0\n"}, none, 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, content := range tt.files {
				fsys[name] = &fstest.MapFile{Data: []byte(content)}
			}
			limit, source, ok := memory.DetectIn(fsys, tt.soft)
			if limit != tt.limit || source != tt.source || ok != (tt.source != "") {
				t.Errorf("%d, %q, %v; want %d, %q", limit, source, ok, tt.limit, tt.source)
			}
		})
	}
}

func TestDetectHere(t *testing.T) {
	if l := memory.Detect(); (l.Max > 0) != (l.Source != "") {
		t.Errorf("%+v contradicts itself", l)
	}
}
