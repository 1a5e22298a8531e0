package main

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadersNameEveryHotEvent(t *testing.T) {
	if _, _, err := readReaders(fstest.MapFS{}, nil); err == nil || !strings.Contains(err.Error(), "gone") {
		t.Errorf("without events: %v", err)
	}
}

func TestReaderMethods(t *testing.T) {
	const source = `package discordgo
type Kind uint8
type Odd struct{}
func (o *Odd) UnmarshalJSON([]byte) error
type Plain struct { ID string ` + "`json:\"id\"`" + ` }
type User struct {
	ID string ` + "`json:\"id\"`" + `
	Kind Kind ` + "`json:\"kind\"`" + `
	Bits int64 ` + "`json:\"bits,string\"`" + `
	Ratio float64 ` + "`json:\"ratio\"`" + `
	Odd Odd ` + "`json:\"odd\"`" + `
	Friends []*User ` + "`json:\"friends\"`" + `
	Since *time.Time ` + "`json:\"since\"`" + `
	Hidden string ` + "`json:\"-\"`" + `
}
type Outer struct {
	*User
	ID int ` + "`json:\"id\"`" + `
}
type Wrapper struct { *User; Before *User ` + "`json:\"-\"`" + ` }
type Nameless struct { ID string }
`
	g, err := parseTypes(fstest.MapFS{"structs.go": {Data: []byte(source)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"User", "Outer", "Odd", "Nameless"} {
		g.methods[name] = "read" + name
	}
	m, err := g.method("User")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"id":    "v.ID = r.string()",
		"kind":  "v.Kind = discordgo.Kind(r.uint8())",
		"bits":  "v.Bits = r.intString()",
		"ratio": "r.general(&v.Ratio)",
		"since": "if !r.null() {\nv.Since = new(r.time())\n}",
		"odd":   "if !r.null() {\nr.readOdd(&v.Odd)\n}",
	} {
		if got := fieldOf(m, name).Read; got != want {
			t.Errorf("%s is read by %q, want %q", name, got, want)
		}
	}
	if got := fieldOf(m, "friends").Read; !strings.Contains(got, "r.readUser(e)") {
		t.Errorf("friends are read by %q", got)
	}
	if len(m.Fields) != 7 {
		t.Errorf("%d fields, want 7", len(m.Fields))
	}
	outer, err := g.method("Outer")
	if err != nil || fieldOf(outer, "id").Read != "v.ID = r.int()" || outer.EmbeddedMask != 0x7e {
		t.Errorf("an outer field does not win: %+v, %v", outer, err)
	}
	if got := g.wrapped("Wrapper"); got != "User" {
		t.Errorf("Wrapper wraps %q", got)
	}
	for _, name := range []string{"Odd", "Nameless", "Kind"} {
		if _, err := g.method(name); err == nil {
			t.Errorf("%s was understood", name)
		}
	}
}

func fieldOf(m readMethod, name string) readField {
	for _, f := range m.Fields {
		if f.JSON == name {
			return f
		}
	}
	return readField{}
}

// Each special field is one that discordgo has.
func TestSpecialFieldsAreUsed(t *testing.T) {
	module, err := findModule(discordgoPath)
	if err != nil {
		t.Fatal(err)
	}
	events, err := readEvents(os.DirFS(module.Dir))
	if err != nil {
		t.Fatal(err)
	}
	_, methods, err := readReaders(os.DirFS(module.Dir), events)
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, m := range methods {
		for _, f := range m.Fields {
			used[m.Struct+"."+f.JSON] = f.Read == special()[m.Struct+"."+f.JSON]
		}
	}
	for name := range special() {
		if !used[name] {
			t.Errorf("%s is not read as special says", name)
		}
	}
}
