package token_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

var secret = []byte(strings.Repeat("s", 32))

func TestIssue(t *testing.T) {
	now := time.Now()
	signed, err := token.Issue(secret, token.Claims{User: "alice", Tenant: "acme", Scope: "read write", TTL: time.Hour}, now)
	if err != nil {
		t.Fatal(err)
	}
	got := jwt.MapClaims{}
	if _, err := jwt.ParseWithClaims(signed, got, func(*jwt.Token) (any, error) { return secret, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired()); err != nil {
		t.Fatal(err)
	}
	if got["sub"] != "alice" || got["tenant"] != "acme" || got["scope"] != "read write" ||
		got["iat"] != float64(now.Unix()) || got["exp"] != float64(now.Unix()+3600) || len(got) != 5 {
		t.Fatalf("claims %v", got)
	}
	if _, err := jwt.Parse(signed, func(*jwt.Token) (any, error) { return bytes.Repeat([]byte("x"), 32), nil }); err == nil {
		t.Fatal("another secret does not verify it")
	}
}

func TestIssueRefuses(t *testing.T) {
	for name, c := range map[string]token.Claims{
		"user":   {User: "al ice", TTL: time.Hour},
		"nobody": {TTL: time.Hour},
		"tenant": {User: "alice", Tenant: "a/b", TTL: time.Hour},
		"ttl":    {User: "alice"},
	} {
		if signed, err := token.Issue(secret, c, time.Now()); err == nil {
			t.Errorf("%s: %s", name, signed)
		}
	}
	if _, err := token.Issue(nil, token.Claims{User: "alice", TTL: time.Hour}, time.Now()); err == nil {
		t.Error("an empty secret is refused")
	}
}

func TestEnsureSecret(t *testing.T) {
	dir := t.TempDir()
	first, err := token.EnsureSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := base64.StdEncoding.DecodeString(string(first)); err != nil || len(b) != 32 {
		t.Fatalf("%d bytes, error %v", len(b), err)
	}
	again, err := token.EnsureSecret(dir)
	if err != nil || !bytes.Equal(first, again) {
		t.Fatalf("the second time: %t, error %v", bytes.Equal(first, again), err)
	}
	info, err := os.Stat(filepath.Join(dir, token.SecretFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, error %v", info.Mode(), err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Fatalf("%d files, error %v", len(left), err)
	}
	if err := os.WriteFile(filepath.Join(dir, token.SecretFile), []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := token.EnsureSecret(dir); err == nil {
		t.Fatal("a short secret is refused, not replaced")
	}
}
