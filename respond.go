package botwright

import (
	"context"

	"github.com/bwmarrin/discordgo"
)

// Respond answers an interaction like discordgo's Session.InteractionRespond, but leaves nothing
// behind in memory. discordgo remembers the URL of every response and follow-up, including the
// interaction's token, for as long as the session lives (about 480 bytes each; ratelimit.go,
// GetBucket). Use Respond in bots that answer millions of interactions.
func Respond(
	ctx context.Context, s *discordgo.Session, i *discordgo.Interaction,
	response *discordgo.InteractionResponse, options ...discordgo.RequestOption,
) error {
	var files []*discordgo.File
	if response.Data != nil {
		files = response.Data.Files
	}
	_, err := post(ctx, s, discordgo.EndpointInteractionResponse(i.ID, i.Token), response, files,
		options)
	return err
}

// Followup sends another message for an interaction that was answered, like discordgo's
// Session.FollowupMessageCreate. Like [Respond], it leaves nothing behind in memory.
func Followup(
	ctx context.Context, s *discordgo.Session, i *discordgo.Interaction,
	message *discordgo.WebhookParams, options ...discordgo.RequestOption,
) (*discordgo.Message, error) {
	b, err := post(ctx, s, discordgo.EndpointFollowupMessage(i.AppID, i.Token)+"?wait=true",
		message, message.Files, options)
	if err != nil {
		return nil, err
	}
	sent := new(discordgo.Message)
	return sent, discordgo.Unmarshal(b, sent)
}

// post sends a request of a bucket that is forgotten afterwards.
func post(
	ctx context.Context, s *discordgo.Session, url string, body any, files []*discordgo.File,
	options []discordgo.RequestOption,
) ([]byte, error) {
	contentType := "application/json"
	b, err := discordgo.Marshal(body)
	if len(files) > 0 && err == nil {
		contentType, b, err = discordgo.MultipartBodyWithJSON(body, files)
	}
	if err != nil {
		return nil, err
	}
	options = append([]discordgo.RequestOption{discordgo.WithContext(ctx)}, options...)
	bucket := discordgo.NewRatelimiter().LockBucket("")
	return s.RequestWithLockedBucket("POST", url, contentType, b, bucket, 0, options...)
}
