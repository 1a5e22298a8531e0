package browsertest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/botwright/botwright/internal/status"
)

// serveEnv has the test's program serve a page instead of testing, so that it can be killed.
const serveEnv = "BROWSERTEST_SERVE"

// process is a bot's page in a process of its own.
func process(t *testing.T) (url string, p *os.Process) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), cmd.Process
}

// serve is the other process.
func serve() int {
	srv, _ := serveWorld(fleet(16, 1, false))
	defer srv.Close()
	fmt.Println(srv.URL)
	select {} // until it is killed
}

// isStale waits until the page says that it is not true any more, and looks at how.
func isStale(b *browser) {
	b.t.Helper()
	began := time.Now()
	b.wait(`document.body.hasAttribute("data-stale")`)
	b.t.Logf("stale after %v", time.Since(began).Round(time.Second))
	b.wait(`/^No data for \d+ s/.test(document.querySelector("#live").innerText)`)
	if got := b.text("#stale"); !strings.Contains(got, "The bot says nothing: this is how it was") {
		b.t.Errorf("the banner says %q", got)
	}
	if title := eval[string](b, "document.title"); !strings.HasPrefix(title, "?") {
		b.t.Errorf("title %q", title)
	}
	if filter := eval[string](b, `getComputedStyle(document.querySelector("#banner")).filter`); !strings.Contains(filter, "grayscale(1)") {
		b.t.Errorf("what was true is shown as %s", filter)
	}
	b.checkContrast()
}

func isLive(b *browser) {
	b.t.Helper()
	b.wait(`!document.body.hasAttribute("data-stale") && document.querySelector("#live").innerText === "Live" &&
		document.querySelector("#stale").hidden`)
}

// A bot that hangs keeps its connections, and says nothing.
func TestStopped(t *testing.T) {
	url, p := process(t)
	b := newBrowser(t, 1200, 900)
	b.open(url)
	isLive(b)
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	isStale(b)
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	isLive(b)
}

func TestKilled(t *testing.T) {
	url, p := process(t)
	b := newBrowser(t, 1200, 900)
	b.open(url)
	isLive(b)
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	isStale(b)
}

// A server that is well, between which and the browser something repeats an old answer.
func TestRepeatedDataIsStale(t *testing.T) {
	w := newWorld(t, fleet(4, 1, false))
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	isLive(b)
	w.freeze()
	isStale(b)
}

// What somebody has selected stays so while figures around it and in it change.
func TestSelectionStays(t *testing.T) {
	w := newWorld(t, fleet(16, 1, true))
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	// From the first check's name to the last alert.
	b.run(chromedp.Evaluate(`getSelection().setBaseAndExtent(
		document.querySelector("#checks .title span").firstChild, 0,
		document.querySelector("#alerts li:last-child p").firstChild, 4)`, nil))
	before := eval[string](b, "getSelection().toString()")
	w.change(func(p *status.Page) {
		p.Checks[0].Message = "backoff: connection refused"
		p.Checks[1].History = append(p.Checks[1].History, "degraded")
		p.Meters[0].Text, p.Meters[0].Used = "5000 of 16384", .3
		p.Processes[0].Shards[7].State = "backoff"
	})
	b.wait(`document.querySelector("#meters").innerText.includes("5000 of")`)
	after := eval[string](b, "getSelection().toString()")
	if len(after) < len(before)*9/10 || !strings.HasPrefix(after, "gateway") || !strings.Contains(after, "5000 of 16384") {
		t.Errorf("selected was\n%s\nand is\n%s", before, after)
	}
}

// With 500 shards an update changes what has changed, and costs a browser next to nothing.
func TestUpdatesTouchLittle(t *testing.T) {
	w := newWorld(t, fleet(500, 4, true))
	w.vary()
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	b.run(performance.Enable())
	before, began := taskTime(b), time.Now()
	const draws = 6
	changes := 0
	b.run(chromedp.Evaluate(fmt.Sprintf(`new Promise((done) => {
		let changes = 0, draws = 0;
		new MutationObserver((all) => {
			changes += all.length;
			if (++draws === %d) done(changes);
		}).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
	})`, draws), &changes, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	spent, took, each := taskTime(b)-before, time.Since(began), changes/draws
	t.Logf("%d changes an update; task time %.2f s a minute", each, spent*60/took.Seconds())
	if each > 60 {
		t.Errorf("%d changes an update", each)
	}
	// On an idle machine it is half a second; a busy one takes longer for the same.
	if most := 5.0; spent*60/took.Seconds() > most {
		t.Errorf("a browser spends %.1f s a minute", spent*60/took.Seconds())
	}
}

// taskTime returns for how long the page's main thread has worked, in seconds.
func taskTime(b *browser) (seconds float64) {
	b.t.Helper()
	b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		metrics, err := performance.GetMetrics().Do(ctx)
		for _, m := range metrics {
			if m.Name == "TaskDuration" {
				seconds = m.Value
			}
		}
		return err
	}))
	return seconds
}

// A check that was bad and is good again, and has yet to be confirmed, is no problem any more.
func TestRecovering(t *testing.T) {
	page := fleet(4, 1, false)
	page.Status = "recovering"
	page.Checks[0].Status, page.Checks[0].Recovering = "unhealthy", true
	page.Checks[0].Message = "ready, no heartbeat yet"
	w := newWorld(t, page)
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	if got := b.text("#headline"); got != "Well again, being confirmed" {
		t.Errorf("headline %q", got)
	}
	if got := b.text("#headline-sub"); !strings.Contains(got, "gateway: was unhealthy, the last run was good") {
		t.Errorf("below it %q", got)
	}
	b.checkContrast()
}

// Without colours, what is worse is higher, and each state of a shard has an edge of its own.
func TestShapes(t *testing.T) {
	w := newWorld(t, fleet(500, 4, true))
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	heights := eval[[]float64](b, `["healthy", "degraded", "unhealthy"].map((s) =>
		Number(document.querySelector("#checks rect." + s).getAttribute("height")))`)
	if heights[0] >= heights[1] || heights[1] >= heights[2] {
		t.Errorf("bars are %v high", heights)
	}
	for _, forced := range []string{"none", "active"} {
		b.forceColors(forced)
		shapes := eval[[]string](b, `["ready", "slow", "busy", "backoff", "fatal"].map((look) => {
			const s = getComputedStyle(document.querySelector(".tile[data-look=" + look + "]"));
			return [s.borderRadius, s.borderBottomStyle, s.borderBottomWidth].join(" ");
		})`)
		seen := make(map[string]bool)
		for _, s := range shapes {
			seen[s] = true
		}
		if len(seen) != len(shapes) {
			t.Errorf("forced colours %s: tiles have the shapes %q", forced, shapes)
		}
	}
	if edge := eval[string](b, `getComputedStyle(document.querySelector(".card")).borderStyle`); edge != "solid" {
		t.Errorf("cards have a %s edge in forced colours", edge)
	}
}
