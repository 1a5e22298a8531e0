package main

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A result is what one benchmark measured, by unit, as often as it ran.
type result struct {
	name    string
	figures map[string][]float64
}

// processors is what the testing package puts behind a name.
var processors = regexp.MustCompile(`-\d+$`)

// parse reads the output of go test -bench.
func parse(output string) (results []result, units []string) {
	for line := range strings.Lines(output) {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(processors.ReplaceAllString(fields[0], ""), "Benchmark")
		i := slices.IndexFunc(results, func(r result) bool { return r.name == name })
		if i < 0 {
			i = len(results)
			results = append(results, result{name, make(map[string][]float64)})
		}
		for n := 2; n+1 < len(fields); n += 2 {
			v, err := strconv.ParseFloat(fields[n], 64)
			if err != nil {
				break
			}
			unit := fields[n+1]
			results[i].figures[unit] = append(results[i].figures[unit], v)
			if !slices.Contains(units, unit) {
				units = append(units, unit)
			}
		}
	}
	return results, units
}

// table writes results as Markdown, one row each.
func table(results []result, units []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|%s\n", strings.Join(units, " | "), strings.Repeat("---|", len(units)+1))
	for _, r := range results {
		fmt.Fprintf(&b, "| %s |", r.name)
		for _, unit := range units {
			fmt.Fprintf(&b, " %s |", cell(r.figures[unit]))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// cell is the median, with three digits that count.
func cell(figures []float64) string {
	if len(figures) == 0 {
		return "–"
	}
	slices.Sort(figures)
	median := figures[len(figures)/2]
	if median >= 100 {
		return thousands(strconv.FormatFloat(median, 'f', 0, 64))
	}
	return strconv.FormatFloat(median, 'g', 3, 64)
}

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
