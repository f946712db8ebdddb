package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/roomlog/roomlog/pkg/events"
	"github.com/roomlog/roomlog/services/roomlog/internal/token"
)

type tokenCommand struct {
	User       string        `arg:"" help:"The person: 1 to 128 characters of A-Z a-z 0-9 . _ ~ - : @"`
	Data       string        `help:"Data directory whose secret signs the token." default:"data" type:"path"`
	SecretFile string        `name:"secret-file" help:"File with the secret, in the place of --data." type:"path" placeholder:"FILE"`
	Scope      string        `help:"What the token may do: read, write, service (read, write and act for others: Roomlog-Act-As), with spaces between; empty: read and write."`
	Tenant     string        `help:"The person's tenant." default:"main"`
	TTL        time.Duration `help:"How long the token is valid." default:"24h"`
}

// Help is shown below the flags' list.
func (tokenCommand) Help() string {
	return `Example:
  export TOKEN=$(roomlog token alice --data data)
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8080/v1/me`
}

// Run prints the token.
func (c tokenCommand) Run(con console) error {
	path := c.SecretFile
	if path == "" {
		path = filepath.Join(c.Data, token.SecretFile)
	}
	secret, err := token.ReadSecret(path)
	if err != nil {
		return fmt.Errorf("%w; roomlog run makes one in its --data, or name a --secret-file", err)
	}
	signed, err := token.Issue(secret, token.Claims{
		User: events.UserID(c.User), Tenant: events.Tenant(c.Tenant), Scope: c.Scope, TTL: c.TTL,
	}, time.Now())
	if err != nil {
		return fmt.Errorf("%w: %w", errUse, err)
	}
	return con.print("%s\n", signed)
}
