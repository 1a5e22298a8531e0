package natscluster_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/botwright/botwright/contrib/natscluster"
)

func TestServerLacksSomething(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*server.Options)
		want   string
	}{
		"no JetStream":    {func(o *server.Options) { o.JetStream = false }, "start it with -js"},
		"small messages":  {func(o *server.Options) { o.MaxPayload = 32 << 10 }, "set max_payload to 69632"},
		"no such replica": {func(o *server.Options) {}, "prepare the NATS bucket botwright"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, c.change)
			_, err := natscluster.Connect(within(t), s.url(), natscluster.Config{Replicas: 3})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// TestOldServer has a program answer that speaks enough of the protocol to be version 2.10.
func TestOldServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(conn, `INFO {"version":"2.10.22","headers":true,"max_payload":1048576}`+"\r\n")
		var sid string
		for in := bufio.NewScanner(conn); in.Scan(); {
			words := strings.Fields(in.Text())
			switch {
			case len(words) == 0:
			case words[0] == "PING":
				fmt.Fprint(conn, "PONG\r\n")
			case words[0] == "SUB":
				sid = words[len(words)-1]
			case words[0] == "PUB" && words[1] == "$JS.API.INFO":
				answer := `{"type":"io.nats.jetstream.api.v1.account_info_response"}`
				fmt.Fprintf(conn, "MSG %s %s %d\r\n%s\r\n", words[2], sid, len(answer), answer)
			}
		}
	}()
	_, err = natscluster.Connect(within(t), "nats://"+l.Addr().String(), natscluster.Config{})
	if err == nil || !strings.Contains(err.Error(), "2.10.22 is too old: keys that expire need 2.11") {
		t.Errorf("%v", err)
	}
	l.Close()
	<-served
}

func TestErrorsHideCredentials(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(o *server.Options) { o.Username, o.Password = "u", "p" })
	addr := strings.TrimPrefix(s.url(), "nats://")
	for _, url := range []string{
		"nats://user:s3cret@" + addr, "nats://s3cret@" + addr, "nats://user:s3cret%zz@" + addr,
		"user:s3cret@" + addr + "x", "nats://user:a@b@s3cret@" + addr,
		"nats://user:s3cret@127.0.0.1:1,nats://user:s3cret\x7f@" + addr,
	} {
		_, err := natscluster.Connect(within(t), url, natscluster.Config{})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("connect: %v", err)
		} else {
			t.Log(err)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	_, err := natscluster.Connect(within(t), "nats://127.0.0.1:1",
		natscluster.Config{Name: "my.bot", Replicas: 7})
	if err == nil || !strings.Contains(err.Error(), "my.bot") || !strings.Contains(err.Error(), "7") {
		t.Errorf("%v", err)
	}
}

// TestGoModNamesARelease holds the module against what a user's go get needs: the version of the
// root that is released with it, since the replacement is for this tree alone.
func TestGoModNamesARelease(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	const want = `(?m)^\s*(require )?github\.com/botwright/botwright v\d+\.\d+\.\d+$`
	found := regexp.MustCompile(want).FindString(string(mod))
	if found == "" || strings.HasSuffix(found, " v0.0.0") {
		t.Errorf("go.mod requires no release of the root: %q", found)
	}
}

func TestOwnConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	nc, err := nats.Connect(s.url())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := natscluster.New(within(t), nc, natscluster.Config{}); err == nil {
		t.Error("a connection that gives up: no error")
	}
	nc.Close()
	if nc, err = nats.Connect(s.url(), nats.MaxReconnects(-1)); err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	c, err := natscluster.New(within(t), nc, natscluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	put(t, c, "a", "1", 0)
	c.Close()
	if nc.IsClosed() {
		t.Error("Close closes a connection that is not its own")
	}
}
