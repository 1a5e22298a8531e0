package botwright_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/botwright/botwright"
	"github.com/botwright/botwright/discordtest"
	"github.com/botwright/botwright/internal/testkit"
)

func TestProfilerDo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &testkit.Log{}
		p := botwright.NewProfiler(botwright.ProfilerConfig{Logger: log.Text()})
		fail := errors.New("failed")
		do := func(took time.Duration, err error) {
			t.Helper()
			got := p.Do(t.Context(), "save", func(ctx context.Context) error {
				if label, _ := pprof.Label(ctx, "operation"); label != "save" {
					t.Errorf("label %q", label)
				}
				time.Sleep(took)
				return err
			})
			if !errors.Is(got, err) {
				t.Errorf("error %v, want %v", got, err)
			}
		}
		for range 98 {
			do(time.Second, nil)
		}
		do(4*time.Second, fail)
		if log.String() != "" {
			t.Errorf("what is fast was logged: %s", log.String())
		}
		do(6*time.Second, nil)
		s := p.Snapshot()[0]
		if s.Name != "save" || s.Count != 100 || s.Errors != 1 || s.Slow != 1 || s.Running != 0 ||
			s.Total != 108*time.Second || s.Max != 6*time.Second {
			t.Errorf("%+v", s)
		}
		for _, p := range []struct{ got, exact time.Duration }{
			{s.P50, time.Second}, {s.P95, time.Second}, {s.P99, 4 * time.Second}} {
			if p.got < p.exact || p.got > p.exact*107/100 {
				t.Errorf("percentile %v, want %v", p.got, p.exact)
			}
		}
		for _, want := range []string{
			`msg="operation is slow" operation=save running_for=5s`,
			`msg="slow operation ended" operation=save took=6s`,
		} {
			if strings.Count(log.String(), want) != 1 {
				t.Errorf("the log has not once %s:\n%s", want, log.String())
			}
		}
	})
}

func TestProfilerMeasuresAllocations(t *testing.T) {
	p := botwright.NewProfiler(botwright.ProfilerConfig{})
	err := p.Do(t.Context(), "grow", func(context.Context) error {
		ballast = make([]byte, 10<<20)
		return nil
	})
	ballast = nil
	if s := p.Snapshot()[0]; err != nil || s.AllocatedBytes < 10<<20 {
		t.Errorf("%d bytes allocated, %v", s.AllocatedBytes, err)
	}
}

var ballast []byte

func TestProfilerPanic(t *testing.T) {
	t.Parallel()
	p := botwright.NewProfiler(botwright.ProfilerConfig{})
	wantPanic(t, "it broke", func() {
		_ = p.Do(t.Context(), "x", func(context.Context) error { panic("it broke") })
	})
	if s := p.Snapshot()[0]; s.Errors != 1 || s.Count != 1 || s.Running != 0 {
		t.Errorf("%+v", s)
	}
}

// TestProfilerCapturesWhatIsSlow wants a capture that was made while the operation was stuck.
// It does not run beside others: a process has one flight recorder.
func TestProfilerCapturesWhatIsSlow(t *testing.T) {
	srv := newServer(t, discordtest.Config{})
	log, dir := &testkit.Log{}, filepath.Join(t.TempDir(), "captures")
	bot := newBot(t, srv, botwright.WithLogger(log.Text()), botwright.WithProfiler(
		botwright.ProfilerConfig{Slow: time.Millisecond, CaptureDir: dir, CPUProfile: -1}))
	release := make(chan bool)
	botwright.On(bot, func(ctx context.Context, _ *discordgo.Session, _ *discordgo.MessageCreate) error {
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	open(t, bot)
	for _, g := range srv.Guilds() { // whose events do not wait for each other
		if _, err := srv.Say(g.Channels[0].ID, g.Members[0].User.ID, "hi"); err != nil {
			t.Fatal(err)
		}
	}
	stuck := len(srv.Guilds())
	poll(t, func() bool {
		all := bot.Profiler().Snapshot()
		return len(all) == 1 && all[0].Slow == uint64(stuck)
	})
	poll(t, func() bool { return strings.Count(log.String(), "slow event handler") == 1 })
	poll(t, func() bool { return strings.Contains(log.String(), "captured what a slow operation") })
	close(release)
	poll(t, func() bool { return strings.Count(log.String(), "slow event handler") == 2 }) // the end
	for _, twice := range []string{"operation is slow", "slow operation ended"} {
		if strings.Contains(log.String(), twice) {
			t.Errorf("the profiler logs %q of a handler, too", twice)
		}
	}
	captures, err := os.ReadDir(dir)
	if err != nil || len(captures) != 1 { // of several slow handlers within five minutes
		t.Fatalf("captures %v, %v; want one", captures, err)
	}
	dump, err := os.ReadFile(filepath.Join(dir, captures[0].Name(), "goroutines.txt"))
	if err != nil || !strings.Contains(string(dump), "(*Profiler).do(") {
		t.Errorf("the capture does not show the operation: %v\n%s", err, dump)
	}
	trace, err := os.Stat(filepath.Join(dir, captures[0].Name(), "trace.out"))
	if err != nil || trace.Size() == 0 {
		t.Errorf("trace: %v, %v", trace, err)
	}
	var names []string
	for _, s := range bot.Profiler().Snapshot() {
		names = append(names, s.Name)
	}
	if want := []string{"botwright_test.TestProfilerCapturesWhatIsSlow.func1"}; !slices.Equal(names, want) {
		t.Errorf("operations %q, want %q", names, want)
	}
}

func TestProfilerWithoutARecorder(t *testing.T) {
	t.Parallel()
	log := &testkit.Log{}
	p := botwright.NewProfiler(botwright.ProfilerConfig{
		CaptureDir: t.TempDir(), CPUProfile: -1, Logger: log.Text()})
	dir, err := p.Capture(t.Context()) // Run does not run
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "heap.pprof")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "trace.out")); err == nil {
		t.Error("there is a trace that nobody recorded")
	}
}

func TestProfilerHasNowhereToCapture(t *testing.T) {
	t.Parallel()
	p := botwright.NewProfiler(botwright.ProfilerConfig{})
	if _, err := p.Capture(t.Context()); err == nil || !strings.Contains(err.Error(), "CaptureDir") {
		t.Errorf("error %v does not say what is missing", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.Run(ctx) // returns
}

func TestProfilerMiddleware(t *testing.T) {
	t.Parallel()
	p := botwright.NewProfiler(botwright.ProfilerConfig{MaxNames: 2})
	fail := errors.New("failed")
	h := p.Middleware()(func(context.Context, *botwright.Event) error { return fail })
	for _, eventType := range []string{"MESSAGE_CREATE", "TYPING_START", "GUILD_CREATE"} {
		if err := h(t.Context(), botwright.SomeEvent(eventType, `{}`)); !errors.Is(err, fail) {
			t.Errorf("error %v is not the handler's", err)
		}
	}
	s := p.Snapshot()
	if len(s) != 2 || s[0].Name != "MESSAGE_CREATE" || s[1].Name != "other" || s[1].Errors != 2 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkProfilerDo(b *testing.B) {
	p := botwright.NewProfiler(botwright.ProfilerConfig{})
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Do(ctx, "work", func(context.Context) error { return nil })
	}
}
