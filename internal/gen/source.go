package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// An event is one gateway event as discordgo declares it.
type event struct {
	Name   string // on the wire, such as MESSAGE_CREATE
	Struct string // in discordgo, such as MessageCreate
}

// corrections maps the names under which discordgo registers events that Discord sends under
// another one to the names Discord uses. discordgo derives a name from the struct's, and the
// stage structs have a stray "Event" in theirs, so their handlers never fire in discordgo itself:
// https://discord.com/developers/docs/events/gateway-events#stages
func corrections() map[string]string {
	return map[string]string{
		"STAGE_INSTANCE_EVENT_CREATE": "STAGE_INSTANCE_CREATE",
		"STAGE_INSTANCE_EVENT_UPDATE": "STAGE_INSTANCE_UPDATE",
		"STAGE_INSTANCE_EVENT_DELETE": "STAGE_INSTANCE_DELETE",
	}
}

// readEvents returns the events that Discord can send, in the order of their wire names, from the
// files events.go (the structs) and eventhandlers.go (their names) of discordgo's source.
func readEvents(source fs.FS) ([]event, error) {
	structs, err := parseFile(source, "events.go")
	if err != nil {
		return nil, err
	}
	handlers, err := parseFile(source, "eventhandlers.go")
	if err != nil {
		return nil, err
	}
	declared := exportedTypes(structs)
	names, err := wireNames(handlers)
	if err != nil {
		return nil, err
	}
	events, err := match(names, handlerStructs(handlers), declared)
	if err != nil {
		return nil, err
	}
	return correct(events)
}

func parseFile(source fs.FS, name string) (*ast.File, error) {
	text, err := fs.ReadFile(source, name)
	if err != nil {
		return nil, err
	}
	return parser.ParseFile(token.NewFileSet(), name, text, parser.SkipObjectResolution)
}

// exportedTypes returns the names of the exported types of a file.
func exportedTypes(file *ast.File) map[string]bool {
	types := make(map[string]bool)
	for spec := range typeSpecs(file) {
		if spec.Name.IsExported() {
			types[spec.Name.Name] = true
		}
	}
	return types
}

// wireNames returns the string constants of a file, keyed by the event they name: the constant
// messageCreateEventType names the event messageCreate.
func wireNames(file *ast.File) (map[string]string, error) {
	names := make(map[string]string)
	for spec := range valueSpecs(file) {
		for i, ident := range spec.Names {
			key, ok := strings.CutSuffix(ident.Name, "EventType")
			if !ok || i >= len(spec.Values) {
				return nil, fmt.Errorf("constant %s: not the name of an event", ident.Name)
			}
			literal, ok := spec.Values[i].(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return nil, fmt.Errorf("constant %s: not a string literal", ident.Name)
			}
			name, err := strconv.Unquote(literal.Value)
			if err != nil {
				return nil, fmt.Errorf("constant %s: %w", ident.Name, err)
			}
			names[key] = name
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no event name found")
	}
	return names, nil
}

// handlerStructs returns the struct that each handler type of a file receives, keyed by event:
// messageCreateEventHandler is a func(*Session, *MessageCreate). A handler of another shape maps
// to an empty string.
func handlerStructs(file *ast.File) map[string]string {
	structs := make(map[string]string)
	for spec := range typeSpecs(file) {
		if key, ok := strings.CutSuffix(spec.Name.Name, "EventHandler"); ok {
			structs[key] = handlerParameter(spec.Type)
		}
	}
	return structs
}

func handlerParameter(expr ast.Expr) string {
	fn, ok := expr.(*ast.FuncType)
	if !ok || fn.Params.NumFields() != 2 || len(fn.Params.List) != 2 || fn.Results != nil {
		return ""
	}
	pointer, ok := fn.Params.List[1].Type.(*ast.StarExpr)
	if !ok {
		return ""
	}
	ident, ok := pointer.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return ident.Name
}

// match joins names and structs by event, and leaves out the events that only discordgo itself
// emits: it writes their names with underscores around them.
func match(names, structs map[string]string, declared map[string]bool) ([]event, error) {
	var events []event
	var errs []error
	unused := maps.Clone(declared)
	for key, name := range names {
		structName, ok := structs[key]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("event %s: no handler type", name))
		case structName == "":
			errs = append(errs, fmt.Errorf("event %s: handler type of an unknown shape", name))
		case !declared[structName]:
			errs = append(errs, fmt.Errorf("event %s: no type %s in events.go", name, structName))
		case strings.HasPrefix(name, "__"):
			continue
		default:
			events = append(events, event{Name: name, Struct: structName})
		}
	}
	for key, structName := range structs {
		delete(unused, structName)
		if _, ok := names[key]; !ok {
			errs = append(errs, fmt.Errorf("handler type %sEventHandler: no event name", key))
		}
	}
	for structName := range unused {
		errs = append(errs, fmt.Errorf("type %s in events.go: no handler type", structName))
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return events, errors.Join(errs...)
}

// correct applies the corrections, each of which must still have its object, and sorts by name.
func correct(events []event) ([]event, error) {
	pending := corrections()
	for i, e := range events {
		if name, ok := pending[e.Name]; ok {
			events[i].Name = name
			delete(pending, e.Name)
		}
	}
	for name := range pending {
		return nil, fmt.Errorf("event %s: a correction without its object; remove it", name)
	}
	slices.SortFunc(events, func(a, b event) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(events); i++ {
		if events[i].Name == events[i-1].Name {
			return nil, fmt.Errorf("event %s: declared twice", events[i].Name)
		}
	}
	return events, nil
}
