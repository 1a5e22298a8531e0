package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// hotEvents are the events that come most often, whose structs get methods that read them, by the
// names of the structs.
func hotEvents() []string {
	return []string{
		"GuildCreate", "GuildMemberAdd", "GuildMemberRemove", "GuildMemberUpdate",
		"GuildMembersChunk", "InteractionCreate", "MessageCreate", "MessageDelete",
		"MessageReactionAdd", "MessageReactionRemove", "MessageUpdate", "PresenceUpdate",
		"TypingStart", "VoiceStateUpdate",
	}
}

// hotStructs are the structs that such events hold, as far as that pays.
func hotStructs() []string {
	return []string{
		"Activity", "ApplicationCommandInteractionData", "ApplicationCommandInteractionDataOption",
		"Assets", "Channel", "ClientStatus", "Emoji", "Guild", "Interaction", "Member", "Message",
		"MessageAttachment", "MessageEmbed", "MessageEmbedAuthor", "MessageEmbedField",
		"MessageEmbedFooter", "MessageEmbedImage", "MessageEmbedProvider", "MessageEmbedThumbnail",
		"MessageEmbedVideo", "MessageInteraction", "MessageReaction", "MessageReactions",
		"MessageReference", "Party", "PermissionOverwrite", "Presence", "Role", "Secrets",
		"StickerItem", "TimeStamps", "User", "VoiceState",
	}
}

// special are the fields that discordgo's UnmarshalJSON methods read in another way than their tags
// say, or that have an interface's type, with the statements that read them.
func special() map[string]string {
	return map[string]string{
		"Activity.application_id":                       "v.ApplicationID = r.stringOrNumber()",
		"Activity.created_at":                           "v.CreatedAt = unixMilli(r.int64())",
		"ApplicationCommandInteractionDataOption.value": "v.Value = r.optionValue()",
		"Interaction.data":                              "data = r.i\nr.skip()",
		"Message.components":                            "v.Components = r.components()",
		"TimeStamps.end":                                "v.EndTimestamp = r.truncated()",
		"TimeStamps.start":                              "v.StartTimestamp = r.truncated()",
	}
}

// before and after are what those methods do beside reading fields.
func before() map[string]string {
	return map[string]string{
		"Activity":    "v.CreatedAt = unixMilli(0)",
		"Interaction": "data := -1 // where it begins",
	}
}

func after() map[string]string {
	return map[string]string{
		"Interaction": "r.interactionData(v, data)",
		"Message":     "v.Components = nonNil(v.Components)",
	}
}

// A readMethod is the method of reader for one struct.
type readMethod struct {
	Struct        string
	Name          string
	Before, After string
	Embedded      []string // pointers to structs whose fields are read as the struct's own
	EmbeddedMask  uint64   // of these fields
	Fields        []readField
}

// A readField is a field of a struct as it is in JSON.
type readField struct {
	JSON  string
	Index int
	Read  string
}

// A readEvent is how an event's payload is read.
type readEvent struct {
	event
	Method  string
	Wrapped string // the struct is no more than a pointer to this one
}

// readers writes methods for structs of discordgo.
type readers struct {
	types   map[string]ast.Expr
	custom  map[string]bool // types that decode themselves
	methods map[string]string
}

// readReaders returns what is to be generated for the hot events.
func readReaders(source fs.FS, events []event) (of []readEvent, methods []readMethod, err error) {
	g, err := parseTypes(source)
	if err != nil {
		return nil, nil, err
	}
	structs := hotStructs()
	for _, e := range events {
		if !slices.Contains(hotEvents(), e.Struct) {
			continue
		}
		wrapped := g.wrapped(e.Struct)
		if wrapped == "" {
			structs = append(structs, e.Struct)
		}
		of = append(of, readEvent{e, "read" + cmp.Or(wrapped, e.Struct), wrapped})
	}
	if len(of) != len(hotEvents()) {
		return nil, nil, fmt.Errorf("%d of the %d events are gone", len(hotEvents())-len(of), len(hotEvents()))
	}
	for _, name := range structs {
		g.methods[name] = "read" + name
	}
	for _, name := range slices.Sorted(maps.Keys(g.methods)) {
		m, err := g.method(name)
		if err != nil {
			return nil, nil, fmt.Errorf("struct %s: %w", name, err)
		}
		methods = append(methods, m)
	}
	return of, methods, nil
}

// parseTypes reads all of discordgo's types.
func parseTypes(source fs.FS) (*readers, error) {
	names, err := fs.Glob(source, "*.go")
	if err != nil {
		return nil, err
	}
	g := &readers{types: make(map[string]ast.Expr), custom: make(map[string]bool),
		methods: make(map[string]string)}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parseFile(source, name)
		if err != nil {
			return nil, err
		}
		for spec := range typeSpecs(file) {
			g.types[spec.Name.Name] = spec.Type
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !strings.HasPrefix(f.Name.Name, "Unmarshal") {
				continue
			}
			receiver := f.Recv.List[0].Type
			if pointer, ok := receiver.(*ast.StarExpr); ok {
				receiver = pointer.X
			}
			if ident, ok := receiver.(*ast.Ident); ok {
				g.custom[ident.Name] = true
			}
		}
	}
	return g, nil
}

// wrapped returns the struct that another one has nothing but an embedded pointer to, beside fields
// that are not in JSON; empty if it is not like that.
func (g *readers) wrapped(name string) string {
	st, ok := g.types[name].(*ast.StructType)
	if !ok {
		return ""
	}
	wrapped := ""
	for _, f := range st.Fields.List {
		pointer, ok := f.Type.(*ast.StarExpr)
		switch {
		case tagOf(f) == "-":
		case len(f.Names) == 0 && ok && wrapped == "":
			wrapped = nameOf(pointer.X)
		default:
			return ""
		}
	}
	return wrapped
}

func nameOf(t ast.Expr) string {
	if ident, ok := t.(*ast.Ident); ok {
		return ident.Name
	}
	return ""
}

func tagOf(f *ast.Field) string {
	if f.Tag == nil {
		return ""
	}
	text, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return ""
	}
	return reflect.StructTag(text).Get("json")
}

// method returns the method for a struct.
func (g *readers) method(name string) (readMethod, error) {
	m := readMethod{Struct: name, Name: g.methods[name], Before: before()[name], After: after()[name]}
	st, ok := g.types[name].(*ast.StructType)
	if !ok {
		return m, errors.New("it is none")
	}
	if g.custom[name] && m.After == "" && !g.isSpecial(name) {
		return m, errors.New("it decodes itself, in a way that is not known")
	}
	if err := g.fields(&m, name, st, false); err != nil {
		return m, err
	}
	if len(m.Fields) > 64 {
		return m, fmt.Errorf("%d fields", len(m.Fields))
	}
	return m, nil
}

func (g *readers) isSpecial(name string) bool {
	for field := range special() {
		if strings.HasPrefix(field, name+".") {
			return true
		}
	}
	return false
}

// fields adds the fields of a struct, and those of the structs that it embeds after its own, which
// win over them.
func (g *readers) fields(m *readMethod, name string, st *ast.StructType, embedded bool) error {
	var embeds []*ast.Field
	for _, f := range st.Fields.List {
		tag, options, _ := strings.Cut(tagOf(f), ",")
		if len(f.Names) == 0 {
			embeds = append(embeds, f)
			continue
		}
		if read := special()[name+"."+specialName(name, f.Names[0].Name, tag)]; read != "" {
			m.add(specialName(name, f.Names[0].Name, tag), read, embedded)
			continue
		}
		switch {
		case tag == "-":
		case tag == "" || len(f.Names) != 1:
			return fmt.Errorf("field %s has no name in JSON", f.Names[0].Name)
		default:
			read := g.read("v."+f.Names[0].Name, f.Type, slices.Contains(strings.Split(options, ","), "string"))
			m.add(tag, read, embedded)
		}
	}
	for _, f := range embeds {
		pointer, isPointer := f.Type.(*ast.StarExpr)
		t := f.Type
		if isPointer {
			t = pointer.X
			m.Embedded = append(m.Embedded, nameOf(t))
		}
		inner, ok := g.types[nameOf(t)].(*ast.StructType)
		if !ok || g.custom[nameOf(t)] || embedded {
			return fmt.Errorf("embedded %s", nameOf(t))
		}
		if err := g.fields(m, nameOf(t), inner, true); err != nil {
			return err
		}
	}
	return nil
}

// specialName returns the name in JSON of a field whose tag may hide it.
func specialName(name, field, tag string) string {
	if _, ok := special()[name+"."+strings.ToLower(field)]; ok && tag == "-" {
		return strings.ToLower(field)
	}
	return tag
}

func (m *readMethod) add(name, read string, embedded bool) {
	if slices.ContainsFunc(m.Fields, func(f readField) bool { return f.JSON == name }) {
		return // that of the embedding struct wins
	}
	if embedded {
		m.EmbeddedMask |= 1 << len(m.Fields)
	}
	m.Fields = append(m.Fields, readField{name, len(m.Fields), read})
}

// read returns statements that read a value of type t.
func (g *readers) read(to string, t ast.Expr, inString bool) string {
	if scalar := g.scalar(t, inString); scalar != "" {
		return to + " = " + scalar
	}
	general := "r.general(&" + to + ")"
	switch t := t.(type) {
	case *ast.Ident:
		if method := g.methods[t.Name]; method != "" {
			return "if !r.null() {\nr." + method + "(&" + to + ")\n}"
		}
	case *ast.StarExpr:
		if scalar := g.scalar(t.X, inString); scalar != "" {
			return "if !r.null() {\n" + to + " = new(" + scalar + ")\n}"
		}
		if method := g.methods[nameOf(t.X)]; method != "" {
			return "if !r.null() {\n" + to + " = new(discordgo." + nameOf(t.X) + ")\n" +
				"r." + method + "(" + to + ")\n}"
		}
	case *ast.ArrayType:
		element := g.read("e", t.Elt, false)
		if t.Len != nil || strings.HasPrefix(element, "r.general") {
			return general
		}
		return "if r.array() {\nvar few [8]" + typeText(t.Elt) + "\nlist := few[:0]\n" +
			"for r.element() {\nvar e " + typeText(t.Elt) + "\n" + element + "\n" +
			"list = append(list, e)\n}\n" + to + " = exact(list)\n}"
	}
	return general
}

// scalar returns an expression that reads a value of type t, empty if that takes more than one.
func (g *readers) scalar(t ast.Expr, inString bool) string {
	if s, ok := t.(*ast.SelectorExpr); ok && nameOf(s.X) == "time" && s.Sel.Name == "Time" {
		return "r.time()"
	}
	name := nameOf(t)
	switch {
	case name == "int64" && inString:
		return "r.intString()"
	case inString:
		return ""
	case slices.Contains([]string{"string", "bool", "int", "int64", "uint8"}, name):
		return "r." + name + "()"
	case g.custom[name]:
		return ""
	}
	if under, ok := g.types[name].(*ast.Ident); ok && name != "" {
		if inner := g.scalar(under, false); inner != "" {
			return "discordgo." + name + "(" + inner + ")"
		}
	}
	return ""
}

// typeText returns a type of discordgo as it is written elsewhere.
func typeText(t ast.Expr) string {
	switch t := t.(type) {
	case *ast.Ident:
		if token.IsExported(t.Name) {
			return "discordgo." + t.Name
		}
		return t.Name
	case *ast.StarExpr:
		return "*" + typeText(t.X)
	case *ast.SelectorExpr:
		return nameOf(t.X) + "." + t.Sel.Name
	}
	return "any"
}
