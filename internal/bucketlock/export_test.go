package bucketlock

import (
	"net/http"
	"os"
	"regexp"

	"github.com/botwright/botwright/internal/route"
)

// KeyOf is keyOf.
func KeyOf(r *http.Request) string { return keyOf(r) }

// NameOf returns the method and route by which the rules know a request.
func NameOf(r *http.Request) string { return r.Method + " " + route.Template(r.URL.EscapedPath()) }

// Rules returns the methods and routes that there are rules for, as they stand in the source.
func Rules() []string {
	source, err := os.ReadFile("bucketlock.go")
	if err != nil {
		panic(err)
	}
	var rules []string
	for _, m := range regexp.MustCompile(`"((?:GET|POST|PUT|PATCH|DELETE) /[^"]+)"`).FindAllSubmatch(source, -1) {
		rules = append(rules, string(m[1]))
	}
	return rules
}
