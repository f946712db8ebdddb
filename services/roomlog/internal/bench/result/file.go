package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Read reads a file of records.
func Read(path string) (all []Record, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	for d := json.NewDecoder(f); ; {
		var r Record
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return all, nil
		case err != nil:
			return all, fmt.Errorf("%s: record %d: %w", path, len(all)+1, err)
		}
		all = append(all, r)
	}
}

// File takes records, each as soon as it is known.
type File struct {
	f *os.File
	e *json.Encoder
}

// Create makes a file, and its directory, in the place of what is there, or goes on behind that.
func Create(path string, goOn bool) (*File, error) {
	flags := os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	if goOn {
		flags = os.O_CREATE | os.O_WRONLY | os.O_APPEND
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, flags, 0o644)
	if err != nil {
		return nil, err
	}
	return &File{f, json.NewEncoder(f)}, nil
}

// Add writes a record.
func (f *File) Add(r Record) error { return f.e.Encode(r) }

// Close ends the file.
func (f *File) Close() error { return f.f.Close() }
