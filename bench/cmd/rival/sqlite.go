package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	_ "modernc.org/sqlite"
)

// sqlite has one connection that writes, as SQLite has one writer, and some that read.
type sqlite struct {
	writer, reader *sql.DB
	put, list      *sql.Stmt
}

func openSQLite(ctx context.Context, path string, readers int) (*sqlite, error) {
	// It syncs in a call that blocks: with one processor, as it is measured, all would
	// stand still meanwhile.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	address := "file:" + path + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
	s := new(sqlite)
	var err error
	if s.writer, err = sql.Open("sqlite", address); err != nil {
		return nil, err
	}
	s.writer.SetMaxOpenConns(1)
	if s.reader, err = sql.Open("sqlite", address); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if err := errors.Join(s.migrate(ctx), s.prepare(ctx)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *sqlite) migrate(ctx context.Context) error {
	_, err := s.writer.ExecContext(ctx, `
CREATE TABLE IF NOT EXISTS messages (
	id         INTEGER PRIMARY KEY,
	room       INTEGER NOT NULL,
	author     TEXT NOT NULL,
	body       TEXT NOT NULL,
	created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_room ON messages (room, id)`)
	return err
}

func (s *sqlite) prepare(ctx context.Context) (err error) {
	s.put, err = s.writer.PrepareContext(ctx, `INSERT INTO messages (room, author, body, created_at) VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	s.list, err = s.reader.PrepareContext(ctx, `SELECT id, room, author, body, created_at FROM messages WHERE room = ? ORDER BY id DESC LIMIT ?`)
	return err
}

func (s *sqlite) insert(ctx context.Context, m *message) error {
	result, err := s.put.ExecContext(ctx, m.Room, m.Author, m.Text, m.At.UnixNano())
	if err != nil {
		return err
	}
	m.ID, err = result.LastInsertId()
	return err
}

func (s *sqlite) page(ctx context.Context, room int64, limit int) (all []message, err error) {
	rows, err := s.list.QueryContext(ctx, room, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var m message
		var at int64
		if err := rows.Scan(&m.ID, &m.Room, &m.Author, &m.Text, &at); err != nil {
			return nil, err
		}
		m.At = time.Unix(0, at)
		all = append(all, m)
	}
	return all, rows.Err()
}

func (s *sqlite) ids(ctx context.Context, out io.Writer) (err error) {
	rows, err := s.reader.QueryContext(ctx, `SELECT id FROM messages`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	lines := bufio.NewWriter(out)
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(lines, id); err != nil {
			return err
		}
	}
	return errors.Join(rows.Err(), lines.Flush())
}

func (s *sqlite) close() error { return errors.Join(s.writer.Close(), s.reader.Close()) }
