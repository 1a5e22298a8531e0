package memory

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// Sources of a limit.
const (
	Option     = "WithMemoryLimit" // the program
	GOMEMLIMIT = "GOMEMLIMIT"      // the environment variable, or debug.SetMemoryLimit
	Cgroup     = "cgroup"          // memory.max of the process's cgroup, or of one above it
)

// A Limit is on the memory of the process. The zero Limit is none.
type Limit struct {
	Max    int64  // what the process may use, in bytes
	Source string // who says so
}

// Detect returns the lowest limit on the memory of this process: Go's own soft limit, or the limit
// of the cgroup v2 that a container or a systemd unit runs in. It reads a few small files.
func Detect() Limit {
	max, source, _ := detect(os.DirFS("/"), debug.SetMemoryLimit(-1))
	return Limit{max, source}
}

// detect looks in a file system, and takes the lower of what it finds and a soft limit.
func detect(fsys fs.FS, soft int64) (limit int64, source string, ok bool) {
	hard := cgroup(fsys)
	switch {
	case soft == math.MaxInt64 && hard == math.MaxInt64:
		return 0, "", false
	case soft <= hard:
		return soft, GOMEMLIMIT, true
	}
	return hard, Cgroup, true
}

// cgroup returns the lowest limit from the process's cgroup up to the root that it can see. A
// container sees its own cgroup as the root.
func cgroup(fsys fs.FS) int64 {
	const mount = "sys/fs/cgroup"
	lowest := int64(math.MaxInt64)
	for dir := ownCgroup(fsys); ; dir = path.Dir(dir) {
		b, err := fs.ReadFile(fsys, path.Join(mount, dir, "memory.max"))
		if err == nil {
			// "max" does not parse: no limit. Neither would 0 be one that a process lives in.
			n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
			if err == nil && n > 0 {
				lowest = min(lowest, n)
			}
		}
		if dir == "/" {
			return lowest
		}
	}
}

// ownCgroup returns the path of the process's cgroup v2, "/" if it is not known.
func ownCgroup(fsys fs.FS) string {
	b, err := fs.ReadFile(fsys, "proc/self/cgroup")
	if err != nil {
		return "/"
	}
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		if dir, found := strings.CutPrefix(lines.Text(), "0::"); found {
			return path.Clean("/" + dir)
		}
	}
	return "/"
}
