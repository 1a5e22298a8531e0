package interaction

import (
	"context"
	"errors"

	"github.com/bwmarrin/discordgo"
)

// Post sends a request of a bucket that is forgotten afterwards.
func Post(
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

// Tell tells the user of an interaction something that nobody else sees, whether it was responded
// to or not.
func Tell(
	ctx context.Context, s *discordgo.Session, i *discordgo.Interaction, text string,
) error {
	err := s.InteractionRespond(i, &discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{
			Content: text, Flags: discordgo.MessageFlagsEphemeral,
		},
	}, discordgo.WithContext(ctx))
	if errors.Is(err, ErrAnswered) {
		_, err = s.FollowupMessageCreate(i, false, &discordgo.WebhookParams{
			Content: text, Flags: discordgo.MessageFlagsEphemeral,
		}, discordgo.WithContext(ctx))
	}
	return err
}
