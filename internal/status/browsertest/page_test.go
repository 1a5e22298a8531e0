package browsertest_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/botwright/botwright/internal/status"
)

var update = flag.Bool("update", false, "write the screenshots to docs/images")

// sizes are the fleets and windows that the page must be good for.
var sizes = []struct {
	name              string
	shards, processes int
	width, height     int64
	trouble           bool
}{
	{"one shard", 1, 1, 1200, 1000, false},
	{"16 shards", 16, 1, 1200, 1000, true},
	{"500 shards", 500, 4, 1200, 1000, true},
	{"phone", 16, 1, 390, 1000, true},
}

func TestPage(t *testing.T) {
	for _, tt := range sizes {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, fleet(tt.shards, tt.processes, tt.trouble))
			b := newBrowser(t, tt.width, tt.height)
			b.open(w.srv.URL)
			if n := eval[int](b, "document.querySelectorAll('.tile').length"); n != tt.shards {
				t.Errorf("%d tiles for %d shards", n, tt.shards)
			}
			if n := eval[int](b, "document.querySelectorAll('.process').length"); n != tt.processes {
				t.Errorf("%d processes, want %d", n, tt.processes)
			}
			headline := map[bool]string{false: "Everything is running", true: "There is a problem"}[tt.trouble]
			if got := b.text("#headline"); got != headline {
				t.Errorf("headline %q", got)
			}
			for _, want := range []string{"Robin", "gateway", "database", "Queued events", "main.onLeaderboard", "profiles"} {
				if !strings.Contains(b.text("body"), want) {
					t.Errorf("the page does not show %q", want)
				}
			}
			if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
				t.Errorf("the page is %d px wider than the window", over)
			}
			if missing := eval[int](b, "[...document.querySelectorAll('button, svg[role=img], input')]"+
				".filter(e => !e.getAttribute('aria-label') && !e.innerText && !e.labels?.length).length"); missing > 0 {
				t.Errorf("%d elements have no name for a screen reader", missing)
			}
			for _, scheme := range []string{"light", "dark"} {
				b.scheme(scheme)
				b.checkContrast()
			}
			b.clean(w.srv.URL)
		})
	}
}

// checkContrast computes the contrast of what is written with what is behind it. 4.5 is what
// WCAG asks for.
func (b *browser) checkContrast() {
	b.t.Helper()
	low := eval[[]string](b, `(() => {
		const rgb = (s) => s.match(/[\d.]+/g).map(Number);
		const part = (v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; };
		const light = (c) => .2126 * part(c[0]) + .7152 * part(c[1]) + .0722 * part(c[2]);
		const behind = (e) => {
			for (; e; e = e.parentElement) {
				const c = rgb(getComputedStyle(e).backgroundColor);
				if (c.length === 3 || c[3] === 1) return c;
			}
			return [255, 255, 255];
		};
		const low = new Set();
		for (const e of document.querySelectorAll("body *")) {
			const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
			if (!own || !e.checkVisibility() || e.closest("script, style, .skip, .visually-hidden, :disabled")) continue;
			const [a, z] = [light(rgb(getComputedStyle(e).color)), light(behind(e))];
			const contrast = (Math.max(a, z) + .05) / (Math.min(a, z) + .05);
			if (contrast < 4.5) low.add(e.tagName + "." + e.className + " " + contrast.toFixed(2));
		}
		return [...low];
	})()`)
	for _, l := range low {
		b.t.Errorf("low contrast: %s", l)
	}
}

func TestLiveUpdate(t *testing.T) {
	w := newWorld(t, fleet(16, 1, false))
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	tile := `document.querySelector('[data-shard="7"]')`
	if look := eval[string](b, tile+".dataset.look"); look != "ready" {
		t.Errorf("shard 7 looks %s", look)
	}
	w.change(func(p *status.Page) {
		p.Processes[0].Shards[7].State = "backoff"
		p.Processes[0].Shards[7].Error = "the network is gone"
		p.Status, p.Totals.Ready = "unhealthy", 15
	})
	b.wait(tile + `.dataset.look === "backoff"`)
	if label := eval[string](b, tile+".getAttribute('aria-label')"); !strings.HasPrefix(label, "Shard 7, waiting to reconnect") {
		t.Errorf("shard 7 is called %q", label)
	}
	if got := b.text("#headline"); got != "There is a problem" {
		t.Errorf("headline %q", got)
	}
	if title := eval[string](b, "document.title"); !strings.HasPrefix(title, "✕") {
		t.Errorf("title %q", title)
	}
	w.change(func(p *status.Page) {
		p.Processes[0].Shards[7].State = "ready"
		p.Status, p.Totals.Ready = "healthy", 16
	})
	b.wait(tile + `.dataset.look === "ready" && document.querySelector("#headline").textContent === "Everything is running"`)
	b.clean(w.srv.URL)
}

func TestFindMyShard(t *testing.T) {
	w := newWorld(t, fleet(500, 4, false))
	w.change(func(p *status.Page) { p.ShardCount = 600 })
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	// 613425648685547541 >> 22 is 146252071544: shard 344 of 600.
	tests := []struct{ input, want, found string }{
		{"613425648685547541", "Server 613425648685547541 is on shard 344 of 600: ready", "344"},
		{"https://discord.com/channels/613425648685547541/7/8", "is on shard 344 of 600: ready", "344"},
		{"https://discord.com/channels/@me/7/8", "Direct messages are on shard 0 of 600", "0"},
		{"2399141888", "is on shard 572 of 600, which another process has", ""},
		{"hello", "neither a server id nor a link", ""},
	}
	for _, tt := range tests {
		b.run(chromedp.SetValue("#find-input", tt.input), chromedp.Click("#find button"))
		if got := b.text("#find-result"); !strings.Contains(got, tt.want) {
			t.Errorf("find %s: %q", tt.input, got)
		}
		if found := eval[string](b, `document.querySelector("[data-found]")?.dataset.shard || ""`); found != tt.found {
			t.Errorf("find %s marks shard %q", tt.input, found)
		}
		if tt.found == "" {
			continue
		}
		if focused := eval[string](b, "document.activeElement.dataset.shard"); focused != tt.found {
			t.Errorf("find %s moves to shard %q", tt.input, focused)
		}
	}
	b.clean(w.srv.URL)
}

func TestKeyboard(t *testing.T) {
	w := newWorld(t, fleet(100, 1, true))
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	focused := func() string {
		return eval[string](b, "document.activeElement.dataset.shard || document.activeElement.id")
	}
	b.run(chromedp.Focus("#find-input"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab))
	if got := focused(); got != "0" {
		t.Fatalf("Tab goes to %q, want the first shard", got)
	}
	columns := eval[int](b, `getComputedStyle(document.querySelector(".tiles")).gridTemplateColumns.split(" ").length`)
	steps := []struct{ key, want string }{
		{kb.ArrowRight, "1"}, {kb.ArrowDown, fmt.Sprint(1 + columns)}, {kb.ArrowUp, "1"},
		{kb.ArrowLeft, "0"}, {kb.ArrowLeft, "0"}, {kb.End, "99"}, {kb.Home, "0"},
	}
	for _, step := range steps {
		b.run(chromedp.KeyEvent(step.key))
		if got := focused(); got != step.want {
			t.Errorf("%q goes to shard %s, want %s", step.key, got, step.want)
		}
	}
	for range 3 {
		b.run(chromedp.KeyEvent(kb.ArrowRight))
	}
	if tip := b.text("#tip"); !strings.Contains(tip, "Shard 3") || !strings.Contains(tip, "connection reset") {
		t.Errorf("the tooltip of shard 3 says %q", tip)
	}
	b.run(chromedp.KeyEvent(kb.Enter))
	b.wait(`document.querySelector("#detail").open && document.querySelector("#detail-body").innerText.includes("48,213")`)
	b.checkContrast()
	b.run(chromedp.KeyEvent(kb.Escape))
	b.wait(`!document.querySelector("#detail").open`)
	if got := focused(); got != "3" {
		t.Errorf("closing the dialog goes to %q", got)
	}
	b.clean(w.srv.URL)
}

func TestRestartButton(t *testing.T) {
	w := newWorld(t, fleet(2, 1, false))
	b := newBrowser(t, 1200, 900)
	b.open(w.srv.URL)
	b.run(chromedp.Evaluate("window.confirm = () => true", nil),
		chromedp.Click(`[data-shard="0"]`, chromedp.ByQuery))
	b.wait(`document.querySelector("#detail-body").innerText.includes("48,213")`) // it has its size
	b.run(chromedp.Click("#detail-restart"))
	b.wait(`document.querySelector("#detail-note").textContent.startsWith("Restarted")`)
	b.wait(`document.querySelector('[data-shard="0"]').dataset.look === "busy"`)
	b.clean(w.srv.URL)
}

// screenshot writes the page as a PNG of few colours, which is a third of the size.
func (b *browser) screenshot(name string) {
	b.t.Helper()
	var shot []byte
	if name == "status-shard" {
		b.run(chromedp.CaptureScreenshot(&shot))
	} else {
		b.run(chromedp.FullScreenshot(&shot, 100))
	}
	full, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		b.t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, paletted(full)); err != nil {
		b.t.Fatal(err)
	}
	file := filepath.Join("..", "..", "..", "docs", "images", name+".png")
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// paletted returns the image in its 256 most frequent colours and what is nearest to them.
func paletted(full image.Image) *image.Paletted {
	counts := make(map[color.Color]int)
	bounds := full.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[full.At(x, y)]++
		}
	}
	colors := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	small := image.NewPaletted(bounds, color.Palette(colors[:min(256, len(colors))]))
	nearest := make(map[color.Color]uint8)
	for c := range counts {
		nearest[c] = uint8(small.Palette.Index(c))
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			small.SetColorIndex(x, y, nearest[full.At(x, y)])
		}
	}
	return small
}
