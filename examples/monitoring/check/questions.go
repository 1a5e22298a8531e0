package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A question is a query that must have an answer.
type question struct {
	of    string // the panel or alert
	query string
}

// questionsOf returns those of the dashboard and of the rules.
func questionsOf(dir string) ([]question, error) {
	panels, err := panelQuestions(filepath.Join(dir, "grafana/dashboards/botwright.json"))
	if err != nil {
		return nil, err
	}
	rules, err := ruleQuestions(filepath.Join(dir, "prometheus/rules.yml"))
	if err != nil {
		return nil, err
	}
	return append(panels, rules...), nil
}

// panelQuestions are the queries of panels as Grafana sends them when everything is chosen.
func panelQuestions(path string) ([]question, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var dashboard struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(b, &dashboard); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	values := strings.NewReplacer("$job", ".*", "$instance", ".*", "$shard", ".*",
		"$__rate_interval", "1m")
	var questions []question
	for _, p := range dashboard.Panels {
		for _, t := range p.Targets {
			questions = append(questions, question{"panel " + p.Title, values.Replace(t.Expr)})
		}
	}
	return questions, nil
}

// selector finds what an expression selects: a metric of the bot, a record made of such, or up.
var selector = regexp.MustCompile(`\b(?:discord[_:][\w:]+|up\b)(?:\{[^}]*\})?`)

// ruleQuestions are the series that rules select.
func ruleQuestions(path string) ([]question, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var questions []question
	name, within := "", false // the rule, and whether its expression goes on
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimLeft(strings.TrimSpace(line), "- "), ": ")
		switch strings.TrimSuffix(key, ":") {
		case "alert", "record":
			name, within = value, false
			continue
		case "expr":
			within = true
		case "for", "labels", "annotations", "name", "rules", "#":
			within = false
		}
		if !within {
			continue
		}
		for _, s := range selector.FindAllString(line, -1) {
			questions = append(questions, question{"rule " + name, s})
		}
	}
	return questions, nil
}
