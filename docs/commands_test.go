package docs_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A command is in backquotes, or on a line of its own that is indented or fenced.
var (
	quoted = regexp.MustCompile("`((?:go|make|bash) [^`\n]+)`")
	alone  = regexp.MustCompile(`(?m)^(?:    |)(?:\$ )?((?:go (?:run|test|build) |make |bash )[^#\n]*)`)
	comma  = regexp.MustCompile(` +(?:\||&&).*$`)
)

// TestCommands looks for what the commands in the documentation name: packages, their flags, tests
// and benchmarks, targets of make, scripts.
func TestCommands(t *testing.T) {
	t.Parallel()
	n := 0
	for _, p := range pages(t) {
		for _, command := range commands(p) {
			n++
			if problem := checkCommand(t, p, command); problem != "" {
				t.Errorf("%s says %q: %s", p.path, command, problem)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d commands were found", n)
	}
}

func commands(p page) (all []string) {
	for _, m := range quoted.FindAllStringSubmatch(p.text, -1) {
		all = append(all, m[1])
	}
	for _, m := range alone.FindAllStringSubmatch(p.text, -1) {
		all = append(all, m[1])
	}
	for i, command := range all {
		all[i] = strings.TrimSpace(comma.ReplaceAllString(command, ""))
	}
	return all
}

func checkCommand(t *testing.T, p page, command string) (problem string) {
	t.Helper()
	dir := "." // the commands of a module's README are given there
	if path.Base(p.path) == "README.md" {
		dir = path.Dir(p.path)
	}
	words := fields(command)
	switch {
	case words[0] == "make":
		for _, target := range words[1:] {
			if !strings.Contains(target, "=") && !strings.Contains(read(t, "Makefile"), "\n"+target+": ") {
				return "make has no target " + target
			}
		}
	case words[0] == "bash":
		if !exists(words[1]) {
			return "there is no such file"
		}
	case words[1] == "run":
		return checkRun(t, dir, words[2:])
	case words[1] == "test":
		return checkTest(t, dir, words[2:])
	}
	return ""
}

// checkRun looks for the program, and for the flags that it is given.
func checkRun(t *testing.T, dir string, words []string) (problem string) {
	t.Helper()
	if strings.Contains(words[0], "@") {
		return "" // a program of another module
	}
	program := path.Join(dir, words[0])
	if !exists(program) {
		return "there is no program " + program
	}
	var source strings.Builder
	for _, file := range files(t, ".go") {
		if path.Dir(file) == program {
			source.WriteString(read(t, file))
		}
	}
	for _, word := range words[1:] {
		name, isFlag := strings.CutPrefix(word, "-")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && !strings.Contains(source.String(), `("`+name+`", `) {
			return "the program has no flag -" + name
		}
	}
	return ""
}

// checkTest looks for the packages, and for functions that the patterns select.
func checkTest(t *testing.T, dir string, words []string) (problem string) {
	t.Helper()
	for i, word := range words {
		if strings.HasPrefix(word, "./") && !exists(path.Join(dir, strings.TrimSuffix(word, "/..."))) {
			return "there is no package " + word
		}
		if word != "-run" && word != "-bench" || words[i+1] == "^$" {
			continue
		}
		pattern, err := regexp.Compile(words[i+1])
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(files(t, "_test.go"), func(file string) bool {
			for _, m := range function.FindAllStringSubmatch(read(t, file), -1) {
				if pattern.MatchString(m[1]) {
					return true
				}
			}
			return false
		}) {
			return "no function is selected by " + word + " " + words[i+1]
		}
	}
	return ""
}

var function = regexp.MustCompile(`(?m)^func ((?:Test|Benchmark|Fuzz|Example)\w+)\(`)

// fields splits a command as a shell does, as far as the documentation needs it.
func fields(command string) (words []string) {
	for _, m := range regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1) {
		words = append(words, strings.Trim(m, "'"))
	}
	return words
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}
