package rebuild

import (
	"errors"
	"iter"
	"testing"

	"github.com/roomlog/roomlog/pkg/readmodel"
)

// equalTables compares two versions row for row and gives the number of rows.
func equalTables(t *testing.T, a, b readmodel.Store) (rows int64) {
	t.Helper()
	nextA, stopA := iter.Pull2(dump(t, a))
	defer stopA()
	nextB, stopB := iter.Pull2(dump(t, b))
	defer stopB()
	for {
		rowA, errA, okA := nextA()
		rowB, errB, okB := nextB()
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if rowA != rowB || okA != okB {
			t.Fatalf("row %d is\n%+v\nin one version and\n%+v\nin the other", rows, rowA, rowB)
		}
		if !okA {
			return rows
		}
		rows++
	}
}

func dump(t *testing.T, s readmodel.Store) iter.Seq2[readmodel.DumpRow, error] {
	stop := errors.New("stop")
	return func(yield func(readmodel.DumpRow, error) bool) {
		err := s.Snapshot(t.Context(), func(r readmodel.Reader) error {
			return r.Dump(t.Context(), func(row readmodel.DumpRow) error {
				if !yield(row, nil) {
					return stop
				}
				return nil
			})
		})
		if err != nil && !errors.Is(err, stop) {
			yield(readmodel.DumpRow{}, err)
		}
	}
}
