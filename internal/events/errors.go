package events

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"

	"github.com/bwmarrin/discordgo"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A PayloadError says what is wrong with a payload. It holds the names of fields and Go types and
// no value of the payload, which may be a user's message or an interaction's token.
type PayloadError struct {
	Field  string // a field's name or a JSON pointer such as /author/id; empty if not known
	Offset int64  // bytes before the fault in malformed JSON; otherwise 0
	Reason string
}

func (e *PayloadError) Error() string {
	switch {
	case e.Field != "":
		return fmt.Sprintf("field %q: %s", e.Field, e.Reason)
	case e.Offset > 0:
		return fmt.Sprintf("%s after %d bytes", e.Reason, e.Offset)
	default:
		return e.Reason
	}
}

// A PanicError is a panic on the way from a payload to a struct: a bug in Botwright or in a
// library that it uses.
type PanicError struct {
	Reason string // the runtime's message, or the type of another panic value
	Stack  []byte
}

func (e *PanicError) Error() string { return "panic: " + e.Reason }

// contain calls f and turns its panic into a *PanicError, as a last resort: json and discordgo are
// code of others, and an event must not end the process.
func contain(f func() error) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case runtime.Error:
			err = &PanicError{Reason: v.Error(), Stack: debug.Stack()}
		default:
			// The value itself may quote the payload.
			err = &PanicError{Reason: fmt.Sprintf("value of type %T", v), Stack: debug.Stack()}
		}
	}()
	return f()
}

// describe returns what an error of the json package says, less the payload it quotes.
func describe(err error) *PayloadError {
	p := &PayloadError{Reason: "malformed JSON"}
	if own, ok := errors.AsType[*PayloadError](err); ok {
		return own
	}
	var semantic *json.SemanticError
	for errors.As(err, &semantic) { // the innermost is the most exact
		p.Field = string(semantic.JSONPointer)
		p.Reason = mismatch(semantic)
		err = semantic.Err
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return &PayloadError{Offset: syntax.ByteOffset, Reason: "malformed JSON"}
	}
	return p
}

func mismatch(err *json.SemanticError) string {
	if err.GoType == nil {
		return "invalid " + kindName(err.JSONKind)
	}
	return fmt.Sprintf("invalid %s for %s", kindName(err.JSONKind), typeName(err.GoType))
}

func typeName(t reflect.Type) string {
	if t.Name() == "" {
		return t.Kind().String()
	}
	return t.String()
}

// kindName returns what JSON calls a kind of value.
func kindName(kind jsontext.Kind) string {
	switch kind {
	case 'n':
		return "null"
	case 't', 'f':
		return "boolean"
	case '"':
		return "string"
	case '0':
		return "number"
	case '{', '}':
		return "object"
	case '[', ']':
		return "array"
	default:
		return "value"
	}
}

// payloadKind returns the kind of JSON value that a payload's struct is decoded from.
func payloadKind(payload any) jsontext.Kind {
	if _, ok := payload.(*discordgo.PresencesReplace); ok {
		return '['
	}
	return '{'
}
