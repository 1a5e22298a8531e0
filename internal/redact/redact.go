// Package redact keeps tokens that are part of URLs out of errors and logs.
//
// Whoever knows the token of a webhook or an interaction may post in its name, and Discord puts it
// into the path. http.Client shows the URL in each error, and discordgo shows it where a request is
// limited or sent again. A [Transport] sees to both; [Error] is for what has other ways, such as a
// client of the program's own.
package redact

import (
	"errors"
	"regexp"
)

// tokens matches what has a token in it; the token comes last.
var tokens = regexp.MustCompile(`(/(?:webhooks|interactions)/[^/\s?#"'<>]+/)[^/\s?#"'<>]+`)

// placeholder stands in a text where a token was.
const placeholder = "$1{token}"

// Secret reports whether a path has a token in it.
func Secret(path string) bool { return tokens.MatchString(path) }

// Text returns s without the tokens in the URLs and paths in it.
func Text(s string) string { return tokens.ReplaceAllString(s, placeholder) }

// Error returns err, or, if its text shows a token, an error that wraps it and whose text does not.
func Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	shown := Text(text)
	if shown == text {
		return err
	}
	return &redacted{err, shown}
}

type redacted struct {
	error
	text string
}

func (e *redacted) Error() string { return e.text }
func (e *redacted) Unwrap() error { return e.error }

// Timeout is what net/http and others look for.
func (e *redacted) Timeout() bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](e.error)
	return ok && t.Timeout()
}
