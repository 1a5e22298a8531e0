// Command gen writes the two tables that tie the wire names of gateway events to discordgo's
// structs: the GatewayEvent constraint of the root package and the constructors of
// internal/events. It also writes the methods by which internal/events reads the events that come
// most often. It reads discordgo's source at the version go.mod selects, and fails when that
// source holds anything it does not understand, so that an upgrade cannot lose an event.
//
// It is run by go generate and takes no arguments.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

const discordgoPath = "github.com/bwmarrin/discordgo"

func main() {
	log.SetFlags(0)
	log.SetPrefix("gen: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	root, err := findModule("")
	if err != nil {
		return err
	}
	files, err := generate()
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root.Dir, name), content, 0o644); err != nil {
			return fmt.Errorf("write generated file: %w", err)
		}
	}
	return nil
}

// generate returns the content of every generated file, keyed by its slash-separated path in the
// module.
func generate() (map[string][]byte, error) {
	discordgo, err := findModule(discordgoPath)
	if err != nil {
		return nil, err
	}
	events, err := readEvents(os.DirFS(discordgo.Dir))
	if err != nil {
		return nil, fmt.Errorf("read discordgo %s: %w", discordgo.Version, err)
	}
	hot, methods, err := readReaders(os.DirFS(discordgo.Dir), events)
	if err != nil {
		return nil, fmt.Errorf("read discordgo %s: %w", discordgo.Version, err)
	}
	p := page{Version: discordgo.Version, Events: events, Hot: hot, Methods: methods}
	files := make(map[string][]byte)
	for name, tmpl := range templates() {
		content, err := render(tmpl, p)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", name, err)
		}
		files[name] = content
	}
	return files, nil
}

// module is the part of the output of go list -m that gen uses.
type module struct {
	Dir     string
	Version string
}

// findModule returns the module with the given path, or the main module if path is empty.
func findModule(path string) (module, error) {
	args := []string{"list", "-m", "-json"}
	if path != "" {
		args = append(args, path)
	}
	cmd := exec.Command("go", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return module{}, fmt.Errorf("find module %q: %w: %s", path, err, bytes.TrimSpace(stderr.Bytes()))
	}
	var m module
	if err := json.Unmarshal(out, &m); err != nil {
		return module{}, fmt.Errorf("find module %q: %w", path, err)
	}
	if m.Dir == "" {
		return module{}, fmt.Errorf("find module %q: its source is not downloaded", path)
	}
	return m, nil
}
