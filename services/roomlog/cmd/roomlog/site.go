package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/readmodel"
	"github.com/roomlog/roomlog/services/projector"
	"github.com/roomlog/roomlog/services/roomlog/internal/progress"
	"github.com/roomlog/roomlog/services/roomlog/internal/site"
)

// withSite opens an installation that exists for the length of do.
func withSite(ctx context.Context, con console, f site.Flags, client string, do func(*site.Site) error) (err error) {
	s, err := site.Open(ctx, f, site.Options{Client: client, Logger: con.logger})
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
		defer cancel()
		err = errors.Join(err, s.Close(closing))
	}()
	return do(s)
}

// foldAll returns when the tables have what the log has now.
func foldAll(ctx context.Context, con console, s *site.Site, store readmodel.Store) error {
	var meter *progress.Meter
	err := s.Fold(ctx, store, func(done, total int64) {
		if meter == nil {
			meter = progress.Start(con.stderr, "fold", "events", total)
		}
		meter.Set(done)
	})
	if meter != nil {
		meter.Finish()
	}
	return err
}

// withStore is withSite for what reads the tables.
func withStore(
	ctx context.Context, con console, f site.Flags, client string, do func(*site.Site, readmodel.Store) error,
) error {
	return withSite(ctx, con, f, client, func(s *site.Site) (err error) {
		store, err := s.OpenStore(ctx)
		if errors.Is(err, site.ErrNoDatabase) {
			return fmt.Errorf("%w: %w", errUse, err)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		return do(s, store)
	})
}

// withInstallation is withSite for what looks at the versions of the tables, or
// changes them.
func withInstallation(
	ctx context.Context, con console, f site.Flags, client string, do func(*site.Site, projector.Installation) error,
) error {
	return withSite(ctx, con, f, client, func(s *site.Site) (err error) {
		control, err := s.OpenControl(ctx)
		if errors.Is(err, site.ErrNoDatabase) {
			return fmt.Errorf("%w: %w", errUse, err)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, control.Close()) }()
		return do(s, projector.Installation{Log: s.Log.Config, Layout: s.Log.Layout, Control: control, Open: s.OpenVersion})
	})
}
