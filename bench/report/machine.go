package main

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// machine returns a list of what the figures depend on.
func machine() (string, error) {
	const format = "{{if not .Indirect}}{{.Path}} {{.Version}}{{end}}"
	modules, err := exec.Command("go", "list", "-m", "-f", format, "all").Output()
	if err != nil {
		return "", fmt.Errorf("list the modules: %w", err)
	}
	var peers []string
	for line := range strings.Lines(string(modules)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if version != "" && version != "v0.0.0" && !strings.HasPrefix(path, "github.com/botwright/") {
			peers = append(peers, path+" "+version)
		}
	}
	return fmt.Sprintf("- Machine: %s, %d processors, %s/%s, load when it began: %s\n- %s\n- %s\n",
		find("/proc/cpuinfo", `(?m)^model name\s*: (.+)$`), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH,
		find("/proc/loadavg", `^(\S+)`), runtime.Version(), strings.Join(peers, ", ")), nil
}

// find returns what the first group of a pattern matches in a file, "unknown" if it does not.
func find(file, pattern string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return "unknown"
	}
	if m := regexp.MustCompile(pattern).FindSubmatch(text); m != nil {
		return string(m[1])
	}
	return "unknown"
}
