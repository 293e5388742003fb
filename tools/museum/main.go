// Command museum keeps wrong versions of Hefu and shows that the tests catch each one:
//
//	go run ./tools/museum           all exhibits
//	go run ./tools/museum -run fence   those whose name matches
//
// An exhibit (exhibits.go) is a mistake that people have made or would make, as a text of
// a file and what stands there instead. It is compiled in with go test -overlay: no file
// of the repository is changed. Before the exhibits the same tests must pass as they are.
// Exit code 1 when a text is not there exactly once, does not compile, or is not caught.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

var errNotGood = errors.New("not every exhibit is caught")

func main() {
	var only string
	var list bool
	flag.StringVar(&only, "run", "", "only exhibits whose name matches this regular expression")
	flag.BoolVar(&list, "list", false, "print the exhibits and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, only, list)
	if err != nil && !errors.Is(err, errNotGood) {
		fmt.Fprintln(os.Stderr, "museum:", err)
	}
	if err != nil {
		os.Exit(1)
	}
}

func run(ctx context.Context, only string, list bool) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	shown := slices.DeleteFunc(exhibits(), func(x exhibit) bool { return !match.MatchString(x.name) })
	if list {
		for _, x := range shown {
			fmt.Printf("%s: %s\n", x.name, x.why)
		}
		return nil
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := asTheyAre(ctx, root, shown); err != nil {
		return err
	}
	good := hang(ctx, root, shown)
	fmt.Printf("%d of %d wrong versions are caught, %s\n", good, len(shown), time.Since(began).Round(time.Second))
	if good < len(shown) {
		return errNotGood
	}
	return ctx.Err()
}

// asTheyAre runs all tests of the exhibits on the unchanged code: a test that fails
// anyway catches nothing, and neither does one that is skipped.
func asTheyAre(ctx context.Context, root string, shown []exhibit) error {
	tests := map[string][]string{}
	for _, x := range shown {
		if !slices.Contains(tests[x.pkg], x.tests) {
			tests[x.pkg] = append(tests[x.pkg], x.tests)
		}
	}
	for pkg, patterns := range tests {
		r, err := goTest(ctx, root, "", pkg, strings.Join(patterns, "|"))
		switch {
		case err != nil:
			return err
		case !r.built || len(r.failed) > 0 || len(r.skipped) > 0 || r.passed == 0:
			return fmt.Errorf("%s: the unchanged code must pass %s first: %s", pkg, patterns, r)
		}
	}
	return nil
}

// hang runs the exhibits, more at a time than there are processors, since many a wrong
// version is caught by a test that waits in vain; prints them in their order, and counts
// those that are caught.
func hang(ctx context.Context, root string, shown []exhibit) (good int) {
	lines := make([]chan string, len(shown))
	places := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	var mu sync.Mutex
	for i, x := range shown {
		lines[i] = make(chan string, 1)
		go func() {
			places <- struct{}{}
			defer func() { <-places }()
			line, caught := x.show(ctx, root)
			mu.Lock()
			if caught {
				good++
			}
			mu.Unlock()
			lines[i] <- line
		}()
	}
	for _, l := range lines {
		fmt.Println(<-l)
	}
	return good
}
