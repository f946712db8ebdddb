package sqlite

import "context"

// CheckpointAt is how many pages of the WAL may wait, RestartAt how many it has before
// it begins anew.
const (
	CheckpointAt = checkpointAt
	RestartAt    = restartAt
)

// Waiting is how many pages wait in the WAL, once what is written back beside the
// writer is.
func (s *Store) Waiting(ctx context.Context) (int64, error) {
	s.background.Wait()
	c, err := s.writer.take(ctx)
	if err != nil {
		return 0, err
	}
	defer s.writer.put(ctx, c)
	_, waiting, err := c.checkpoint(ctx, noop)
	return waiting, err
}
