package token

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

const (
	// SecretFile is the secret's name in a data directory.
	SecretFile = "secret"
	// MinSecret is the shortest secret, in bytes: that of the hash.
	MinSecret = 32
)

// ReadSecret reads a secret from a file: its bytes without the white space around
// them, at least [MinSecret].
func ReadSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the secret: %w", err)
	}
	if b = bytes.TrimSpace(b); len(b) < MinSecret {
		return nil, fmt.Errorf("the secret in %s has %d bytes, at least %d are needed", path, len(b), MinSecret)
	}
	return b, nil
}

// EnsureSecret reads the secret of a data directory, and makes a random one there
// first if it has none: 32 bytes in base64, for its owner's eyes (0600).
func EnsureSecret(dir string) ([]byte, error) {
	path := filepath.Join(dir, SecretFile)
	secret, err := ReadSecret(path)
	if !errors.Is(err, os.ErrNotExist) {
		return secret, err
	}
	random := make([]byte, 32)
	rand.Read(random) //nolint:errcheck // never fails
	text := base64.StdEncoding.EncodeToString(random) + "\n"
	if err := writeNew(dir, path, text); err != nil {
		return nil, fmt.Errorf("write the secret: %w", err)
	}
	return ReadSecret(path)
}

// writeNew writes a file that is there in full or not at all. One that another
// process has made meanwhile stays.
func writeNew(dir, path, text string) error {
	f, err := os.CreateTemp(dir, SecretFile+".*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
