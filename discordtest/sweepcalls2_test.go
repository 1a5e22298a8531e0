package discordtest_test

import (
	"github.com/bwmarrin/discordgo"
)

// sweepCallsFromG has those from GuildTemplate on.
var sweepCallsFromG = map[string]func(*sweep) error{
	"GuildTemplate": func(w *sweep) error { return only(w.s.GuildTemplate(w.template())) },
	"GuildTemplateCreate": func(w *sweep) error {
		w.template()
		return nil
	},
	"GuildTemplateDelete": func(w *sweep) error { return w.s.GuildTemplateDelete(w.g.ID, w.template()) },
	"GuildTemplateEdit": func(w *sweep) error {
		return only(w.s.GuildTemplateEdit(w.g.ID, w.template(), &discordgo.GuildTemplateParams{Name: "new"}))
	},
	"GuildTemplateSync":         func(w *sweep) error { return w.s.GuildTemplateSync(w.g.ID, w.template()) },
	"GuildTemplates":            func(w *sweep) error { return only(w.s.GuildTemplates(w.g.ID)) },
	"GuildThreadsActive":        func(w *sweep) error { return only(w.s.GuildThreadsActive(w.g.ID)) },
	"GuildWebhooks":             func(w *sweep) error { return only(w.s.GuildWebhooks(w.g.ID)) },
	"GuildWithCounts":           func(w *sweep) error { return only(w.s.GuildWithCounts(w.g.ID)) },
	"InteractionRespond":        func(w *sweep) error { return w.s.InteractionRespond(w.asked(false), w.answer()) },
	"InteractionResponse":       func(w *sweep) error { return only(w.s.InteractionResponse(w.asked(true))) },
	"InteractionResponseDelete": func(w *sweep) error { return w.s.InteractionResponseDelete(w.asked(true)) },
	"InteractionResponseEdit": func(w *sweep) error {
		text := "y"
		return only(w.s.InteractionResponseEdit(w.asked(true), &discordgo.WebhookEdit{Content: &text}))
	},
	"Invite":                      func(w *sweep) error { return only(w.s.Invite(w.invite())) },
	"InviteAccept":                func(w *sweep) error { return only(w.s.InviteAccept(w.invite())) },
	"InviteComplex":               func(w *sweep) error { return only(w.s.InviteComplex(w.invite(), "", true, true)) },
	"InviteDelete":                func(w *sweep) error { return only(w.s.InviteDelete(w.invite())) },
	"InviteWithCounts":            func(w *sweep) error { return only(w.s.InviteWithCounts(w.invite())) },
	"MessageReactionAdd":          func(w *sweep) error { return w.s.MessageReactionAdd(w.channel, w.said.ID, "👍") },
	"MessageReactionRemove":       func(w *sweep) error { return w.s.MessageReactionRemove(w.channel, w.said.ID, "👍", "@me") },
	"MessageReactions":            func(w *sweep) error { return only(w.s.MessageReactions(w.channel, w.said.ID, "👍", 10, "", "")) },
	"MessageReactionsRemoveAll":   func(w *sweep) error { return w.s.MessageReactionsRemoveAll(w.channel, w.said.ID) },
	"MessageReactionsRemoveEmoji": func(w *sweep) error { return w.s.MessageReactionsRemoveEmoji(w.channel, w.said.ID, "👍") },
	"MessageThreadStart":          func(w *sweep) error { return only(w.s.MessageThreadStart(w.channel, w.said.ID, "thread", 60)) },
	"MessageThreadStartComplex": func(w *sweep) error {
		return only(w.s.MessageThreadStartComplex(w.channel, w.said.ID, &discordgo.ThreadStart{Name: "thread"}))
	},
	"PollAnswerVoters": func(w *sweep) error { return only(w.s.PollAnswerVoters(w.channel, w.poll(), 1)) },
	"PollExpire":       func(w *sweep) error { return only(w.s.PollExpire(w.channel, w.poll())) },
	"SKUs":             func(w *sweep) error { return only(w.s.SKUs(w.me)) },
	"StageInstance":    func(w *sweep) error { return only(w.s.StageInstance(w.stage())) },
	"StageInstanceCreate": func(w *sweep) error {
		w.stage()
		return nil
	},
	"StageInstanceDelete": func(w *sweep) error { return w.s.StageInstanceDelete(w.stage()) },
	"StageInstanceEdit": func(w *sweep) error {
		return only(w.s.StageInstanceEdit(w.stage(), &discordgo.StageInstanceParams{Topic: "new"}))
	},
	"Subscription":       func(w *sweep) error { return only(w.s.Subscription("1", "1", "")) },
	"Subscriptions":      func(w *sweep) error { return only(w.s.Subscriptions("1", w.user, nil, nil, 10)) },
	"ThreadJoin":         func(w *sweep) error { return w.s.ThreadJoin(w.thread()) },
	"ThreadLeave":        func(w *sweep) error { return w.s.ThreadLeave(w.thread()) },
	"ThreadMember":       func(w *sweep) error { return only(w.s.ThreadMember(w.thread(), "@me", true)) },
	"ThreadMemberAdd":    func(w *sweep) error { return w.s.ThreadMemberAdd(w.thread(), w.user) },
	"ThreadMemberRemove": func(w *sweep) error { return w.s.ThreadMemberRemove(w.thread(), w.user) },
	"ThreadMembers":      func(w *sweep) error { return only(w.s.ThreadMembers(w.thread(), 10, true, "")) },
	"ThreadStart": func(w *sweep) error {
		w.thread()
		return nil
	},
	"ThreadStartComplex": func(w *sweep) error {
		return only(w.s.ThreadStartComplex(w.channel, &discordgo.ThreadStart{Name: "t", Type: discordgo.ChannelTypeGuildPrivateThread}))
	},
	"ThreadsActive":                 func(w *sweep) error { return only(w.s.ThreadsActive(w.channel)) },
	"ThreadsArchived":               func(w *sweep) error { return only(w.s.ThreadsArchived(w.channel, nil, 10)) },
	"ThreadsPrivateArchived":        func(w *sweep) error { return only(w.s.ThreadsPrivateArchived(w.channel, nil, 10)) },
	"ThreadsPrivateJoinedArchived":  func(w *sweep) error { return only(w.s.ThreadsPrivateJoinedArchived(w.channel, nil, 10)) },
	"User":                          func(w *sweep) error { return only(w.s.User(w.user)) },
	"UserApplicationRoleConnection": func(w *sweep) error { return only(w.s.UserApplicationRoleConnection(w.me)) },
	"UserApplicationRoleConnectionUpdate": func(w *sweep) error {
		return only(w.s.UserApplicationRoleConnectionUpdate(w.me, &discordgo.ApplicationRoleConnection{}))
	},
	"UserChannelCreate":      func(w *sweep) error { return only(w.s.UserChannelCreate(w.user)) },
	"UserChannelPermissions": func(w *sweep) error { return only(w.s.UserChannelPermissions(w.me, w.channel)) },
	"UserConnections":        func(w *sweep) error { return only(w.s.UserConnections()) },
	"UserGuildMember":        func(w *sweep) error { return only(w.s.UserGuildMember(w.g.ID)) },
	"UserGuilds":             func(w *sweep) error { return only(w.s.UserGuilds(10, "", "", true)) },
	"UserUpdate":             func(w *sweep) error { return only(w.s.UserUpdate("renamed", "", "")) },
	"VoiceRegions":           func(w *sweep) error { return only(w.s.VoiceRegions()) },
	"Webhook":                func(w *sweep) error { return only(w.s.Webhook(w.webhook().ID)) },
	"WebhookCreate": func(w *sweep) error {
		w.webhook()
		return nil
	},
	"WebhookDelete": func(w *sweep) error { return w.s.WebhookDelete(w.webhook().ID) },
	"WebhookDeleteWithToken": func(w *sweep) error {
		h := w.webhook()
		_, err := w.s.WebhookDeleteWithToken(h.ID, h.Token)
		return nothing(err)
	},
	"WebhookEdit": func(w *sweep) error { return only(w.s.WebhookEdit(w.webhook().ID, "new", "", w.channel)) },
	"WebhookEditWithToken": func(w *sweep) error {
		h := w.webhook()
		return only(w.s.WebhookEditWithToken(h.ID, h.Token, "new", ""))
	},
	"WebhookExecute": func(w *sweep) error {
		w.hooked(w.webhook())
		return nil
	},
	"WebhookMessage": func(w *sweep) error {
		h := w.webhook()
		return only(w.s.WebhookMessage(h.ID, h.Token, w.hooked(h).ID))
	},
	"WebhookMessageDelete": func(w *sweep) error {
		h := w.webhook()
		return w.s.WebhookMessageDelete(h.ID, h.Token, w.hooked(h).ID)
	},
	"WebhookMessageEdit": func(w *sweep) error {
		h, text := w.webhook(), "y"
		return only(w.s.WebhookMessageEdit(h.ID, h.Token, w.hooked(h).ID, &discordgo.WebhookEdit{Content: &text}))
	},
	"WebhookThreadExecute": func(w *sweep) error {
		h := w.webhook()
		return only(w.s.WebhookThreadExecute(h.ID, h.Token, true, w.thread(), &discordgo.WebhookParams{Content: "x"}))
	},
	"WebhookWithToken": func(w *sweep) error {
		h := w.webhook()
		return only(w.s.WebhookWithToken(h.ID, h.Token))
	},
}
