package events_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/botwright/botwright/internal/events"
)

// TestDecodeMutatedCorpus replaces the values of each payload, one at a time, by null and by a value
// of another kind. Decode then returns what discordgo would, or reports that a field is missing, or
// fails where discordgo does. It parts from discordgo in nothing but components, which it may leave
// out, and the ID of a presence's application, which may be any string.
func TestDecodeMutatedCorpus(t *testing.T) {
	seen := make(map[string]bool) // the same objects come back in many places
	samples := corpus(t)
	slices.SortStableFunc(samples, func(a, b sample) int { // small ones are quick
		return cmp.Compare(len(a.Payload), len(b.Payload))
	})
	for _, s := range samples {
		var root any
		if err := json.Unmarshal(s.Payload, &root); err != nil {
			t.Fatal(err)
		}
		like, err := events.Decode(s.Type, s.Payload)
		if err != nil {
			t.Fatal(err)
		}
		eachField(root, "", func(path string, value any, set func(any)) {
			place := place(s.Type, path)
			if seen[place] {
				return
			}
			seen[place] = true
			for _, other := range []any{nil, otherKind(len(seen))} {
				set(other)
				compare(t, s, path, root, like)
			}
			set(value)
		})
	}
}

func compare(t *testing.T, s sample, path string, root, like any) {
	t.Helper()
	payload, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	comparePayload(t, s, path, payload, like)
}

func comparePayload(t *testing.T, s sample, path string, payload []byte, like any) {
	t.Helper()
	got, err := events.Decode(s.Type, payload)
	if err != nil {
		var fault *events.PayloadError
		if !errors.As(err, &fault) || got != nil {
			t.Errorf("%s, %s, %s: %v", s.Type, s.Name, path, err)
		} else if fault.Reason == "missing" {
			return // discordgo would go on, or panic
		}
	}
	want, wantErr := reference(like, payload)
	switch {
	case strings.Contains(path, "/components"):
	case strings.HasSuffix(path, "/application_id") && err == nil && wantErr != nil:
	case (err == nil) != (wantErr == nil):
		t.Errorf("%s, %s, %s: error %v, in discordgo %v", s.Type, s.Name, path, err, wantErr)
	case err == nil && !reflect.DeepEqual(got, want):
		t.Errorf("%s, %s, %s:\n got %s\nwant %s", s.Type, s.Name, path, show(got), show(want))
	}
}

func otherKind(i int) any {
	return []any{"x", 7, []any{}, map[string]any{}}[i%4]
}

// eachField calls f with every value in v and a function that replaces it.
func eachField(v any, path string, f func(path string, value any, set func(any))) {
	switch container := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(container)) {
			value := container[name]
			f(path+"/"+name, value, func(other any) { container[name] = other })
			eachField(value, path+"/"+name, f)
		}
	case []any:
		for i, value := range container {
			f(path+"/[]", value, func(other any) { container[i] = other })
			eachField(value, path+"/[]", f)
		}
	}
}

// place returns the event's type and field for a path of one step, and the last two steps of a
// longer one.
func place(eventType, path string) string {
	steps := strings.Split(path, "/")
	if len(steps) <= 2 {
		return eventType + path
	}
	return strings.Join(steps[len(steps)-2:], "/")
}
