package httpapi

import (
	"encoding/json"
	"fmt"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/api"
	"github.com/roomlog/roomlog/services/chat/internal/query"
)

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
	return write(c, status, contentType, b)
}

func write(c echo.Context, status int, contentType string, b []byte) error {
	exchangeOf(c).set(echo.HeaderContentType, contentType)
	w := c.Response()
	w.WriteHeader(status)
	_, err := w.Write(b)
	return err
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
