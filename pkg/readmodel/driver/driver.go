// Package driver opens the read model that an address names, so that programs
// do not ask which kind of store it is.
package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/pkg/readmodel/postgres"
	"github.com/roomlog/roomlog/pkg/readmodel/sqlite"
)

// Config says which read model to open, and how.
type Config struct {
	// Address is a postgres:// URL, or a directory for SQLite's files.
	Address string
	// Version of the projection; zero is [readmodel.DefaultVersion].
	Version int
	// ReadOnly opens what exists, without migrating it; Claim and Fold fail.
	ReadOnly bool
	// MaxConns is how many snapshots and batches may be open at a time; zero:
	// the store's default.
	MaxConns int
	Logger   *slog.Logger
}

// Open opens the store. Errors have no password of the address in them.
func Open(ctx context.Context, cfg Config) (readmodel.Store, error) {
	scheme, _, isURL := strings.Cut(cfg.Address, "://")
	switch {
	case cfg.Address == "":
		return nil, errors.New("open the read model: no address")
	case scheme == "postgres" || scheme == "postgresql":
		s, err := postgres.Open(ctx, postgres.Config{
			URL: cfg.Address, Version: cfg.Version, ReadOnly: cfg.ReadOnly, MaxConns: cfg.MaxConns, Logger: cfg.Logger,
		})
		if err != nil {
			return nil, err
		}
		return s, nil
	case isURL:
		return nil, fmt.Errorf("open the read model: the address begins with %.20q; known are postgres:// and directories", scheme+"://")
	}
	s, err := sqlite.Open(ctx, sqlite.Config{
		Dir: cfg.Address, Version: cfg.Version, ReadOnly: cfg.ReadOnly, Readers: cfg.MaxConns, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}
