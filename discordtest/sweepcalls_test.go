package discordtest_test

import (
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

func (w *sweep) joinVoice() {
	w.t.Helper()
	made(w, 0, w.srv.JoinVoice(w.g.ID, w.g.VoiceChannels[0].ID, w.user))
}

// nothing forgives discordgo that it wants JSON from an answer that has no body.
func nothing(err error) error {
	if err != nil && strings.Contains(err.Error(), "unmarshal") {
		return nil
	}
	return err
}

// sweepCallsToG has a call for every REST method of discordgo's session up to GuildScheduledEvents.
var sweepCallsToG = map[string]func(*sweep) error{
	"Application":          func(w *sweep) error { return only(w.s.Application(w.me)) },
	"ApplicationAssets":    func(w *sweep) error { return only(w.s.ApplicationAssets(w.me)) },
	"ApplicationBotCreate": func(w *sweep) error { return only(w.s.ApplicationBotCreate(w.me)) },
	"ApplicationCommand": func(w *sweep) error {
		c := w.command()
		return only(w.s.ApplicationCommand(w.me, w.g.ID, c.ID))
	},
	"ApplicationCommandBulkOverwrite": func(w *sweep) error {
		return only(w.s.ApplicationCommandBulkOverwrite(w.me, "", []*discordgo.ApplicationCommand{{Name: "x", Description: "x"}}))
	},
	"ApplicationCommandCreate": func(w *sweep) error {
		w.command()
		return nil
	},
	"ApplicationCommandDelete": func(w *sweep) error { return w.s.ApplicationCommandDelete(w.me, w.g.ID, w.command().ID) },
	"ApplicationCommandEdit": func(w *sweep) error {
		return only(w.s.ApplicationCommandEdit(w.me, w.g.ID, w.command().ID, &discordgo.ApplicationCommand{Name: "y", Description: "y"}))
	},
	"ApplicationCommandPermissions": func(w *sweep) error {
		c := w.command()
		made(w, 0, w.srv.SetCommandPermissions(w.g.ID, c.ID))
		return only(w.s.ApplicationCommandPermissions(w.me, w.g.ID, c.ID))
	},
	"ApplicationCommandPermissionsBatchEdit": func(w *sweep) error { return w.s.ApplicationCommandPermissionsBatchEdit(w.me, w.g.ID, nil) },
	"ApplicationCommandPermissionsEdit": func(w *sweep) error {
		return w.s.ApplicationCommandPermissionsEdit(w.me, w.g.ID, "1", &discordgo.ApplicationCommandPermissionsList{})
	},
	"ApplicationCommands": func(w *sweep) error { return only(w.s.ApplicationCommands(w.me, "")) },
	"ApplicationCreate":   func(w *sweep) error { return only(w.s.ApplicationCreate(&discordgo.Application{Name: "x"})) },
	"ApplicationDelete":   func(w *sweep) error { return w.s.ApplicationDelete(w.me) },
	"ApplicationEmoji": func(w *sweep) error {
		e, err := w.s.ApplicationEmojiCreate(w.me, w.emoji())
		return only(w.s.ApplicationEmoji(w.me, made(w, e, err).ID))
	},
	"ApplicationEmojiCreate": func(w *sweep) error { return only(w.s.ApplicationEmojiCreate(w.me, w.emoji())) },
	"ApplicationEmojiDelete": func(w *sweep) error {
		e, err := w.s.ApplicationEmojiCreate(w.me, w.emoji())
		return w.s.ApplicationEmojiDelete(w.me, made(w, e, err).ID)
	},
	"ApplicationEmojiEdit": func(w *sweep) error {
		e, err := w.s.ApplicationEmojiCreate(w.me, w.emoji())
		return only(w.s.ApplicationEmojiEdit(w.me, made(w, e, err).ID, &discordgo.EmojiParams{Name: "hand"}))
	},
	"ApplicationEmojis":                 func(w *sweep) error { return only(w.s.ApplicationEmojis(w.me)) },
	"ApplicationRoleConnectionMetadata": func(w *sweep) error { return only(w.s.ApplicationRoleConnectionMetadata(w.me)) },
	"ApplicationRoleConnectionMetadataUpdate": func(w *sweep) error {
		return only(w.s.ApplicationRoleConnectionMetadataUpdate(w.me, []*discordgo.ApplicationRoleConnectionMetadata{}))
	},
	"ApplicationUpdate":        func(w *sweep) error { return only(w.s.ApplicationUpdate(w.me, &discordgo.Application{Name: "x"})) },
	"Applications":             func(w *sweep) error { return only(w.s.Applications()) },
	"AutoModerationRule":       func(w *sweep) error { return only(w.s.AutoModerationRule(w.g.ID, w.rule())) },
	"AutoModerationRuleCreate": func(w *sweep) error { return only(w.s.AutoModerationRuleCreate(w.g.ID, w.automod())) },
	"AutoModerationRuleDelete": func(w *sweep) error { return w.s.AutoModerationRuleDelete(w.g.ID, w.rule()) },
	"AutoModerationRuleEdit":   func(w *sweep) error { return only(w.s.AutoModerationRuleEdit(w.g.ID, w.rule(), w.automod())) },
	"AutoModerationRules":      func(w *sweep) error { return only(w.s.AutoModerationRules(w.g.ID)) },
	"Channel":                  func(w *sweep) error { return only(w.s.Channel(w.channel)) },
	"ChannelDelete":            func(w *sweep) error { return only(w.s.ChannelDelete(w.channel)) },
	"ChannelEdit":              func(w *sweep) error { return only(w.s.ChannelEdit(w.channel, &discordgo.ChannelEdit{Name: "new"})) },
	"ChannelEditComplex": func(w *sweep) error {
		return only(w.s.ChannelEditComplex(w.channel, &discordgo.ChannelEdit{Name: "new"}))
	},
	"ChannelFileSend": func(w *sweep) error { return only(w.s.ChannelFileSend(w.channel, "a.txt", strings.NewReader("a"))) },
	"ChannelFileSendWithMessage": func(w *sweep) error {
		return only(w.s.ChannelFileSendWithMessage(w.channel, "x", "a.txt", strings.NewReader("a")))
	},
	"ChannelInviteCreate": func(w *sweep) error { return only(w.s.ChannelInviteCreate(w.channel, discordgo.Invite{})) },
	"ChannelInvites":      func(w *sweep) error { return only(w.s.ChannelInvites(w.channel)) },
	"ChannelMessage":      func(w *sweep) error { return only(w.s.ChannelMessage(w.channel, w.said.ID)) },
	"ChannelMessageCrosspost": func(w *sweep) error {
		c := w.typed(discordgo.ChannelTypeGuildNews)
		m := need(w.t)(w.s.ChannelMessageSend(c, "news"))
		return only(w.s.ChannelMessageCrosspost(c, m.ID))
	},
	"ChannelMessageDelete": func(w *sweep) error { return w.s.ChannelMessageDelete(w.channel, w.said.ID) },
	"ChannelMessageEdit":   func(w *sweep) error { return only(w.s.ChannelMessageEdit(w.channel, w.sent.ID, "x")) },
	"ChannelMessageEditComplex": func(w *sweep) error {
		return only(w.s.ChannelMessageEditComplex(discordgo.NewMessageEdit(w.channel, w.sent.ID).SetContent("x")))
	},
	"ChannelMessageEditEmbed": func(w *sweep) error {
		return only(w.s.ChannelMessageEditEmbed(w.channel, w.sent.ID, &discordgo.MessageEmbed{Title: "x"}))
	},
	"ChannelMessageEditEmbeds": func(w *sweep) error {
		return only(w.s.ChannelMessageEditEmbeds(w.channel, w.sent.ID, []*discordgo.MessageEmbed{{Title: "x"}}))
	},
	"ChannelMessagePin":  func(w *sweep) error { return w.s.ChannelMessagePin(w.channel, w.said.ID) },
	"ChannelMessageSend": func(w *sweep) error { return only(w.s.ChannelMessageSend(w.channel, "x")) },
	"ChannelMessageSendComplex": func(w *sweep) error {
		return only(w.s.ChannelMessageSendComplex(w.channel, &discordgo.MessageSend{Content: "x"}))
	},
	"ChannelMessageSendEmbed": func(w *sweep) error {
		return only(w.s.ChannelMessageSendEmbed(w.channel, &discordgo.MessageEmbed{Title: "x"}))
	},
	"ChannelMessageSendEmbedReply": func(w *sweep) error {
		return only(w.s.ChannelMessageSendEmbedReply(w.channel, &discordgo.MessageEmbed{Title: "x"}, w.said.Reference()))
	},
	"ChannelMessageSendEmbeds": func(w *sweep) error {
		return only(w.s.ChannelMessageSendEmbeds(w.channel, []*discordgo.MessageEmbed{{Title: "x"}}))
	},
	"ChannelMessageSendEmbedsReply": func(w *sweep) error {
		return only(w.s.ChannelMessageSendEmbedsReply(w.channel, []*discordgo.MessageEmbed{{Title: "x"}}, w.said.Reference()))
	},
	"ChannelMessageSendReply":   func(w *sweep) error { return only(w.s.ChannelMessageSendReply(w.channel, "x", w.said.Reference())) },
	"ChannelMessageSendTTS":     func(w *sweep) error { return only(w.s.ChannelMessageSendTTS(w.channel, "x")) },
	"ChannelMessageUnpin":       func(w *sweep) error { return w.s.ChannelMessageUnpin(w.channel, w.said.ID) },
	"ChannelMessages":           func(w *sweep) error { return only(w.s.ChannelMessages(w.channel, 10, "", "", "")) },
	"ChannelMessagesBulkDelete": func(w *sweep) error { return w.s.ChannelMessagesBulkDelete(w.channel, []string{w.said.ID, w.sent.ID}) },
	"ChannelMessagesPinned":     func(w *sweep) error { return only(w.s.ChannelMessagesPinned(w.channel)) },
	"ChannelNewsFollow": func(w *sweep) error {
		return only(w.s.ChannelNewsFollow(w.typed(discordgo.ChannelTypeGuildNews), w.channel))
	},
	"ChannelPermissionDelete": func(w *sweep) error {
		made(w, 0, w.srv.SetPermissions(w.channel, w.user, 0, 0))
		return w.s.ChannelPermissionDelete(w.channel, w.user)
	},
	"ChannelPermissionSet": func(w *sweep) error {
		return w.s.ChannelPermissionSet(w.channel, w.g.ID, discordgo.PermissionOverwriteTypeRole, 0, discordgo.PermissionAddReactions)
	},
	"ChannelTyping":      func(w *sweep) error { return w.s.ChannelTyping(w.channel) },
	"ChannelWebhooks":    func(w *sweep) error { return only(w.s.ChannelWebhooks(w.channel)) },
	"EntitlementConsume": func(w *sweep) error { return w.s.EntitlementConsume(w.me, w.entitlement()) },
	"EntitlementTestCreate": func(w *sweep) error {
		w.entitlement()
		return nil
	},
	"EntitlementTestDelete": func(w *sweep) error { return w.s.EntitlementTestDelete(w.me, w.entitlement()) },
	"Entitlements":          func(w *sweep) error { return only(w.s.Entitlements(w.me, nil)) },
	"FollowupMessageCreate": func(w *sweep) error {
		return only(w.s.FollowupMessageCreate(w.asked(true), true, &discordgo.WebhookParams{Content: "x"}))
	},
	"FollowupMessageDelete": func(w *sweep) error {
		i := w.asked(true)
		m := need(w.t)(w.s.FollowupMessageCreate(i, true, &discordgo.WebhookParams{Content: "x"}))
		return w.s.FollowupMessageDelete(i, m.ID)
	},
	"FollowupMessageEdit": func(w *sweep) error {
		i, text := w.asked(true), "y"
		m := need(w.t)(w.s.FollowupMessageCreate(i, true, &discordgo.WebhookParams{Content: "x"}))
		return only(w.s.FollowupMessageEdit(i, m.ID, &discordgo.WebhookEdit{Content: &text}))
	},
	"ForumThreadStart": func(w *sweep) error {
		return only(w.s.ForumThreadStart(w.typed(discordgo.ChannelTypeGuildForum), "post", 60, "x"))
	},
	"ForumThreadStartComplex": func(w *sweep) error {
		return only(w.s.ForumThreadStartComplex(w.typed(discordgo.ChannelTypeGuildForum), &discordgo.ThreadStart{Name: "post"}, &discordgo.MessageSend{Content: "x"}))
	},
	"ForumThreadStartEmbed": func(w *sweep) error {
		return only(w.s.ForumThreadStartEmbed(w.typed(discordgo.ChannelTypeGuildForum), "post", 60, &discordgo.MessageEmbed{Title: "x"}))
	},
	"ForumThreadStartEmbeds": func(w *sweep) error {
		return only(w.s.ForumThreadStartEmbeds(w.typed(discordgo.ChannelTypeGuildForum), "post", 60, []*discordgo.MessageEmbed{{Title: "x"}}))
	},
	"Gateway":                             func(w *sweep) error { return only(w.s.Gateway()) },
	"GatewayBot":                          func(w *sweep) error { return only(w.s.GatewayBot()) },
	"Guild":                               func(w *sweep) error { return only(w.s.Guild(w.g.ID)) },
	"GuildApplicationCommandsPermissions": func(w *sweep) error { return only(w.s.GuildApplicationCommandsPermissions(w.me, w.g.ID)) },
	"GuildAuditLog":                       func(w *sweep) error { return only(w.s.GuildAuditLog(w.g.ID, "", "", 0, 10)) },
	"GuildBan":                            func(w *sweep) error { return only(w.s.GuildBan(w.g.ID, w.banned())) },
	"GuildBanCreate":                      func(w *sweep) error { return w.s.GuildBanCreate(w.g.ID, w.user, 0) },
	"GuildBanCreateWithReason":            func(w *sweep) error { return w.s.GuildBanCreateWithReason(w.g.ID, w.user, "spam", 0) },
	"GuildBanDelete":                      func(w *sweep) error { return w.s.GuildBanDelete(w.g.ID, w.banned()) },
	"GuildBans":                           func(w *sweep) error { return only(w.s.GuildBans(w.g.ID, 10, "", "")) },
	"GuildChannelCreate": func(w *sweep) error {
		return only(w.s.GuildChannelCreate(w.g.ID, "new", discordgo.ChannelTypeGuildText))
	},
	"GuildChannelCreateComplex": func(w *sweep) error {
		return only(w.s.GuildChannelCreateComplex(w.g.ID, discordgo.GuildChannelCreateData{Name: "new"}))
	},
	"GuildChannels":           func(w *sweep) error { return only(w.s.GuildChannels(w.g.ID)) },
	"GuildChannelsReorder":    func(w *sweep) error { return w.s.GuildChannelsReorder(w.g.ID, w.g.Channels) },
	"GuildCreate":             func(w *sweep) error { return only(w.s.GuildCreate("x")) },
	"GuildCreateWithTemplate": func(w *sweep) error { return only(w.s.GuildCreateWithTemplate(w.template(), "x", "")) },
	"GuildDelete":             func(w *sweep) error { return w.s.GuildDelete(w.g.ID) },
	"GuildEdit":               func(w *sweep) error { return only(w.s.GuildEdit(w.g.ID, &discordgo.GuildParams{Name: "new"})) },
	"GuildEmbed":              func(w *sweep) error { return only(w.s.GuildEmbed(w.g.ID)) },
	"GuildEmbedEdit":          func(w *sweep) error { return w.s.GuildEmbedEdit(w.g.ID, &discordgo.GuildEmbed{}) },
	"GuildEmoji": func(w *sweep) error {
		e, err := w.s.GuildEmojiCreate(w.g.ID, w.emoji())
		return only(w.s.GuildEmoji(w.g.ID, made(w, e, err).ID))
	},
	"GuildEmojiCreate": func(w *sweep) error { return only(w.s.GuildEmojiCreate(w.g.ID, w.emoji())) },
	"GuildEmojiDelete": func(w *sweep) error {
		e, err := w.s.GuildEmojiCreate(w.g.ID, w.emoji())
		return w.s.GuildEmojiDelete(w.g.ID, made(w, e, err).ID)
	},
	"GuildEmojiEdit": func(w *sweep) error {
		e, err := w.s.GuildEmojiCreate(w.g.ID, w.emoji())
		return only(w.s.GuildEmojiEdit(w.g.ID, made(w, e, err).ID, &discordgo.EmojiParams{Name: "hand"}))
	},
	"GuildEmojis":            func(w *sweep) error { return only(w.s.GuildEmojis(w.g.ID)) },
	"GuildIntegrationCreate": func(w *sweep) error { return w.s.GuildIntegrationCreate(w.g.ID, "x", "1") },
	"GuildIntegrationDelete": func(w *sweep) error {
		all, err := w.s.GuildIntegrations(w.g.ID)
		return w.s.GuildIntegrationDelete(w.g.ID, made(w, all, err)[0].ID)
	},
	"GuildIntegrationEdit": func(w *sweep) error { return w.s.GuildIntegrationEdit(w.g.ID, "1", 0, 0, false) },
	"GuildIntegrations":    func(w *sweep) error { return only(w.s.GuildIntegrations(w.g.ID)) },
	"GuildInvites":         func(w *sweep) error { return only(w.s.GuildInvites(w.g.ID)) },
	"GuildLeave":           func(w *sweep) error { return w.s.GuildLeave(w.g.ID) },
	"GuildMember":          func(w *sweep) error { return only(w.s.GuildMember(w.g.ID, w.user)) },
	"GuildMemberAdd": func(w *sweep) error {
		made(w, 0, w.srv.RemoveMember(w.g.ID, w.user))
		return w.s.GuildMemberAdd(w.g.ID, w.user, &discordgo.GuildMemberAddParams{AccessToken: "x"})
	},
	"GuildMemberDeafen": func(w *sweep) error {
		w.joinVoice()
		return w.s.GuildMemberDeafen(w.g.ID, w.user, true)
	},
	"GuildMemberDelete":           func(w *sweep) error { return w.s.GuildMemberDelete(w.g.ID, w.user) },
	"GuildMemberDeleteWithReason": func(w *sweep) error { return w.s.GuildMemberDeleteWithReason(w.g.ID, w.user, "spam") },
	"GuildMemberEdit": func(w *sweep) error {
		return only(w.s.GuildMemberEdit(w.g.ID, w.user, &discordgo.GuildMemberParams{Nick: "N"}))
	},
	"GuildMemberEditComplex": func(w *sweep) error {
		return only(w.s.GuildMemberEditComplex(w.g.ID, w.user, &discordgo.GuildMemberParams{Nick: "N"}))
	},
	"GuildMemberMove": func(w *sweep) error {
		w.joinVoice()
		return w.s.GuildMemberMove(w.g.ID, w.user, nil)
	},
	"GuildMemberMute": func(w *sweep) error {
		w.joinVoice()
		return w.s.GuildMemberMute(w.g.ID, w.user, true)
	},
	"GuildMemberNickname":   func(w *sweep) error { return w.s.GuildMemberNickname(w.g.ID, "@me", "N") },
	"GuildMemberRoleAdd":    func(w *sweep) error { return w.s.GuildMemberRoleAdd(w.g.ID, w.user, w.role) },
	"GuildMemberRoleRemove": func(w *sweep) error { return w.s.GuildMemberRoleRemove(w.g.ID, w.user, w.role) },
	"GuildMemberTimeout": func(w *sweep) error {
		until := time.Now().Add(time.Minute)
		return w.s.GuildMemberTimeout(w.g.ID, w.user, &until)
	},
	"GuildMembers":        func(w *sweep) error { return only(w.s.GuildMembers(w.g.ID, "", 10)) },
	"GuildMembersSearch":  func(w *sweep) error { return only(w.s.GuildMembersSearch(w.g.ID, "a", 10)) },
	"GuildOnboarding":     func(w *sweep) error { return only(w.s.GuildOnboarding(w.g.ID)) },
	"GuildOnboardingEdit": func(w *sweep) error { return only(w.s.GuildOnboardingEdit(w.g.ID, &discordgo.GuildOnboarding{})) },
	"GuildPreview":        func(w *sweep) error { return only(w.s.GuildPreview(w.g.ID)) },
	"GuildPrune":          func(w *sweep) error { return only(w.s.GuildPrune(w.g.ID, 7)) },
	"GuildPruneCount":     func(w *sweep) error { return only(w.s.GuildPruneCount(w.g.ID, 7)) },
	"GuildRoleCreate":     func(w *sweep) error { return only(w.s.GuildRoleCreate(w.g.ID, &discordgo.RoleParams{Name: "new"})) },
	"GuildRoleDelete":     func(w *sweep) error { return w.s.GuildRoleDelete(w.g.ID, w.role) },
	"GuildRoleEdit": func(w *sweep) error {
		return only(w.s.GuildRoleEdit(w.g.ID, w.role, &discordgo.RoleParams{Name: "new"}))
	},
	"GuildRoleReorder":          func(w *sweep) error { return only(w.s.GuildRoleReorder(w.g.ID, w.g.Roles[2:3])) },
	"GuildRoles":                func(w *sweep) error { return only(w.s.GuildRoles(w.g.ID)) },
	"GuildScheduledEvent":       func(w *sweep) error { return only(w.s.GuildScheduledEvent(w.g.ID, w.planned(), true)) },
	"GuildScheduledEventCreate": func(w *sweep) error { return only(w.s.GuildScheduledEventCreate(w.g.ID, w.event())) },
	"GuildScheduledEventDelete": func(w *sweep) error { return w.s.GuildScheduledEventDelete(w.g.ID, w.planned()) },
	"GuildScheduledEventEdit":   func(w *sweep) error { return only(w.s.GuildScheduledEventEdit(w.g.ID, w.planned(), w.event())) },
	"GuildScheduledEventUsers":  func(w *sweep) error { return only(w.s.GuildScheduledEventUsers(w.g.ID, w.planned(), 10, true, "", "")) },
	"GuildScheduledEvents":      func(w *sweep) error { return only(w.s.GuildScheduledEvents(w.g.ID, true)) },
}
