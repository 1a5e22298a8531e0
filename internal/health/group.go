package health

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Group makes one problem of those of the same check and status, worst first.
func Group(problems []Problem) []Problem {
	problems = slices.Clone(problems)
	slices.SortFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(b.Status.rank(), a.Status.rank()),
			cmp.Compare(a.Check, b.Check), flagOrder(a.Flapping, b.Flapping),
			slices.Compare(a.Shards, b.Shards))
	})
	var groups []Problem
	for len(problems) > 0 {
		same := 1
		for same < len(problems) && problems[same].Check == problems[0].Check &&
			problems[same].Status == problems[0].Status &&
			problems[same].Flapping == problems[0].Flapping {
			same++
		}
		groups = append(groups, merge(problems[:same]))
		problems = problems[same:]
	}
	return groups
}

func flagOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// merge makes one problem of several. It has the value of the worst one.
func merge(problems []Problem) Problem {
	merged := problems[0]
	merged.Shards = nil
	for _, p := range problems {
		merged.Shards = append(merged.Shards, p.Shards...)
		merged.Value = max(merged.Value, p.Value)
		merged.Duration = max(merged.Duration, p.Duration)
		merged.Worst = worse(merged.Worst, p.Worst)
		merged.First = merged.First || p.First
		merged.TotalShards = max(merged.TotalShards, p.TotalShards)
		if p.Since.Before(merged.Since) {
			merged.Since = p.Since
		}
	}
	merged.Message = mergeMessages(problems)
	return merged
}

// maxMessages is how many different messages of one group are told.
const maxMessages = 3

func mergeMessages(problems []Problem) string {
	shards := make(map[string][]int)
	for _, p := range problems {
		shards[p.Message] = append(shards[p.Message], p.Shards...)
	}
	if len(shards) == 1 {
		return problems[0].Message
	}
	messages := slices.SortedFunc(maps.Keys(shards), func(a, b string) int {
		return cmp.Or(len(shards[b])-len(shards[a]), slices.Compare(shards[a], shards[b]))
	})
	var parts []string
	for _, message := range messages[:min(len(messages), maxMessages)] {
		if len(shards[message]) > 0 {
			message = Ranges(shards[message]) + ": " + message
		}
		parts = append(parts, message)
	}
	if more := len(messages) - maxMessages; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, "\n")
}

// Ranges writes sorted numbers for people: "3–17, 20". Two in a row are no range.
func Ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		last := i
		for last+1 < len(numbers) && numbers[last+1] == numbers[last]+1 {
			last++
		}
		if last < i+2 {
			last = i
			parts = append(parts, fmt.Sprint(numbers[i]))
		} else {
			parts = append(parts, fmt.Sprintf("%d–%d", numbers[i], numbers[last]))
		}
		i = last + 1
	}
	return strings.Join(parts, ", ")
}
