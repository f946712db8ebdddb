package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
)

const (
	journalFile = "journal" // below Config.Dir
	// journalMost is how long it gets. When it is full all segments are synced, and it
	// begins anew.
	journalMost = 16 << 20
	// journalStep is by how much it grows.
	journalStep = 1 << 20
	// blockKept is how much memory is kept for the next block.
	blockKept = 1 << 20
)

// journal is a file that has what segments have got since they were synced themselves.
// A round writes one block of it for all that has grown, and syncs one file in the place
// of one for each partition. The block lies over zeros, or over blocks that nobody needs
// any more: the file does not grow with it, so a sync has its bytes to write, and no size.
//
// A block is a head, which has the checksum (CRC-32C) of all behind it, how many bytes
// follow the head, and the generation of the journal; then pieces of segments. A piece is
// the length of the name of a partition's directory, the base of a segment, the place in
// its file, the number of bytes, the name, and the bytes. All numbers are big-endian.
// Blocks follow each other from the begin of the file; the first one that is not whole,
// or of another generation, is none.
type journal struct {
	file *os.File
	disk disk
	most int64

	generation uint64 // by chance, so that no older block is taken for one of it
	length     int64  // of the file
	at         int64  // where the next block goes
	block      []byte // what the next block has until now
}

// Places in the head of a block, and its size; the same of a piece.
const (
	atBlockLength     = 4
	atBlockGeneration = 8
	blockHead         = 16

	atPieceBase = 2
	atPieceFrom = 10
	atPieceSize = 18
	pieceHead   = 22
)

// piece says which bytes of which segment.
type piece struct {
	partition        string // the name of its directory
	base, from, size int64  // the segment, and where in its file
}

// length is how much of a block it takes.
func (p piece) length() int64 { return pieceHead + int64(len(p.partition)) + p.size }

func openJournal(dir string, d disk, most int64) (*journal, error) {
	f, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &journal{file: f, disk: d, most: most, generation: rand.Uint64()}
	if j.length, err = f.Seek(0, io.SeekEnd); err == nil {
		err = d.syncDir(dir)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("journal: %w", err), f.Close())
	}
	return j, nil
}

// each calls f for each piece and its bytes, in the order in which they were written.
func (j *journal) each(f func(piece, []byte) error) error {
	left := make([]byte, j.length)
	if _, err := j.file.ReadAt(left, 0); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	var generation uint64
	for first := true; ; first = false {
		block, ok := cutBlock(left)
		if !ok {
			return nil
		}
		g := binary.BigEndian.Uint64(block[atBlockGeneration:])
		if first {
			generation = g
		} else if g != generation {
			return nil
		}
		if err := eachPiece(block[blockHead:], f); err != nil {
			return err
		}
		left = left[len(block):]
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// cutBlock gives the block that b begins with, where it is whole.
func cutBlock(b []byte) (block []byte, ok bool) {
	if len(b) < blockHead {
		return nil, false
	}
	length := int64(binary.BigEndian.Uint32(b[atBlockLength:]))
	if length > int64(len(b)-blockHead) {
		return nil, false
	}
	block = b[:blockHead+length]
	return block, crc32.Checksum(block[atBlockLength:], castagnoli) == binary.BigEndian.Uint32(block)
}

func eachPiece(b []byte, f func(piece, []byte) error) error {
	for len(b) > 0 {
		if len(b) < pieceHead {
			return errPiece
		}
		p := piece{
			base: int64(binary.BigEndian.Uint64(b[atPieceBase:])),
			from: int64(binary.BigEndian.Uint64(b[atPieceFrom:])),
			size: int64(binary.BigEndian.Uint32(b[atPieceSize:])),
		}
		name, rest := int64(binary.BigEndian.Uint16(b)), b[pieceHead:]
		if int64(len(rest)) < name+p.size {
			return errPiece
		}
		p.partition = string(rest[:name])
		if err := f(p, rest[name:name+p.size]); err != nil {
			return err
		}
		b = rest[name+p.size:]
	}
	return nil
}

var errPiece = errors.New("journal: a block with the right checksum has a piece that is not whole")

// add puts a piece into the next block, with its bytes from the segment's file.
func (j *journal) add(p piece, file io.ReaderAt) error {
	if len(j.block) == 0 {
		j.block = append(j.block, make([]byte, blockHead)...)
	}
	b := binary.BigEndian.AppendUint16(j.block, uint16(len(p.partition)))
	b = binary.BigEndian.AppendUint64(b, uint64(p.base))
	b = binary.BigEndian.AppendUint64(b, uint64(p.from))
	b = binary.BigEndian.AppendUint32(b, uint32(p.size))
	b = append(b, p.partition...)
	b = append(b, make([]byte, p.size)...) // no second slice is made for it
	j.block = b
	_, err := file.ReadAt(b[int64(len(b))-p.size:], p.from)
	return err
}

// takes reports whether there is room for pieces of so many bytes. It lets the file grow;
// where that fails, as on a full disk, there is none.
func (j *journal) takes(n int64) bool {
	end := j.at + blockHead + n
	if end > j.most {
		return false
	}
	if end <= j.length {
		return true
	}
	step := min(journalStep, j.most)
	zeros := make([]byte, (end-j.length+step-1)/step*step)
	if _, err := j.file.WriteAt(zeros, j.length); err != nil {
		return false
	}
	j.length += int64(len(zeros))
	return true
}

// write makes what was added durable.
func (j *journal) write() error {
	b := j.block
	binary.BigEndian.PutUint32(b[atBlockLength:], uint32(len(b)-blockHead))
	binary.BigEndian.PutUint64(b[atBlockGeneration:], j.generation)
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[atBlockLength:], castagnoli))
	if _, err := j.file.WriteAt(b, j.at); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if err := j.disk.syncData(j.file); err != nil {
		return fmt.Errorf("sync %s: %w", j.file.Name(), err)
	}
	j.at += int64(len(b))
	j.drop()
	return nil
}

// drop forgets what was added.
func (j *journal) drop() {
	if j.block = j.block[:0]; cap(j.block) > blockKept {
		j.block = nil
	}
}

// restart begins anew: all segments were synced. An empty block of the new generation
// says so, for what is written to a segment that has an older one's name must not be
// overwritten by a piece of that.
func (j *journal) restart() error {
	j.drop()
	j.at, j.generation = 0, rand.Uint64()
	if j.length == 0 { // it never had a block
		return nil
	}
	j.block = append(j.block, make([]byte, blockHead)...)
	return j.write()
}

func (j *journal) close() error { return j.file.Close() }
