package eventlog

import "errors"

var (
	// ErrUnknownOutcome says that a record may have been appended, or may yet
	// be, and where is not known. Any other error of publishing says that it was
	// not appended and will not be.
	ErrUnknownOutcome = errors.New("the log has not said whether it has the record")
	// ErrClosed says that something was used after its Close.
	ErrClosed = errors.New("closed")
	// ErrPartitionCount says that a topic has another number of partitions than
	// wanted, or a number that no log may have.
	ErrPartitionCount = errors.New("wrong number of partitions")
	// ErrTopicSettings says that a topic is not kept as a log must be.
	ErrTopicSettings = errors.New("wrong topic settings")
	// ErrUnknownTopic says that a topic does not exist.
	ErrUnknownTopic = errors.New("no such topic")
	// ErrTopicReplaced says that the topic is not the one it was: it was deleted,
	// and perhaps made anew.
	ErrTopicReplaced = errors.New("the topic is not the one that was opened")
	// ErrOffsetOutOfRange says that the log does not have an offset: it is below
	// the log's start or above its end.
	ErrOffsetOutOfRange = errors.New("the log does not have this offset")
	// ErrDataLoss says that records which were read before are gone from the log.
	ErrDataLoss = errors.New("the log has lost records that were read")
	// ErrRevoked is the cause that ends a handler whose partition goes to another
	// member of the group. It may finish what it has begun.
	ErrRevoked = errors.New("partition revoked")
	// ErrLost is the cause that ends a handler whose partition may already be
	// another member's.
	ErrLost = errors.New("partition lost")
)
