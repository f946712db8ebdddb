package sqlite

import "context"

const (
	// checkpointAt is how many pages of the WAL may wait to be written back: 4 MB, so
	// that nobody who needs the disk meanwhile waits for it for long.
	checkpointAt = 1000
	// restartAt is how many pages the WAL has where it is to begin anew, for which the
	// writer waits: 32 MB.
	restartAt = 8000
	// pagesOfRow is in how many pages of the WAL a row is, about: it is in a tree or
	// two, and pages are split. By it a few commits of a hundred look, which SQLite has
	// to prepare anew each time.
	pagesOfRow = 3
	passive    = "PRAGMA wal_checkpoint(PASSIVE)" // what can be written back without waiting
	noop       = "PRAGMA wal_checkpoint(NOOP)"    // only looks
)

// checkpoint reports how many pages the WAL has when it has run, and how many of
// them wait.
func (c *conn) checkpoint(ctx context.Context, how string) (pages, waiting int64, err error) {
	st, err := c.prepared(how, nil)
	if err != nil {
		return 0, 0, err
	}
	if _, err = st.Step(); err == nil {
		pages = st.ColumnInt64(1)
		waiting = pages - st.ColumnInt64(2) // those written back
	}
	if reset := st.Reset(); err == nil {
		err = reset
	}
	return pages, waiting, cause(ctx, err)
}

// committed has the WAL written back beside the writer, where enough waits for it:
// it looks once what was written since it looked last may be enough. Whoever commits
// has the writer. What fails here is tried again after the next
// commit, and by SQLite itself when the WAL is long.
func (s *Store) committed(ctx context.Context, writer *conn, rows int64) {
	if s.waiting += rows * pagesOfRow; s.waiting < checkpointAt {
		return
	}
	ctx = context.WithoutCancel(ctx)
	_, waiting, err := writer.checkpoint(ctx, noop)
	if err != nil {
		return
	}
	s.waiting = waiting
	if waiting < checkpointAt || !s.checkpointing.CompareAndSwap(false, true) {
		return
	}
	s.background.Go(func() {
		defer s.checkpointing.Store(false)
		_ = s.checkpoint(ctx)
	})
}

// checkpoint writes the WAL back beside the writer. Once it is long, what has come
// meanwhile follows without the writer: else the WAL would never begin anew.
func (s *Store) checkpoint(ctx context.Context) error {
	c, err := s.checkpoints.lend(ctx)
	if err != nil {
		return err
	}
	defer s.checkpoints.put(ctx, c)
	pages, _, err := c.checkpoint(ctx, passive)
	if err != nil || pages < restartAt {
		return err
	}
	writer, err := s.writer.lend(ctx)
	if err != nil {
		return err
	}
	defer s.writer.put(ctx, writer)
	_, _, err = c.checkpoint(ctx, passive)
	return err
}
