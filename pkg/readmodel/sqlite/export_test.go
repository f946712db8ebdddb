package sqlite

import "context"

// CheckpointAt is how many pages of the WAL may wait.
const CheckpointAt = checkpointAt

// Waiting is how many pages wait in the WAL, once what is written back beside the
// writer is.
func (s *Store) Waiting(ctx context.Context) (pages int64, err error) {
	s.background.Wait()
	c, err := s.writer.take(ctx)
	if err != nil {
		return 0, err
	}
	defer s.writer.put(ctx, c)
	return c.checkpoint(ctx, noop)
}
