package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestDraw(t *testing.T) {
	t.Parallel()
	picture, err := draw("go run .", strings.NewReader("09:28:53  <b>\n09:28:54  → bot: pong\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<tspan class="command">$ go run .</tspan>`,
		`<tspan class="time">09:28:53</tspan>  &lt;b&gt;<`,
		`<tspan class="answer">→ bot: pong</tspan>`,
	} {
		if !strings.Contains(string(picture), want) {
			t.Errorf("the picture has no %s:\n%s", want, picture)
		}
	}
	for d := xml.NewDecoder(strings.NewReader(string(picture))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("the picture is not XML: %v", err)
		}
	}
}

func TestDrawReportsReadErrors(t *testing.T) {
	t.Parallel()
	if _, err := draw("x", io.MultiReader(strings.NewReader("a\n"), broken{})); err == nil {
		t.Error("draw made a picture of half of the output")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("broken") }
