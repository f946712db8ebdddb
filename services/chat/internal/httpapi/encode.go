package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

// answerTimeout is how long a client may take for an answer that is no stream.
const answerTimeout = 20 * time.Second

// writeJSON answers with a JSON body. It is encoded before anything is sent, so
// that what cannot be encoded is still an error.
func writeJSON(c echo.Context, status int, contentType string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	return private(c, status, contentType, b)
}

// private answers with bytes that no cache keeps, unless a handler has said so.
func private(c echo.Context, status int, contentType string, b []byte) error {
	if h := c.Response().Header(); len(h["Cache-Control"]) == 0 {
		h["Cache-Control"] = noStore
	}
	return blob(c, status, contentType, b)
}

// unchunked is up to how many bytes net/http finds out how long an answer is. A longer
// one that does not say so goes in chunks, in three writes in the place of two.
const unchunked = 2048

// blob answers with bytes, for which the client has answerTimeout.
func blob(c echo.Context, status int, contentType string, b []byte) error {
	if len(b) > unchunked {
		c.Response().Header().Set(echo.HeaderContentLength, strconv.Itoa(len(b)))
	}
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(answerTimeout)) // not all writers of tests have one
	return c.Blob(status, contentType, b)
}

func encodeOutcome(o query.Outcome) api.Outcome {
	out := api.Outcome{Status: api.OutcomeStatus(o.Status), Seq: int64(o.Seq), Code: string(o.Code)}
	if o.Position != nil {
		token := o.Position.Token()
		out.Position = &token
	}
	return out
}

// encodeAll encodes a list; an empty one is [], not null.
func encodeAll[R, T any](rows []R, encode func(*R) (T, error)) ([]T, error) {
	out := make([]T, len(rows))
	for i := range rows {
		var err error
		if out[i], err = encode(&rows[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
