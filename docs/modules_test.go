package docs_test

import (
	"encoding/json"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestModules looks for what would break go get once a version is tagged. A replace directive has
// no effect for users: the root may have none, and the others only for our own modules, which
// .ci/tagcheck replaces by versions.
func TestModules(t *testing.T) {
	t.Parallel()
	const module = "github.com/botwright/botwright"
	for _, file := range files(t, "go.mod") {
		var mod struct {
			Module  struct{ Path string }
			Replace []struct{ Old struct{ Path string } }
			Exclude []any
		}
		edit := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json")
		edit.Dir = filepath.Join(root, filepath.FromSlash(path.Dir(file)))
		out, err := edit.Output()
		if err == nil {
			err = json.Unmarshal(out, &mod)
		}
		if err != nil {
			t.Fatal(file, err)
		}
		if want := path.Join(module, path.Dir(file)); mod.Module.Path != want {
			t.Errorf("%s: the path is %s, want %s", file, mod.Module.Path, want)
		}
		if file == "go.mod" && len(mod.Replace)+len(mod.Exclude) > 0 {
			t.Errorf("the root module replaces or excludes modules, which users would not")
		}
		for _, r := range mod.Replace {
			if !strings.HasPrefix(r.Old.Path+"/", module+"/") {
				t.Errorf("%s replaces %s, which users would not", file, r.Old.Path)
			}
		}
	}
}
