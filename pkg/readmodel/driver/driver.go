// Package driver opens the read model that an address names, so that programs
// do not ask which kind of store it is.
package driver

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/roomlog/roomlog/pkg/crashpoint"
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
	// Existing opens what exists, to write, and makes nothing:
	// [readmodel.ErrNoProjection] where the version has no tables.
	Existing bool
	// MaxConns is how many snapshots and batches may be open at a time; zero:
	// the store's default.
	MaxConns int
	Logger   *slog.Logger
	// Fault is asked before each statement of Claim and Fold, and each step of a
	// cut-over; nil: those of package crashpoint. See the stores' Fault.
	Fault func(statement string) error
}

// Open opens the store of one version. Errors have no password of the address in
// them.
func Open(ctx context.Context, cfg Config) (readmodel.Store, error) {
	if cfg.Fault == nil {
		cfg.Fault = crashpoint.Fault("tables")
	}
	return open(cfg, "read model",
		func() (readmodel.Store, error) { return postgres.Open(ctx, cfg.postgres()) },
		func() (readmodel.Store, error) { return sqlite.Open(ctx, cfg.sqlite()) })
}

// OpenLive opens a store that reads the version that is live at each snapshot; its
// Claim and Fold give [readmodel.ErrReadOnly]. It makes and migrates what is missing
// unless it is ReadOnly.
func OpenLive(ctx context.Context, cfg Config) (readmodel.Store, error) {
	return open(cfg, "live read model",
		func() (readmodel.Store, error) { return postgres.OpenLive(ctx, cfg.postgres()) },
		func() (readmodel.Store, error) { return sqlite.OpenLive(ctx, cfg.sqlite()) })
}

// OpenControl opens the control of versions, and makes it, with the tables of
// version 1, where there is none; a version 1 that is there becomes the live one.
func OpenControl(ctx context.Context, cfg Config) (readmodel.Control, error) {
	if cfg.Fault == nil {
		cfg.Fault = crashpoint.Fault("control")
	}
	return open(cfg, "control",
		func() (readmodel.Control, error) { return postgres.OpenControl(ctx, cfg.postgres()) },
		func() (readmodel.Control, error) { return sqlite.OpenControl(ctx, cfg.sqlite()) })
}

func open[T any](cfg Config, what string, server, directory func() (T, error)) (opened T, err error) {
	var none T
	scheme, _, isURL := strings.Cut(cfg.Address, "://")
	switch {
	case cfg.Address == "":
		return none, fmt.Errorf("open the %s: no address", what)
	case scheme == "postgres" || scheme == "postgresql":
		opened, err = server()
	case isURL:
		return none, fmt.Errorf("open the %s: the address begins with %.20q; known are postgres:// and directories", what, scheme+"://")
	default:
		opened, err = directory()
	}
	if err != nil {
		return none, err // not a nil pointer in an interface
	}
	return opened, nil
}

func (c *Config) postgres() postgres.Config {
	return postgres.Config{
		URL: c.Address, Version: c.Version, ReadOnly: c.ReadOnly, Existing: c.Existing,
		MaxConns: c.MaxConns, Logger: c.Logger, Fault: c.Fault,
	}
}

func (c *Config) sqlite() sqlite.Config {
	return sqlite.Config{
		Dir: c.Address, Version: c.Version, ReadOnly: c.ReadOnly, Existing: c.Existing,
		Readers: c.MaxConns, Logger: c.Logger, Fault: c.Fault,
	}
}
