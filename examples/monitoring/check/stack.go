package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// startBot starts the bot on a free port and returns its address.
func startBot(ctx context.Context, program string) (addr string, stop func(), err error) {
	cmd := exec.CommandContext(ctx, program, "-addr", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), "DISCORD_TOKEN=") // never a real one
	logs, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start the bot: %w", err)
	}
	lines := bufio.NewScanner(logs)
	for lines.Scan() {
		if _, rest, found := strings.Cut(lines.Text(), "metrics are at http://"); found {
			addr = strings.TrimSuffix(rest, "/metrics")
			break
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // or the bot blocks when the pipe is full
			continue
		}
	}()
	stop = func() {
		_ = cmd.Process.Kill()
		<-drained
		_ = cmd.Wait() // it was killed
	}
	if addr == "" {
		stop()
		return "", nil, errors.New("the bot has not said where its metrics are")
	}
	return addr, stop, nil
}

// configure copies Prometheus' configuration, with the bot as the target and a second in place of
// each interval.
func configure(dir, work, target string) error {
	for _, name := range []string{"prometheus.yml", "rules.yml"} {
		b, err := os.ReadFile(filepath.Join(dir, "prometheus", name))
		if err != nil {
			return err
		}
		text := strings.ReplaceAll(string(b), "bot:9100", target)
		text = regexp.MustCompile(`(scrape|evaluation)_interval: \w+`).ReplaceAllString(text, "${1}_interval: 1s")
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// composeFlags returns the flags that compose.yaml gives Prometheus, except for the configuration's
// path: what they change, they are to change here too.
func composeFlags(path string) ([]string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, service, found := strings.Cut(string(b), "\n  prometheus:\n")
	if !found {
		return nil, fmt.Errorf("%s has no service prometheus", path)
	}
	service, _, _ = strings.Cut(service, "\n  grafana:\n")
	var flags []string
	for _, f := range regexp.MustCompile(`--[\w.-]+(?:=[^\s",\]]+)?`).FindAllString(service, -1) {
		if !strings.HasPrefix(f, "--config.file") {
			flags = append(flags, f)
		}
	}
	return flags, nil
}

// A prometheus is one that runs.
type prometheus struct {
	api string
}

// startPrometheus starts it with the configuration in the folder work.
func startPrometheus(
	ctx context.Context, program, work string, flags []string,
) (p *prometheus, stop func(), err error) {
	addr, err := freeAddr(ctx)
	if err != nil {
		return nil, nil, err
	}
	log, err := os.Create(filepath.Join(work, "log"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = log.Close() }() // Prometheus has its own
	cmd := exec.CommandContext(ctx, program, append(flags, "--config.file="+work+"/prometheus.yml",
		"--storage.tsdb.path="+work+"/tsdb", "--web.listen-address="+addr)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start Prometheus: %w", err)
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}
	return &prometheus{api: "http://" + addr + "/api/v1/"}, stop, nil
}

func freeAddr(ctx context.Context) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// problems returns what is wrong: queries without an answer, and rules that fail.
func (p *prometheus) problems(ctx context.Context, questions []question) []string {
	var problems []string
	for _, q := range questions {
		var data struct {
			Result []json.RawMessage `json:"result"`
		}
		err := p.get(ctx, "query?query="+url.QueryEscape(q.query), &data)
		switch {
		case err != nil:
			return []string{err.Error()} // it is not up yet
		case len(data.Result) == 0:
			problems = append(problems, fmt.Sprintf("%s: no data for %s", q.of, q.query))
		}
	}
	return append(problems, p.ruleProblems(ctx)...)
}

func (p *prometheus) ruleProblems(ctx context.Context) []string {
	var data struct {
		Groups []struct {
			Rules []struct {
				Name      string `json:"name"`
				Health    string `json:"health"`
				LastError string `json:"lastError"`
			} `json:"rules"`
		} `json:"groups"`
	}
	if err := p.get(ctx, "rules", &data); err != nil {
		return []string{err.Error()}
	}
	var problems []string
	rules := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if rules++; r.Health != "ok" {
				problems = append(problems, fmt.Sprintf("rule %s is %s: %s", r.Name, r.Health, r.LastError))
			}
		}
	}
	if rules == 0 {
		problems = append(problems, "Prometheus has no rules")
	}
	return problems
}

// get asks Prometheus' API.
func (p *prometheus) get(ctx context.Context, path string, data any) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.api+path, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer := struct {
		Error string `json:"error"`
		Data  any    `json:"data"`
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return fmt.Errorf("ask Prometheus for %s: %s: %w", path, resp.Status, err)
	}
	if answer.Error != "" {
		return fmt.Errorf("ask Prometheus for %s: %s", path, answer.Error)
	}
	return nil
}
