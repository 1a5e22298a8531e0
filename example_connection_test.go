package botwright_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
)

// The gateway connections leave from an address of their own, and need little memory.
func ExampleWithDialer() {
	srv, err := discordtest.New(discordtest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer srv.Close()
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}}
	bot, err := botwright.New(srv.Token, botwright.WithAPI(srv.URL),
		botwright.WithDialer(&websocket.Dialer{NetDialContext: from.DialContext}),
		botwright.WithCompression(botwright.CompressionZlib))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := bot.Open(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(srv.Conn(0).Query().Get("compress"), bot.Shards()[0].State)
	fmt.Println(bot.Shutdown(ctx))
	// Output:
	// zlib-stream ready
	// <nil>
}
