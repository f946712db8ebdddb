package token

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/roomlog/roomlog/services/chat"
)

// SecretFile is the secret's name in a data directory.
const SecretFile = "secret"

// ReadSecret reads a secret as the chat API does: a file's bytes without the white
// space around them.
func ReadSecret(path string) (chat.Secret, error) { return chat.ReadSecret(path) }

// EnsureSecret reads the secret of a data directory, and makes a random one there
// first if it has none: 32 bytes in base64, for its owner's eyes (0600).
func EnsureSecret(dir string) (chat.Secret, error) {
	path := filepath.Join(dir, SecretFile)
	secret, err := ReadSecret(path)
	if !errors.Is(err, os.ErrNotExist) {
		return secret, err
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails
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
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
