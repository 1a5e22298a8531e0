package events

import (
	"strconv"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/scan"
)

// What follows does for a reader what the functions of unmarshalers do for the general decoder.

// components returns the list of components that comes next, nil for null.
func (r *reader) components() []discordgo.MessageComponent {
	if scan.Literal(r.b, r.i, "[]") >= 0 { // most messages have none
		r.i += len("[]")
		return []discordgo.MessageComponent{}
	}
	var list []discordgo.MessageComponent
	r.general(&list)
	return list
}

func (r *reader) stringOrNumber() string {
	if end, _ := scan.Number(r.b, r.i); end >= 0 {
		text := string(r.b[r.i:end])
		r.i = end
		return text
	}
	return r.string()
}

// truncated returns the number that comes next without its fraction, 0 for null.
func (r *reader) truncated() int64 {
	if r.null() {
		return 0
	}
	n := r.float()
	if n <= -1<<53 || n >= 1<<53 {
		r.giveUp()
		return 0
	}
	return int64(n)
}

func (r *reader) float() float64 {
	end, _ := scan.Number(r.b, r.i)
	if end < 0 {
		r.giveUp()
		return 0
	}
	n, err := strconv.ParseFloat(string(r.b[r.i:end]), 64)
	r.i = end
	if err != nil { // out of range
		r.giveUp()
	}
	return n
}

// optionValue returns what a user has put into a command's option.
func (r *reader) optionValue() any {
	if r.i >= len(r.b) || r.null() {
		return nil
	}
	switch r.b[r.i] {
	case '"':
		return r.string()
	case 't', 'f':
		return r.bool()
	}
	return r.float()
}

// interactionData reads the data of an interaction, which depends on its type and begins at r.b[at];
// -1 if it has none.
func (r *reader) interactionData(i *discordgo.Interaction, at int) {
	if at < 0 || r.odd || r.b[at] == 'n' {
		return
	}
	end := r.i
	r.i = at
	switch i.Type {
	case discordgo.InteractionApplicationCommand,
		discordgo.InteractionApplicationCommandAutocomplete:
		var data discordgo.ApplicationCommandInteractionData
		r.readApplicationCommandInteractionData(&data)
		i.Data = data
	case discordgo.InteractionMessageComponent:
		var data discordgo.MessageComponentInteractionData
		r.general(&data)
		i.Data = data
	case discordgo.InteractionModalSubmit:
		var data discordgo.ModalSubmitInteractionData
		r.general(&data)
		i.Data = data
	}
	if !r.odd {
		r.i = end
	}
}
