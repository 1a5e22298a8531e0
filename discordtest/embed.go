package discordtest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxEmbeds      = 10
	maxEmbedChars  = 6000 // over all embeds of a message
	maxEmbedFields = 25
)

// An embed is the part of an embed that is limited.
type embed struct {
	Title       string  `json:"title"`
	Description string  `json:"description"`
	URL         string  `json:"url"`
	Color       *int    `json:"color"`
	Timestamp   *string `json:"timestamp"`
	Footer      struct {
		Text    string `json:"text"`
		IconURL string `json:"icon_url"`
	} `json:"footer"`
	Author struct {
		Name    string `json:"name"`
		URL     string `json:"url"`
		IconURL string `json:"icon_url"`
	} `json:"author"`
	Image     media `json:"image"`
	Thumbnail media `json:"thumbnail"`
	Fields    []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"fields"`
}

type media struct {
	URL string `json:"url"`
}

// checkEmbeds holds a list of embeds against Discord's limits.
func checkEmbeds(f *form, at string, raw json.RawMessage) {
	if !isSet(raw) {
		return
	}
	var embeds []embed
	if err := json.Unmarshal(raw, &embeds); err != nil {
		f.wrong(at, "BASE_TYPE_BAD", "Embeds are not valid.")
		return
	}
	f.length(at, len(embeds), 0, maxEmbeds)
	total := 0
	for i := range embeds {
		total += embeds[i].check(f, fmt.Sprintf("%s.%d.", at, i))
	}
	if total > maxEmbedChars {
		f.wrong(at, "MAX_EMBED_SIZE_EXCEEDED", fmt.Sprintf("Embed size exceeds maximum size of %d", maxEmbedChars))
	}
}

// check returns the number of characters.
func (e *embed) check(f *form, at string) (total int) {
	part := func(field, text string, limit int) {
		text = strings.TrimSpace(text)
		total += utf8.RuneCountInString(text)
		f.text(at+field, text, 0, limit)
	}
	part("title", e.Title, 256)
	part("description", e.Description, 4096)
	part("footer.text", e.Footer.Text, 2048)
	part("author.name", e.Author.Name, 256)
	f.length(at+"fields", len(e.Fields), 0, maxEmbedFields)
	for i, field := range e.Fields {
		name := fmt.Sprintf("fields.%d.", i)
		for part, text := range map[string]string{"name": field.Name, "value": field.Value} {
			if strings.TrimSpace(text) == "" {
				f.required(at + name + part)
			}
		}
		part(name+"name", field.Name, 256)
		part(name+"value", field.Value, 1024)
	}
	if e.Color != nil {
		f.number(at+"color", float64(*e.Color), 0, 0xffffff)
	}
	if e.Timestamp != nil && *e.Timestamp != "" {
		if _, err := time.Parse(time.RFC3339, *e.Timestamp); err != nil {
			f.wrong(at+"timestamp", "DATE_TIME_TYPE_PARSE",
				fmt.Sprintf("Could not parse %s. Should be ISO8601.", *e.Timestamp))
		}
	}
	e.checkLinks(f, at)
	return total
}

func (e *embed) checkLinks(f *form, at string) {
	web, file := []string{"http", "https"}, []string{"http", "https", "attachment"}
	link(f, at+"url", e.URL, web)
	link(f, at+"author.url", e.Author.URL, web)
	link(f, at+"author.icon_url", e.Author.IconURL, file)
	link(f, at+"footer.icon_url", e.Footer.IconURL, file)
	link(f, at+"image.url", e.Image.URL, file)
	link(f, at+"thumbnail.url", e.Thumbnail.URL, file)
}

// link checks the scheme of a URL, which may be absent.
func link(f *form, field, text string, schemes []string) {
	if text == "" {
		return
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "":
		f.wrong(field, "URL_TYPE_INVALID_URL", "Not a well formed URL.")
	case !slices.Contains(schemes, u.Scheme):
		f.wrong(field, "URL_TYPE_INVALID_SCHEME", fmt.Sprintf(
			"Scheme %q is not supported. Scheme must be one of ('%s').", u.Scheme, strings.Join(schemes, "', '")))
	}
}
