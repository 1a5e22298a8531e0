// Dashboard writes the Grafana dashboard of a bot.
//
// With -rules it writes the queries of all panels as Prometheus rules instead, in which promtool
// can check them.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	path := flag.String("o", "", "file to write; standard output if empty")
	rules := flag.Bool("rules", false, "write the queries as rules")
	flag.Parse()
	if err := run(*path, *rules); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string, rules bool) (err error) {
	out := os.Stdout
	if path != "" {
		if out, err = os.Create(path); err != nil {
			return err
		}
		defer func() {
			if closed := out.Close(); err == nil {
				err = closed
			}
		}()
	}
	if rules {
		return writeRules(out)
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(dashboard())
}

// writeRules writes each query as a recording rule, with values in place of Grafana's variables.
func writeRules(out io.Writer) error {
	var b strings.Builder
	b.WriteString("groups:\n  - name: panels\n    rules:\n")
	values := strings.NewReplacer("$job", "bot", "$instance", "a", "$shard", "0", "$__rate_interval", "5m")
	n := 0
	for _, r := range rows() {
		for _, p := range r.panels {
			for _, q := range p.queries {
				fmt.Fprintf(&b, "      - record: panel:query:%d\n        expr: %q\n",
					n, values.Replace(q.expr))
				n++
			}
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
