package botwright_test

import (
	"bytes"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// layerList says which packages below the root may import which others of this module. Those that are
// missing import none. The root may import all, and none imports the root.
const layerList = `
admin: access gateway pprofhttp status tick
alert: health protect webhook
bucketlock: route
census: frame
checks: alert dispatch gateway health memory rest session traffic
cooldown: ttl
debounce: callstack group protect
events: scan
fleet: change gateway group
frame: scan
gateway: frame
health: protect
interaction: frame redact
locator: gateway
members: frame
memory: resource
metrics: build dispatch events frame gateway health memory profile rest route
ops: group
overlap: frame
relay: protect
rest: route
runner: callstack deadline dispatch expect frame gateway group interaction protect redact session
signed: frame
state: clone events frame
status: alert dispatch gateway health memory profile rest
statuscmd: gateway
`

// layers returns layerList as a map.
func layers() map[string][]string {
	may := make(map[string][]string)
	for line := range strings.Lines(layerList) {
		if from, to, ok := strings.Cut(line, ":"); ok {
			may[from] = strings.Fields(to)
		}
	}
	return may
}

func TestLayers(t *testing.T) {
	t.Parallel()
	const module = "github.com/botwright/botwright"
	files, err := filepath.Glob("internal/*/*.go")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	may, used := layers(), make(map[string][]string)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		from := filepath.Base(filepath.Dir(file))
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if path != module && !strings.HasPrefix(path, module+"/") {
				continue
			}
			to := strings.TrimPrefix(path, module+"/internal/")
			if !slices.Contains(may[from], to) {
				t.Errorf("%s imports %s: give the package what it needs, or add the arrow to layerList",
					file, path)
			}
			used[from] = append(used[from], to)
		}
	}
	for from, list := range may {
		for _, to := range list {
			if !slices.Contains(used[from], to) {
				t.Errorf("internal/%s does not import internal/%s any more: take the arrow out of layerList",
					from, to)
			}
		}
	}
}

// maxLines is how long a file of the root may be: what is longer has more than one topic, or does
// work that belongs below the root.
const maxLines = 350

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "_gen.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(source, []byte("\n")); n > maxLines {
			t.Errorf("%s has %d lines, more than %d", file, n, maxLines)
		}
	}
}
