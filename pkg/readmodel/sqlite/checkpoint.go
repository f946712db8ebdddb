package sqlite

import (
	"context"
	"os"
)

const (
	// checkpointAt is how many pages of the WAL may wait to be written back: 64 MB. A
	// page that is written again and again, as the last one of each room is, is written
	// back once, so fewer checkpoints are less to write.
	checkpointAt = 16000
	// restartAt is how many pages the WAL has where it is to begin anew, for which the
	// writer waits: 128 MB. It is two syncs, 8 ms, that messages wait for which come then.
	restartAt = 2 * checkpointAt
	// writeAt is how many pages of the WAL are handed to the disk at a time: 128 KB, about.
	writeAt = 32
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
	writer.wrote(s.path+"-wal", rows*pagesOfRow)
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

// checkpoint writes the WAL back beside the writer, and as the processor has nothing else
// to do. Once it is long, what has come meanwhile follows, and what is left then, which is
// little, without the writer: else the WAL would never begin anew.
func (s *Store) checkpoint(ctx context.Context) error {
	c, err := s.checkpoints.lend(ctx)
	if err != nil {
		return err
	}
	defer s.checkpoints.put(ctx, c)
	var pages int64
	err = atLowPriority(func() error {
		if pages, _, err = c.checkpoint(ctx, passive); err == nil && pages >= restartAt {
			_, _, err = c.checkpoint(ctx, passive)
		}
		return err
	})
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

// wrote has the disk begin with what commits have put into the WAL. A checkpoint syncs
// all of that, and who waits for the log's sync meanwhile would wait for it too: so little
// is left. Nothing depends on it, so what fails is not told.
func (c *conn) wrote(wal string, pages int64) {
	if c.unwritten += pages; c.unwritten < writeAt {
		return
	}
	c.unwritten = 0
	if c.wal == nil {
		f, err := os.OpenFile(wal, os.O_RDWR, 0)
		if err != nil {
			return
		}
		c.wal = f
	}
	beginWriting(c.wal)
}
