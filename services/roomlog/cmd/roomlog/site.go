package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/roomlog/roomlog/pkg/readmodel"
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

// withStore is withSite for what reads the tables.
func withStore(
	ctx context.Context, con console, f site.Flags, client string, do func(*site.Site, readmodel.Store) error,
) error {
	return withSite(ctx, con, f, client, func(s *site.Site) error {
		store, err := s.OpenStore(ctx)
		if errors.Is(err, site.ErrNoDatabase) {
			return fmt.Errorf("%w: %w", errUse, err)
		}
		if err != nil {
			return err
		}
		defer store.Close()
		return do(s, store)
	})
}
