package discordtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"
)

// labelComponent is unknown to discordgo.
const labelComponent discordgo.ComponentType = 18

const (
	maxRows          = 5
	maxComponents    = 40 // of a message in the second version of components
	maxLayoutText    = 4000
	premiumButton    = 6
	maxSelectOptions = 25
)

// A part is a component as the bot sends it.
type part struct {
	Type        discordgo.ComponentType `json:"type"`
	CustomID    *string                 `json:"custom_id"`
	Style       int                     `json:"style"`
	Label       string                  `json:"label"`
	Emoji       json.RawMessage         `json:"emoji"`
	URL         string                  `json:"url"`
	SKU         string                  `json:"sku_id"`
	Options     []choice                `json:"options"`
	Placeholder string                  `json:"placeholder"`
	MinValues   *int                    `json:"min_values"`
	MaxValues   *int                    `json:"max_values"`
	MinLength   *int                    `json:"min_length"`
	MaxLength   *int                    `json:"max_length"`
	Value       string                  `json:"value"`
	Content     string                  `json:"content"`
	Components  []part                  `json:"components"`
	Component   *part                   `json:"component"`
	Accessory   *part                   `json:"accessory"`
}

// A choice is an entry of a select menu.
type choice struct {
	Label       string `json:"label"`
	Value       string `json:"value"`
	Description string `json:"description"`
}

// A layout checks all components of a message or a form.
type layout struct {
	*form
	second bool            // the second version of components
	ids    map[string]bool // custom ids seen
	count  int
	text   int // characters of texts
}

// checkLayout holds the components of a message against Discord's limits.
func checkLayout(f *form, at string, raw json.RawMessage, second bool) {
	if !isSet(raw) {
		return
	}
	var parts []part
	if json.Unmarshal(raw, &parts) != nil {
		f.wrong(at, "BASE_TYPE_BAD", "Components are not valid.")
		return
	}
	l := &layout{form: f, second: second, ids: make(map[string]bool)}
	limit := maxRows
	if second {
		limit = maxComponents
	}
	l.length(at, len(parts), 1, limit)
	for i := range parts {
		l.top(fmt.Sprintf("%s.%d", at, i), &parts[i])
	}
	if second && l.count > maxComponents {
		l.wrong(at, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Must be %d or fewer in length.", maxComponents))
	}
	if l.text > maxLayoutText {
		l.wrong(at, "BASE_TYPE_MAX_LENGTH", fmt.Sprintf("Text must be %d or fewer in length.", maxLayoutText))
	}
}

// kind checks that a component is of a type that may stand where it does.
func (l *layout) kind(at string, p *part, of ...discordgo.ComponentType) bool {
	l.count++
	names := make([]string, len(of))
	for i, t := range of {
		if p.Type == t {
			return true
		}
		names[i] = fmt.Sprint(uint(t))
	}
	list := strings.Join(names, ", ")
	if len(names) == 1 {
		list += "," // a tuple of one, in the words of Discord
	}
	l.wrong(at, "UNION_TYPE_CHOICES", fmt.Sprintf(`Value of field "type" must be one of (%s).`, list))
	return false
}

// top checks a component that is in no other.
func (l *layout) top(at string, p *part) {
	if !l.second {
		if l.kind(at, p, discordgo.ActionsRowComponent) {
			l.row(at, p)
		}
		return
	}
	if !l.kind(at, p, discordgo.ActionsRowComponent, discordgo.SectionComponent, discordgo.TextDisplayComponent,
		discordgo.MediaGalleryComponent, discordgo.FileComponentType, discordgo.SeparatorComponent,
		discordgo.ContainerComponent) {
		return
	}
	l.block(at, p)
}

// block checks what the second version has besides rows.
func (l *layout) block(at string, p *part) {
	switch p.Type {
	case discordgo.ActionsRowComponent:
		l.row(at, p)
	case discordgo.TextDisplayComponent:
		l.form.text(at+".content", p.Content, 1, maxLayoutText)
		l.text += utf8.RuneCountInString(p.Content)
	case discordgo.SectionComponent:
		l.length(at+".components", len(p.Components), 1, 3)
		for i := range p.Components {
			inner := fmt.Sprintf("%s.components.%d", at, i)
			if l.kind(inner, &p.Components[i], discordgo.TextDisplayComponent) {
				l.block(inner, &p.Components[i])
			}
		}
		switch {
		case p.Accessory == nil:
			l.required(at + ".accessory")
		case l.kind(at+".accessory", p.Accessory, discordgo.ButtonComponent, discordgo.ThumbnailComponent) &&
			p.Accessory.Type == discordgo.ButtonComponent:
			l.button(at+".accessory", p.Accessory)
		}
	case discordgo.ContainerComponent:
		for i := range p.Components {
			inner := fmt.Sprintf("%s.components.%d", at, i)
			if l.kind(inner, &p.Components[i], discordgo.ActionsRowComponent, discordgo.SectionComponent,
				discordgo.TextDisplayComponent, discordgo.MediaGalleryComponent, discordgo.FileComponentType,
				discordgo.SeparatorComponent) {
				l.block(inner, &p.Components[i])
			}
		}
	}
}

// row checks an action row: up to five buttons, or one select menu.
func (l *layout) row(at string, row *part) {
	l.length(at+".components", len(row.Components), 1, 5)
	for i := range row.Components {
		p := &row.Components[i]
		inner := fmt.Sprintf("%s.components.%d", at, i)
		if !l.kind(inner, p, discordgo.ButtonComponent, discordgo.SelectMenuComponent,
			discordgo.UserSelectMenuComponent, discordgo.RoleSelectMenuComponent,
			discordgo.MentionableSelectMenuComponent, discordgo.ChannelSelectMenuComponent) {
			continue
		}
		if p.Type == discordgo.ButtonComponent {
			l.button(inner, p)
			continue
		}
		if len(row.Components) > 1 {
			l.wrong(at+".components", "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
				"The specified component exceeds the maximum width")
		}
		l.menu(inner, p)
	}
}

// id checks a custom id, which must be there and occur once.
func (l *layout) id(at string, p *part) {
	if p.CustomID == nil || *p.CustomID == "" {
		l.required(at + ".custom_id")
		return
	}
	l.form.text(at+".custom_id", *p.CustomID, 1, 100)
	if l.ids[*p.CustomID] {
		l.wrong(at+".custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
	}
	l.ids[*p.CustomID] = true
}

func (l *layout) button(at string, p *part) {
	l.number(at+".style", float64(p.Style), 1, premiumButton)
	l.form.text(at+".label", p.Label, 0, 80)
	switch p.Style {
	case int(discordgo.LinkButton):
		if p.URL == "" {
			l.required(at + ".url")
		}
		link(l.form, at+".url", p.URL, []string{"http", "https", "discord"})
		l.form.text(at+".url", p.URL, 0, 512)
		if p.CustomID != nil && *p.CustomID != "" {
			l.wrong(at+".custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
				"A custom id and url cannot both be specified")
		}
	case premiumButton:
		if p.SKU == "" {
			l.required(at + ".sku_id")
		}
		return
	default:
		l.id(at, p)
	}
	if p.Label == "" && !isSet(p.Emoji) {
		l.wrong(at+".label", "BUTTON_COMPONENT_MUST_HAVE_LABEL_OR_EMOJI", "Must have a label or an emoji")
	}
}

func (l *layout) menu(at string, p *part) {
	l.id(at, p)
	l.form.text(at+".placeholder", p.Placeholder, 0, 150)
	if p.MinValues != nil {
		l.number(at+".min_values", float64(*p.MinValues), 0, maxSelectOptions)
	}
	if p.MaxValues != nil && *p.MaxValues != 0 {
		l.number(at+".max_values", float64(*p.MaxValues), 1, maxSelectOptions)
	}
	if p.Type != discordgo.SelectMenuComponent {
		return
	}
	l.length(at+".options", len(p.Options), 1, maxSelectOptions)
	seen := make(map[string]bool)
	for i, o := range p.Options {
		inner := fmt.Sprintf("%s.options.%d.", at, i)
		l.form.text(inner+"label", o.Label, 1, 100)
		l.form.text(inner+"value", o.Value, 1, 100)
		l.form.text(inner+"description", o.Description, 0, 100)
		if seen[o.Value] {
			l.wrong(inner+"value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
				"The specified option value is already used")
		}
		seen[o.Value] = true
	}
}

// checkModal holds a form against Discord's limits.
func checkModal(f *form, raw json.RawMessage) {
	var modal struct {
		CustomID   string `json:"custom_id"`
		Title      string `json:"title"`
		Components []part `json:"components"`
	}
	if json.Unmarshal(raw, &modal) != nil {
		f.wrong("data", "BASE_TYPE_BAD", "Data is not valid.")
		return
	}
	f.text("data.custom_id", modal.CustomID, 1, 100)
	f.text("data.title", modal.Title, 1, 45)
	f.length("data.components", len(modal.Components), 1, maxRows)
	l := &layout{form: f, ids: make(map[string]bool)}
	for i := range modal.Components {
		at, p := fmt.Sprintf("data.components.%d", i), &modal.Components[i]
		if !l.kind(at, p, discordgo.ActionsRowComponent, discordgo.TextDisplayComponent, labelComponent) {
			continue
		}
		switch {
		case p.Type == discordgo.ActionsRowComponent:
			l.length(at+".components", len(p.Components), 1, 1)
			for j := range p.Components {
				inner := fmt.Sprintf("%s.components.%d", at, j)
				if l.kind(inner, &p.Components[j], discordgo.TextInputComponent) {
					l.form.text(inner+".label", p.Components[j].Label, 1, 45)
					l.input(inner, &p.Components[j])
				}
			}
		case p.Type == labelComponent && p.Component == nil:
			l.required(at + ".component")
		case p.Type == labelComponent:
			l.form.text(at+".label", p.Label, 1, 45)
			if p.Component.Type == discordgo.TextInputComponent {
				l.input(at+".component", p.Component)
			} else {
				l.id(at+".component", p.Component)
			}
		}
	}
}

func (l *layout) input(at string, p *part) {
	l.id(at, p)
	l.number(at+".style", float64(p.Style), 1, 2)
	l.form.text(at+".placeholder", p.Placeholder, 0, 100)
	l.form.text(at+".value", p.Value, 0, 4000)
	if p.MinLength != nil {
		l.number(at+".min_length", float64(*p.MinLength), 0, 4000)
	}
	if p.MaxLength != nil && *p.MaxLength != 0 {
		l.number(at+".max_length", float64(*p.MaxLength), 1, 4000)
	}
}
