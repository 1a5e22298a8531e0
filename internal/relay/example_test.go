package relay_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright/internal/relay"
)

func Example() {
	session, err := discordgo.New("Bot token")
	if err != nil {
		fmt.Println(err)
		return
	}
	session.StateEnabled = false
	session.SyncEvents = true

	sent, handled := make(chan struct{}), make(chan struct{})
	r := relay.New(relay.Config{
		Session: session,
		Send: func(op int, d json.RawMessage) error {
			fmt.Printf("to Discord: op %d %s\n", op, d)
			close(sent)
			return nil
		},
	})
	session.AddHandler(func(_ *discordgo.Session, e *discordgo.MessageCreate) {
		fmt.Println("handler:", e.Content)
		close(handled)
	})

	ctx := context.Background()
	ready := json.RawMessage(`{"session_id":"abc","user":{"id":"42"},"guilds":[]}`)
	if err := r.Open(ctx, ready); err != nil {
		fmt.Println(err)
		return
	}
	if err := session.UpdateWatchStatus(0, "the log"); err != nil {
		fmt.Println(err)
	}
	<-sent
	r.Dispatch(2, "MESSAGE_CREATE", []byte(`{"id":"1","content":"hello"}`))
	<-handled
	fmt.Println("shutdown:", r.Shutdown(ctx))
	// Output:
	// to Discord: op 3 {"since":null,"activities":[{"name":"the log","type":3}],"status":"online","afk":false}
	// handler: hello
	// shutdown: <nil>
}
