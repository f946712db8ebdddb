// Command probe asks one URL and says by its exit code whether the answer was
// a success: 0 for 2xx, 1 for anything else, 2 for wrong use. It is the health
// check of an image that has no shell and no curl.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const patience = 4 * time.Second

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run prints the answer, which tells an operator why a service is not ready.
func run(args []string, stdout, stderr io.Writer) int {
	complain := func(what any) { _, _ = fmt.Fprintln(stderr, "probe:", what) }
	if len(args) != 1 {
		complain("usage: probe URL")
		return 2
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, args[0], nil)
	if err != nil {
		complain(err)
		return 2
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		complain(err)
		return 1
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(stdout, io.LimitReader(answer.Body, 4<<10)) // for people only
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		complain(answer.Status)
		return 1
	}
	return 0
}
