package embedded

import (
	"bytes"
	"crypto/subtle"
	"encoding/binary"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/roomlog/roomlog/pkg/eventlog/internal/recordbatch"
)

const minSessionTimeout = time.Second

// controlRequests is after how many requests a control function is put in anew.
// kfake remembers the last request of every connection that a control function
// ever saw, and forgets them with the function only.
const controlRequests = 1024

// control runs look on every request of a key, before the broker does. What look
// answers, unless it is nil, is the answer.
func control(c *kfake.Cluster, key kmsg.Key, look func(kmsg.Request) kmsg.Response) {
	seen := 0
	c.ControlKey(key.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if seen++; seen == controlRequests {
			c.DropControl()
			control(c, key, look)
		} else {
			c.KeepControl()
		}
		answer := look(req)
		return answer, nil, answer != nil
	})
}

// checkPasswords compares in constant time, and refuses what kfake lets pass: an
// unknown user with an empty password.
func checkPasswords(c *kfake.Cluster, password string) {
	want := []byte(username + "\x00" + password)
	control(c, kmsg.SASLAuthenticate, func(req kmsg.Request) kmsg.Response {
		_, got, _ := bytes.Cut(req.(*kmsg.SASLAuthenticateRequest).SASLAuthBytes, []byte{0})
		if subtle.ConstantTimeCompare(got, want) == 1 {
			return nil
		}
		refused := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		refused.ErrorCode = kerr.SaslAuthenticationFailed.Code
		refused.ErrorMessage = new("wrong user or password")
		return refused
	})
}

// stampAppendTime gives records the time at which the broker appends them.
// kfake knows message.timestamp.type as a setting and does not act on it, and a
// batch that a client marks as LogAppendTime it stores with a checksum that does
// not fit. So the batch's own time is set here, and the checksum with it: the
// records say CreateTime, and the time is the broker's. before is called first.
func stampAppendTime(c *kfake.Cluster, before func()) {
	var last int64
	control(c, kmsg.Produce, func(req kmsg.Request) kmsg.Response {
		before()
		last = max(last, time.Now().UnixMilli())
		topics := req.(*kmsg.ProduceRequest).Topics
		for i := range topics {
			for j := range topics[i].Partitions {
				p := &topics[i].Partitions[j]
				p.Records = stamp(p.Records, last)
			}
		}
		return nil
	})
}

const logAppendTime = 0x08 // among a batch's attributes

// stamp sets the time of a batch and all its records. A batch that is broken is
// left to the broker to refuse.
func stamp(batch []byte, now int64) []byte {
	if len(batch) < recordbatch.AtRecords || batch[recordbatch.AtMagic] != 2 ||
		binary.BigEndian.Uint32(batch[recordbatch.AtLength:]) != recordbatch.Length(len(batch)) ||
		binary.BigEndian.Uint32(batch[recordbatch.AtCRC:]) != recordbatch.Checksum(batch) {
		return batch
	}
	if binary.BigEndian.Uint64(batch[recordbatch.AtFirstTime:]) != binary.BigEndian.Uint64(batch[recordbatch.AtMaxTime:]) {
		same, err := dropDeltas(batch)
		if err != nil {
			return batch[:recordbatch.AtRecords] // the broker refuses it as corrupt
		}
		batch = same
	}
	attributes := binary.BigEndian.Uint16(batch[recordbatch.AtAttributes:])
	binary.BigEndian.PutUint16(batch[recordbatch.AtAttributes:], attributes&^logAppendTime)
	binary.BigEndian.PutUint64(batch[recordbatch.AtFirstTime:], uint64(now))
	binary.BigEndian.PutUint64(batch[recordbatch.AtMaxTime:], uint64(now))
	recordbatch.Seal(batch)
	return batch
}
