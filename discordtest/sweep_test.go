package discordtest_test

import (
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/discordtest"
)

// A sweep is a small world in which one method of discordgo's session is called.
type sweep struct {
	t   *testing.T
	srv *discordtest.Server
	s   *discordgo.Session
	g   discordtest.Guild
	// me is the bot, user somebody else, role below the bot's.
	me, user, role string
	// channel has said, by somebody, and sent, by the bot.
	channel    string
	said, sent *discordgo.Message
}

func newSweep(t *testing.T) *sweep {
	t.Helper()
	srv := start(t, discordtest.Config{Guilds: 1, Members: 4, NoRateLimits: true})
	s, err := newSession(srv)
	if err != nil {
		t.Fatal(err)
	}
	s.MaxRestRetries, s.StateEnabled = 0, false
	g := srv.Guilds()[0]
	w := &sweep{t: t, srv: srv, s: s, g: g, me: srv.Bot().ID, user: g.Members[1].User.ID,
		role: g.Roles[2].ID, channel: g.Channels[0].ID}
	w.said = need(t)(srv.Say(w.channel, w.user, "hi"))
	w.sent = need(t)(s.ChannelMessageSend(w.channel, "ho"))
	return w
}

// need returns what a call returned, which must have succeeded.
func need(t *testing.T) func(m *discordgo.Message, err error) *discordgo.Message {
	return func(m *discordgo.Message, err error) *discordgo.Message {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
}

// made is need for everything else.
func made[T any](w *sweep, v T, err error) T {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *sweep) typed(kind discordgo.ChannelType) string {
	w.t.Helper()
	c, err := w.srv.AddChannelType(w.g.ID, "typed", kind)
	return made(w, c, err).ID
}

func (w *sweep) thread() string {
	w.t.Helper()
	c, err := w.s.ThreadStart(w.channel, "thread", discordgo.ChannelTypeGuildPublicThread, 60)
	return made(w, c, err).ID
}

func (w *sweep) emoji() *discordgo.EmojiParams {
	return &discordgo.EmojiParams{Name: "wave", Image: "data:image/png;base64,iVBORw0KGgo="}
}

func (w *sweep) command() *discordgo.ApplicationCommand {
	w.t.Helper()
	c, err := w.s.ApplicationCommandCreate(w.me, w.g.ID, &discordgo.ApplicationCommand{Name: "x", Description: "x"})
	return made(w, c, err)
}

func (w *sweep) webhook() *discordgo.Webhook {
	w.t.Helper()
	h, err := w.s.WebhookCreate(w.channel, "hook", "")
	return made(w, h, err)
}

func (w *sweep) hooked(h *discordgo.Webhook) *discordgo.Message {
	w.t.Helper()
	m, err := w.s.WebhookExecute(h.ID, h.Token, true, &discordgo.WebhookParams{Content: "x"})
	return made(w, m, err)
}

// asked returns an interaction, answered or not.
func (w *sweep) asked(answered bool) *discordgo.Interaction {
	w.t.Helper()
	in := w.srv.SlashCommand(w.g.ID, w.channel, w.user, "x")
	i := &discordgo.Interaction{ID: in.ID, AppID: w.me, Token: in.Token}
	if answered {
		made(w, 0, w.s.InteractionRespond(i, w.answer()))
	}
	return i
}

func (w *sweep) answer() *discordgo.InteractionResponse {
	return &discordgo.InteractionResponse{Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Content: "x"}}
}

func (w *sweep) event() *discordgo.GuildScheduledEventParams {
	start := time.Now().Add(time.Hour)
	end := start.Add(time.Hour)
	return &discordgo.GuildScheduledEventParams{Name: "party", ScheduledStartTime: &start, ScheduledEndTime: &end,
		PrivacyLevel:   discordgo.GuildScheduledEventPrivacyLevelGuildOnly,
		EntityType:     discordgo.GuildScheduledEventEntityTypeExternal,
		EntityMetadata: &discordgo.GuildScheduledEventEntityMetadata{Location: "here"}}
}

func (w *sweep) planned() string {
	w.t.Helper()
	e, err := w.s.GuildScheduledEventCreate(w.g.ID, w.event())
	return made(w, e, err).ID
}

func (w *sweep) automod() *discordgo.AutoModerationRule {
	return &discordgo.AutoModerationRule{Name: "words", EventType: discordgo.AutoModerationEventMessageSend,
		TriggerType:     discordgo.AutoModerationEventTriggerKeyword,
		TriggerMetadata: &discordgo.AutoModerationTriggerMetadata{KeywordFilter: []string{"spam"}},
		Actions:         []discordgo.AutoModerationAction{{Type: discordgo.AutoModerationRuleActionBlockMessage}}}
}

func (w *sweep) rule() string {
	w.t.Helper()
	r, err := w.s.AutoModerationRuleCreate(w.g.ID, w.automod())
	return made(w, r, err).ID
}

func (w *sweep) stage() string {
	w.t.Helper()
	id := w.typed(discordgo.ChannelTypeGuildStageVoice)
	_, err := w.s.StageInstanceCreate(&discordgo.StageInstanceParams{ChannelID: id, Topic: "talk", PrivacyLevel: 2})
	return made(w, id, err)
}

func (w *sweep) poll() string {
	w.t.Helper()
	m, err := w.s.ChannelMessageSendComplex(w.channel, &discordgo.MessageSend{Poll: &discordgo.Poll{
		Question: discordgo.PollMedia{Text: "which?"}, Duration: 1,
		Answers: []discordgo.PollAnswer{{Media: &discordgo.PollMedia{Text: "this"}}, {Media: &discordgo.PollMedia{Text: "that"}}}}})
	return made(w, m, err).ID
}

func (w *sweep) entitlement() string {
	w.t.Helper()
	made(w, 0, w.s.EntitlementTestCreate(w.me, &discordgo.EntitlementTest{SKUID: "1", OwnerID: w.user, OwnerType: 2}))
	all, err := w.s.Entitlements(w.me, nil)
	return made(w, all, err)[0].ID
}

func (w *sweep) template() string {
	w.t.Helper()
	w.s.GuildTemplateCreate(w.g.ID, &discordgo.GuildTemplateParams{Name: "copy"})
	all, err := w.s.GuildTemplates(w.g.ID)
	return made(w, all, err)[0].Code
}

func (w *sweep) banned() string {
	w.t.Helper()
	made(w, 0, w.s.GuildBanCreate(w.g.ID, w.user, 0))
	return w.user
}

func (w *sweep) invite() string {
	w.t.Helper()
	i, err := w.s.ChannelInviteCreate(w.channel, discordgo.Invite{MaxAge: 60})
	return made(w, i, err).Code
}

// only keeps the error of a call.
func only[T any](_ T, err error) error { return err }

// refusedToBots are the methods that Discord refuses to every bot, with the code.
var refusedToBots = map[string]int{
	"Application": 20001, "ApplicationAssets": 20001, "ApplicationBotCreate": 20001, "ApplicationCreate": 20001,
	"ApplicationDelete": 20001, "ApplicationUpdate": 20001, "Applications": 20001, "InviteAccept": 20001,
	"ApplicationCommandPermissionsBatchEdit": 20001, "ApplicationCommandPermissionsEdit": 20001,
	"UserApplicationRoleConnection": 20001, "UserApplicationRoleConnectionUpdate": 20001,
	"UserConnections": 20001, "UserGuildMember": 20001,
}

// withoutRoute are the methods whose routes the server does not have: those that Discord has
// withdrawn, and single subscriptions.
var withoutRoute = []string{
	"GuildCreate", "GuildCreateWithTemplate", "GuildDelete", "GuildIntegrationCreate", "GuildIntegrationEdit",
	"Subscription",
}

// notREST are the methods of a session that make no request to the API.
var notREST = []string{
	"AddHandler", "AddHandlerOnce", "ChannelVoiceJoin", "ChannelVoiceJoinManual", "Close", "CloseWithCode",
	"GatewayWriteStruct", "HeartbeatLatency", "Lock", "Open", "RLock", "RLocker", "RUnlock", "Request",
	"RequestGuildMembers", "RequestGuildMembersBatch", "RequestGuildMembersBatchList", "RequestGuildMembersList",
	"RequestRaw", "RequestWithBucketID", "RequestWithLockedBucket", "TryLock", "TryRLock", "Unlock",
	"UpdateCustomStatus", "UpdateGameStatus", "UpdateListeningStatus", "UpdateStatusComplex", "UpdateStreamingStatus",
	"UpdateWatchStatus",
	// Images come from another host.
	"GuildIcon", "GuildSplash", "UserAvatar", "UserAvatarDecode",
}

// TestEveryMethodOfDiscordgo calls each REST method of discordgo's session: it works, or Discord
// refuses it to bots, or the server says that it does not have the route.
func TestEveryMethodOfDiscordgo(t *testing.T) {
	t.Cleanup(http.DefaultTransport.(*http.Transport).CloseIdleConnections)
	for method := range reflect.TypeFor[*discordgo.Session]().Methods() {
		name := method.Name
		if slices.Contains(notREST, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			call := sweepCallsToG[name]
			if call == nil {
				call = sweepCallsFromG[name]
			}
			if call == nil {
				t.Fatal("neither table has a call")
			}
			w := newSweep(t)
			before := len(w.srv.Requests())
			err := call(w)
			if len(w.srv.Requests()) == before {
				t.Fatal("no request was made")
			}
			rest, isREST := errors.AsType[*discordgo.RESTError](err)
			switch code := refusedToBots[name]; {
			case code != 0:
				if !isREST || rest.Message == nil || rest.Message.Code != code {
					t.Errorf("%v, want code %d", err, code)
				}
			case slices.Contains(withoutRoute, name):
				if !isREST || rest.Response.StatusCode != 501 || !strings.Contains(err.Error(), "discordtest has no such route") {
					t.Errorf("%v, want 501", err)
				}
			case err != nil:
				t.Error(err)
			}
		})
	}
}
