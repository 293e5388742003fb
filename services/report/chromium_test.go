package report_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/hefu-io/hefu/services/report/reporttest"
)

// browser starts Chromium, which HEFU_TEST_CHROMIUM names, or which is looked for with "launch".
func browser(t *testing.T) context.Context {
	t.Helper()
	path := os.Getenv("HEFU_TEST_CHROMIUM")
	if path == "" {
		t.Skip("HEFU_TEST_CHROMIUM is not set")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	if path != "launch" {
		options = append(options, chromedp.ExecPath(path))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, end := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(end)
	ctx, end = chromedp.NewContext(ctx)
	t.Cleanup(end)
	return ctx
}

// open shows a page that is so wide.
func open(ctx context.Context, t *testing.T, html string, width int64) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: file}).String())); err != nil {
		t.Fatal(err)
	}
}

func ask[T any](ctx context.Context, t *testing.T, script string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// keepPicture leaves one to be looked at: go test -artifacts -outputdir DIR.
func keepPicture(t *testing.T, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestChromiumScreen looks at the page on a desk and on a phone: nothing is wider than the
// screen, every section is there to be seen, and every window of the timeline has a width.
func TestChromiumScreen(t *testing.T) {
	ctx := browser(t)
	for name, html := range map[string]string{"rich": page(t, verified(t, reporttest.Rich(t))), "large": page(t, verified(t, reporttest.Large(t)))} {
		for _, width := range []int64{1280, 390} {
			open(ctx, t, html, width)
			if got := ask[int64](ctx, t, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s at %d px is %d px wide", name, width, got)
			}
			if n := ask[int64](ctx, t, `[...document.querySelectorAll('section')].filter(s => s.offsetHeight > 40 && s.innerText.length > 12).length`); n != int64(len(sections())) {
				t.Errorf("%s at %d px: %d sections can be seen, want %d", name, width, n, len(sections()))
			}
			if n := ask[int64](ctx, t, `[...document.querySelectorAll('.track rect')].filter(r => r.getBoundingClientRect().width < 1).length`); n > 0 {
				t.Errorf("%s at %d px: %d runs of windows are too narrow to be seen", name, width, n)
			}
			if n := ask[int64](ctx, t, `[...document.querySelectorAll('.track span, .verdict, pre')].filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0).length`); n > 0 {
				t.Errorf("%s at %d px: %d texts are cut off", name, width, n)
			}
			picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			keepPicture(t, fmt.Sprintf("%s-%d.png", name, width), picture)
		}
	}
}

// TestChromiumPaper prints it: on A4, on so many pages as somebody will read.
func TestChromiumPaper(t *testing.T) {
	ctx := browser(t)
	for name, c := range map[string]struct {
		e    *reporttest.Example
		most int
	}{"rich": {reporttest.Rich(t), 12}, "large": {reporttest.Large(t), 10}} {
		open(ctx, t, page(t, verified(t, c.e)), 1280)
		pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
		if err != nil {
			t.Fatal(err)
		}
		keepPicture(t, name+".pdf", pdf)
		if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); n < 3 || n > c.most {
			t.Errorf("%s takes %d pages, want 3 to %d", name, n, c.most)
		}
		for _, box := range regexp.MustCompile(`/MediaBox\s*\[([^\]]*)\]`).FindAllStringSubmatch(string(pdf), -1) {
			var x, y, w, h float64
			if _, err := fmt.Sscan(box[1], &x, &y, &w, &h); err != nil || w < 594 || w > 597 || h < 840 || h > 843 {
				t.Errorf("%s: a page of %s points, not A4 (%v)", name, box[1], err)
			}
		}
	}
}
