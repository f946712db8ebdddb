// Command cmd writes the reference of the API into a directory.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/roomlog/roomlog/services/chat/api"
	"github.com/roomlog/roomlog/services/chat/internal/reference"
)

func main() {
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "reference:", err)
		os.Exit(1)
	}
}

func write(dir string) error {
	doc, err := reference.Parse(api.YAML)
	if err != nil {
		return err
	}
	pages, err := doc.Pages()
	if err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
