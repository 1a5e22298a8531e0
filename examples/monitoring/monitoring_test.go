package main_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestQueriesNameMetricsThatExist holds dashboard and rules against the catalogue of the bot's
// metrics. That the queries parse is for promtool to say, in make monitoring.
func TestQueriesNameMetricsThatExist(t *testing.T) {
	exists := make(map[string]bool)
	family := regexp.MustCompile(`(?m)^(discord_\w+) (\w+) \{`)
	for _, m := range family.FindAllStringSubmatch(read(t, "../../testdata/metrics.golden"), -1) {
		if m[2] == "histogram" {
			exists[m[1]+"_bucket"], exists[m[1]+"_count"], exists[m[1]+"_sum"] = true, true, true
			continue
		}
		exists[m[1]] = true
	}
	used := make(map[string]bool)
	name := regexp.MustCompile(`\bdiscord_\w+`)
	for _, file := range []string{
		"grafana/dashboards/botwright.json", "prometheus/rules.yml", "prometheus/rules_test.yml",
	} {
		for _, metric := range name.FindAllString(read(t, file), -1) {
			used[metric] = true
			if !exists[metric] {
				t.Errorf("%s names %s, which no bot has", file, metric)
			}
		}
	}
	if len(used) < 40 {
		t.Errorf("only %d metrics are used: the names are not found", len(used))
	}
}

// TestAlertsAreTested wants each alert to fire in rules_test.yml.
func TestAlertsAreTested(t *testing.T) {
	tests := read(t, "prometheus/rules_test.yml")
	alerts := regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read(t, "prometheus/rules.yml"), -1)
	for _, a := range alerts {
		if !strings.Contains(tests, `alertname="`+a[1]+`"`) {
			t.Errorf("no test makes %s fire", a[1])
		}
	}
	if len(alerts) < 20 {
		t.Errorf("only %d alerts: they are not found", len(alerts))
	}
}
