package discordtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A form collects what is wrong with the fields of a body, in the tree that Discord answers with.
// The zero form has nothing wrong.
type form struct{ tree map[string]any }

// wrong adds an error. Dots separate the parts of a field; numbers are places in lists.
func (f *form) wrong(field, code, message string) {
	if f.tree == nil {
		f.tree = make(map[string]any)
	}
	at := f.tree
	for part := range strings.SplitSeq(field, ".") {
		next, ok := at[part].(map[string]any)
		if !ok {
			next = make(map[string]any)
			at[part] = next
		}
		at = next
	}
	errs, _ := at["_errors"].([]map[string]string)
	at["_errors"] = append(errs, map[string]string{"code": code, "message": message})
}

// err returns the answer to the form, nil if nothing is wrong.
func (f *form) err() error {
	if f.tree == nil {
		return nil
	}
	return &apiError{400, 50035, "Invalid Form Body", f.tree}
}

// formError is Discord's answer to a single field that it does not accept.
func formError(field, code, message string) error {
	var f form
	f.wrong(field, code, message)
	return f.err()
}

func (f *form) required(field string) {
	f.wrong(field, "BASE_TYPE_REQUIRED", "This field is required")
}

// length checks the number of characters of a text, or of entries of a list.
func (f *form) length(field string, n, low, high int) {
	switch {
	case n >= low && n <= high:
	case low > 0:
		f.wrong(field, "BASE_TYPE_BAD_LENGTH", fmt.Sprintf("Must be between %d and %d in length.", low, high))
	default:
		f.wrong(field, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", high))
	}
}

func (f *form) text(field, text string, low, high int) {
	f.length(field, utf8.RuneCountInString(text), low, high)
}

func (f *form) number(field string, n, low, high float64) {
	switch {
	case n < low:
		f.wrong(field, "NUMBER_TYPE_MIN", fmt.Sprintf("Value should be greater than or equal to %g.", low))
	case n > high:
		f.wrong(field, "NUMBER_TYPE_MAX", fmt.Sprintf("Value should be less than or equal to %g.", high))
	}
}

func choices[T ~int](f *form, field string, v T, of ...T) {
	if slices.Contains(of, v) {
		return
	}
	names := make([]string, len(of))
	for i, o := range of {
		names[i] = strconv.Itoa(int(o))
	}
	f.wrong(field, "BASE_TYPE_CHOICES", "Value must be one of ("+strings.Join(names, ", ")+").")
}

// A document is an object of which the server knows little: the fields that a bot may set, as it
// sent them, and those that Discord adds.
type document map[string]any

func (d document) id() string { s, _ := d["id"].(string); return s }

func (d document) clone() document { return maps.Clone(d) }

// become takes over the fields of another version of the same object.
func (d document) become(next document) { maps.Copy(d, next) }

// documents are in order of creation.
type documents []document

func (l documents) find(id string) document {
	for _, d := range l {
		if d.id() == id {
			return d
		}
	}
	return nil
}

func (l *documents) drop(id string) {
	*l = slices.DeleteFunc(slices.Clone(*l), func(d document) bool { return d.id() == id })
}

// list is what is sent for all of them.
func (l documents) list() []document { return append([]document{}, l...) }

// A field is one that a bot may set in a document.
type field struct {
	name      string
	kind      fieldKind
	required  bool
	low, high int // length of a text or list, value of a number, if high is not 0
}

type fieldKind int

const (
	textField fieldKind = iota
	numberField
	boolField
	listField
	objectField
)

// fill sets fields of a document from the body. A new document must have those that are required.
func (x *exchange) fill(d document, isNew bool, fields ...field) error {
	var in map[string]any
	if err := x.decode(&in); err != nil {
		return err
	}
	var f form
	for _, want := range fields {
		v, given := in[want.name]
		switch {
		case given && v != nil:
			want.check(&f, v)
			d[want.name] = v
		case isNew && want.required:
			f.required(want.name)
		case given:
			d[want.name] = nil
		}
	}
	return f.err()
}

func (w *field) check(f *form, v any) {
	ok, n, measured := false, 0, true
	switch w.kind {
	case textField:
		var s string
		s, ok = v.(string)
		n = utf8.RuneCountInString(s)
	case numberField:
		var number float64
		number, ok = v.(float64)
		n = int(number)
	case boolField:
		_, ok = v.(bool)
		measured = false
	case listField:
		var list []any
		list, ok = v.([]any)
		n = len(list)
	case objectField:
		_, ok = v.(map[string]any)
		measured = false
	}
	switch {
	case !ok:
		raw, _ := json.Marshal(v)
		f.wrong(w.name, "BASE_TYPE_BAD_TYPE", fmt.Sprintf("Value %s is of the wrong type.", raw))
	case !measured || w.high == 0:
	case w.kind == numberField:
		f.number(w.name, float64(n), float64(w.low), float64(w.high))
	default:
		f.length(w.name, n, w.low, w.high)
	}
}
