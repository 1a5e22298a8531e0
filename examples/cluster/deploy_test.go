package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"
)

// documents decodes a file of deploy/ and returns its YAML documents.
func documents(t *testing.T, file string) (all []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("deploy", file))
	if err != nil {
		t.Fatal(err)
	}
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc map[string]any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, doc)
	}
}

// at returns what is below a path of keys and indices, nil if there is nothing.
func at(v any, path ...any) any {
	for _, p := range path {
		switch k := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[k]
		case int:
			l, _ := v.([]any)
			if k >= len(l) {
				return nil
			}
			v = l[k]
		}
	}
	return v
}

// object returns the object of Kubernetes of a kind and name.
func object(t *testing.T, kind, name string) map[string]any {
	t.Helper()
	for _, doc := range documents(t, "kubernetes.yaml") {
		if doc["kind"] == kind && at(doc, "metadata", "name") == name {
			return doc
		}
	}
	t.Fatalf("there is no %s %s", kind, name)
	return nil
}

func TestNATSConfigs(t *testing.T) {
	t.Setenv("POD_NAME", "nats-0")
	clustered, _ := at(object(t, "ConfigMap", "nats"), "data", "nats.conf").(string)
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(clustered), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"deploy/nats.conf", file} {
		opts, err := server.ProcessConfigFile(file)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if !opts.JetStream || !opts.SyncAlways || opts.StoreDir != "/data" || opts.Port != 4222 {
			t.Errorf("%s: JetStream %v, sync always %v, store %s, port %d",
				file, opts.JetStream, opts.SyncAlways, opts.StoreDir, opts.Port)
		}
		if opts.Cluster.Name != "" && (len(opts.Routes) != 3 || opts.ServerName != "nats-0") {
			t.Errorf("%s: routes %v, name %s", file, opts.Routes, opts.ServerName)
		}
	}
}

// TestManifestsFitTogether checks what kubectl would not: that names in one object are those of
// another, and that the bot reads what it is given.
func TestManifestsFitTogether(t *testing.T) {
	t.Parallel()
	nats, bot := object(t, "StatefulSet", "nats"), object(t, "Deployment", "bot")
	for _, o := range []map[string]any{nats, bot} {
		label := at(o, "spec", "template", "metadata", "labels", "app")
		if label == nil || at(o, "spec", "selector", "matchLabels", "app") != label {
			t.Errorf("%v: the selector is not the label %v", o["kind"], label)
		}
		container := at(o, "spec", "template", "spec", "containers", 0)
		ports := at(container, "ports").([]any)
		for _, probe := range []string{"startupProbe", "readinessProbe", "livenessProbe"} {
			port := at(container, probe, "httpGet", "port")
			if port == nil || !slices.ContainsFunc(ports, func(p any) bool { return at(p, "name") == port }) {
				t.Errorf("%v: the %s has the port %v", o["kind"], probe, port)
			}
		}
	}
	service := at(nats, "spec", "serviceName").(string)
	if at(object(t, "Service", service), "spec", "selector", "app") != "nats" ||
		at(object(t, "PodDisruptionBudget", "nats"), "spec", "selector", "matchLabels", "app") != "nats" {
		t.Error("the Service or the PodDisruptionBudget is of other pods")
	}
	given := names(at(bot, "spec", "template", "spec", "containers", 0, "env"))
	if url := given["NATS_URL"]; strings.Count(url, "."+service+":4222") != at(nats, "spec", "replicas") {
		t.Errorf("NATS_URL is %s", url)
	}
	compose := documents(t, "compose.yaml")[0]
	env := at(compose, "services", "bot", "environment").(map[string]any)
	for name := range env {
		given[name] = ""
	}
	source, err := os.ReadFile("bot.go")
	if err != nil {
		t.Fatal(err)
	}
	for name := range given {
		if !regexp.MustCompile(`Getenv\("` + name + `"\)`).Match(source) {
			t.Errorf("the bot does not read %s", name)
		}
	}
	dockerfile := at(compose, "services", "bot", "build", "dockerfile").(string)
	if _, err := os.Stat(filepath.Join("deploy", "../../..", dockerfile)); err != nil {
		t.Error(err)
	}
}

// names returns the variables of a container with their values.
func names(env any) map[string]string {
	all := make(map[string]string)
	for _, v := range env.([]any) {
		value, _ := at(v, "value").(string)
		all[at(v, "name").(string)] = value
	}
	return all
}
