package sqlite

import (
	"fmt"
	"reflect"
)

// rows is the result of a statement.
type rows struct {
	st     *statement
	failed func(error) error
	err    error
	closed bool
}

func (r *rows) Next() bool {
	if r.closed {
		return false
	}
	more, err := r.st.Step()
	if err != nil {
		r.err = r.failed(err)
	}
	if !more {
		r.Close()
	}
	return more
}

// Scan reads the columns, as integers and text, without a look at what they are:
// tables are STRICT.
func (r *rows) Scan(to ...any) error {
	for i, p := range to {
		switch p := p.(type) {
		case *string:
			*p = r.st.ColumnText(i)
		case *int64:
			*p = r.st.ColumnInt64(i)
		case *int:
			*p = r.st.ColumnInt(i)
		case *int32:
			*p = r.st.ColumnInt32(i)
		case *bool:
			*p = r.st.ColumnBool(i)
		default:
			if err := r.assign(i, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// assign reads a column into a type of its own.
func (r *rows) assign(i int, p any) error {
	v := reflect.ValueOf(p)
	if v.Kind() != reflect.Pointer {
		return fmt.Errorf("scan into %T", p)
	}
	switch v = v.Elem(); v.Kind() {
	case reflect.String:
		v.SetString(r.st.ColumnText(i))
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(r.st.ColumnInt64(i))
	default:
		return fmt.Errorf("scan into %T", p)
	}
	return nil
}

func (r *rows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	// A step that fails has reset the statement already, and said why.
	if err := r.st.Reset(); err != nil && r.err == nil {
		r.err = fmt.Errorf("close rows: %w", r.failed(err))
	}
}

func (r *rows) Err() error { return r.err }
