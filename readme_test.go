package botwright_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/botwright/botwright/discordtest"
)

// readmeProgram returns the first program in the README.
func readmeProgram(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```go\n")
	program, _, closed := strings.Cut(rest, "```")
	if !found || !closed || !strings.HasPrefix(program, "package main") {
		t.Fatal("the README does not begin with a program")
	}
	if n := strings.Count(program, "\n"); n > 35 {
		t.Errorf("the program has %d lines, want at most 35", n)
	}
	return program
}

// TestReadmeProgram builds the first program in the README, and runs it in a fake Discord: the
// only thing that it is told beside its token is where that is.
func TestReadmeProgram(t *testing.T) {
	t.Parallel()
	const option = "botwright.WithCommands(ping)"
	program := strings.Replace(readmeProgram(t), option,
		option+`, botwright.WithAPI(os.Getenv("DISCORD_API_URL"))`, 1)
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "bot")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source).CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	checkLinked(t, binary)
	srv := newServer(t, discordtest.Config{})
	bot := exec.CommandContext(testContext(t), binary)
	bot.Env = append(os.Environ(), "DISCORD_TOKEN="+srv.Token, "DISCORD_API_URL="+srv.URL)
	var output bytes.Buffer
	bot.Stdout, bot.Stderr = &output, &output
	if err := bot.Start(); err != nil {
		t.Fatal(err)
	}
	usePing(t, srv)
	stop := os.Interrupt
	if runtime.GOOS == "windows" { // it has no signals for other processes
		stop = os.Kill
	}
	if err := bot.Process.Signal(stop); err != nil {
		t.Error(err)
	}
	if err := bot.Wait(); err != nil && stop == os.Interrupt {
		t.Errorf("the program ended with %v:\n%s", err, &output)
	}
	if strings.Contains(output.String(), "WARN") {
		t.Errorf("the program warns:\n%s", &output)
	}
}

// checkLinked looks for what a bot without WithAdmin does not need. Templates call methods by name,
// for which the linker keeps all methods there are.
func checkLinked(t *testing.T, binary string) {
	t.Helper()
	symbols, err := exec.CommandContext(t.Context(), "go", "tool", "nm", binary).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, unwanted := range []string{"text/template.(*state).evalField", "promhttp.HandlerFor"} {
		if strings.Contains(string(symbols), unwanted) {
			t.Errorf("the program is linked with %s, which is only for the status page", unwanted)
		}
	}
}

// usePing waits until there is a command /ping and uses it.
func usePing(t *testing.T, srv *discordtest.Server) {
	t.Helper()
	ctx := testContext(t)
	registered := func() bool { return len(srv.RegisteredCommands("")) == 1 }
	if err := srv.Wait(ctx, registered); err != nil {
		t.Error(err)
		return
	}
	g := srv.Guilds()[0]
	m, err := srv.SlashCommand(g.ID, g.Channels[0].ID, g.Members[0].User.ID, "ping").Message(ctx)
	if err != nil {
		t.Error(err)
	} else if m.Content != "pong" {
		t.Errorf("the answer to /ping is %q", m.Content)
	}
}
