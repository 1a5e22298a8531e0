package events

import (
	"cmp"

	"github.com/bwmarrin/discordgo"
)

// missingInInteraction is the part of check for interactions, whose required fields depend on
// their type. Discord sends no ping over the gateway; like a type that discordgo does not know, it
// needs no more than what an answer takes.
func missingInInteraction(i *discordgo.Interaction) string {
	if i == nil {
		return "id"
	}
	if field := cmp.Or(empty("id", i.ID), empty("token", i.Token)); field != "" {
		return field
	}
	switch i.Type {
	case discordgo.InteractionApplicationCommand,
		discordgo.InteractionApplicationCommandAutocomplete, discordgo.InteractionModalSubmit:
		return cmp.Or(missingInvoker(i), missingInInteractionData(i.Data))
	case discordgo.InteractionMessageComponent:
		return cmp.Or(missingInvoker(i), missingInInteractionData(i.Data),
			missingSource(i.Message))
	case 0:
		return "type"
	}
	return ""
}

// missingInvoker wants the member in a guild and the user elsewhere.
func missingInvoker(i *discordgo.Interaction) string {
	if i.Member == nil {
		return missingInUser("user", i.User)
	}
	if field := missingInMember(i.Member); field != "" {
		return "member/" + field
	}
	return ""
}

// missingSource wants the message that holds the component.
func missingSource(m *discordgo.Message) string {
	if field := missingInMessage(m); field != "" {
		return "message/" + field
	}
	return ""
}

func missingInInteractionData(data discordgo.InteractionData) string {
	field := ""
	switch d := data.(type) {
	case nil:
		return "data"
	case discordgo.ApplicationCommandInteractionData:
		field = missingInCommand(d)
	case discordgo.MessageComponentInteractionData:
		r := d.Resolved
		field = cmp.Or(nullValues("resolved/users", r.Users), nullValues("resolved/members", r.Members),
			nullValues("resolved/roles", r.Roles), nullValues("resolved/channels", r.Channels))
	}
	if field != "" {
		return "data/" + field
	}
	return ""
}

func missingInCommand(d discordgo.ApplicationCommandInteractionData) string {
	field := each("options", d.Options, missingInOption)
	if r := d.Resolved; field == "" && r != nil {
		field = cmp.Or(nullValues("resolved/users", r.Users), nullValues("resolved/members", r.Members),
			nullValues("resolved/roles", r.Roles), nullValues("resolved/channels", r.Channels),
			nullValues("resolved/messages", r.Messages),
			nullValues("resolved/attachments", r.Attachments))
	}
	return field
}

func missingInOption(o *discordgo.ApplicationCommandInteractionDataOption) string {
	return each("options", o.Options, missingInOption)
}
