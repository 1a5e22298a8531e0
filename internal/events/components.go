package events

import (
	"bytes"
	"slices"

	"github.com/bwmarrin/discordgo"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type componentList []discordgo.MessageComponent

// unmarshalComponents decodes a list of components less those of unknown types.
func unmarshalComponents(d *jsontext.Decoder, list *[]discordgo.MessageComponent) error {
	if err := json.UnmarshalDecode(d, (*componentList)(list)); err != nil {
		return err
	}
	*list = slices.DeleteFunc(*list, func(c discordgo.MessageComponent) bool { return c == nil })
	return nil
}

// maxComponentDepth is how deep objects in a component may nest. Discord gets to four, a container
// with a section with a thumbnail with its media. Without a limit, a payload of 130 kB takes
// seconds: what is at some depth is read again at each level above it.
const maxComponentDepth = 32

// unmarshalComponent decodes one component, and leaves nil for null and for an unknown type.
func unmarshalComponent(d *jsontext.Decoder, component *discordgo.MessageComponent) error {
	value, err := d.ReadValue()
	if err != nil {
		return err
	}
	if tooDeep(value) {
		return &PayloadError{Reason: "components nested too deep"}
	}
	var v struct {
		Type discordgo.ComponentType `json:"type"`
	}
	if err := json.Unmarshal(value, &v, d.Options()); err != nil {
		return err
	}
	*component = newComponent(v.Type)
	if *component == nil {
		return nil
	}
	return json.Unmarshal(value, *component, d.Options())
}

// tooDeep reports whether objects nest deeper than maxComponentDepth in a valid JSON value.
func tooDeep(value []byte) bool {
	if bytes.Count(value, []byte{'{'}) <= maxComponentDepth { // nearly always, and quick to tell
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(value) && depth <= maxComponentDepth; i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
	}
	return depth > maxComponentDepth
}

// newComponent returns a pointer to the zero component of a type, nil if discordgo has none.
func newComponent(t discordgo.ComponentType) discordgo.MessageComponent {
	switch t {
	case discordgo.ActionsRowComponent:
		return new(discordgo.ActionsRow)
	case discordgo.ButtonComponent:
		return new(discordgo.Button)
	case discordgo.SelectMenuComponent, discordgo.UserSelectMenuComponent,
		discordgo.RoleSelectMenuComponent, discordgo.MentionableSelectMenuComponent,
		discordgo.ChannelSelectMenuComponent:
		return new(discordgo.SelectMenu)
	case discordgo.TextInputComponent:
		return new(discordgo.TextInput)
	case discordgo.SectionComponent:
		return new(discordgo.Section)
	case discordgo.TextDisplayComponent:
		return new(discordgo.TextDisplay)
	case discordgo.ThumbnailComponent:
		return new(discordgo.Thumbnail)
	case discordgo.MediaGalleryComponent:
		return new(discordgo.MediaGallery)
	case discordgo.FileComponentType:
		return new(discordgo.FileComponent)
	case discordgo.SeparatorComponent:
		return new(discordgo.Separator)
	case discordgo.ContainerComponent:
		return new(discordgo.Container)
	default:
		return nil
	}
}

type actionsRowFields discordgo.ActionsRow

func unmarshalActionsRow(d *jsontext.Decoder, r *discordgo.ActionsRow) error {
	err := json.UnmarshalDecode(d, (*actionsRowFields)(r))
	r.Components = nonNil(r.Components)
	return err
}

type sectionFields discordgo.Section

func unmarshalSection(d *jsontext.Decoder, s *discordgo.Section) error {
	err := json.UnmarshalDecode(d, (*sectionFields)(s))
	s.Components = nonNil(s.Components)
	return err
}

type containerFields discordgo.Container

func unmarshalContainer(d *jsontext.Decoder, c *discordgo.Container) error {
	err := json.UnmarshalDecode(d, (*containerFields)(c))
	c.Components = nonNil(c.Components)
	return err
}

// nonNil returns the list, or an empty one that is not nil.
func nonNil(list []discordgo.MessageComponent) []discordgo.MessageComponent {
	if list == nil {
		return []discordgo.MessageComponent{}
	}
	return list
}
