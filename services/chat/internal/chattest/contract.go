package chattest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/roomlog/roomlog/services/chat/api"
)

// contract is the API's description, made ready to hold answers against.
var contract = sync.OnceValues(func() (validator.Validator, error) {
	doc, err := libopenapi.NewDocument(api.YAML)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(doc)
	if len(errs) > 0 {
		return nil, fmt.Errorf("openapi.yaml: %v", errs)
	}
	return v, nil
})

// checked gives a client that holds every answer against the API's description.
func (w *World) checked() *http.Client {
	t := &http.Transport{MaxIdleConnsPerHost: 64}
	w.T.Cleanup(t.CloseIdleConnections)
	return w.Checked(t)
}

// Checked gives a client over a transport that holds every answer against the API's
// description.
func (w *World) Checked(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: &checker{w.T, t}}
}

type checker struct {
	t    testing.TB
	next http.RoundTripper
}

// RoundTrip sends the request and checks the answer. What answers well must have
// been asked as described, too.
func (c *checker) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	v, err := contract()
	if err != nil {
		c.t.Error(err)
		return res, nil
	}
	if res.Header.Get("X-Request-Id") == "" {
		c.t.Errorf("%s %s: no X-Request-Id", req.Method, req.URL)
	}
	switch res.StatusCode {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if res.Header.Get("Retry-After") == "" {
			c.t.Errorf("%s %s: %d without Retry-After", req.Method, req.URL, res.StatusCode)
		}
	case http.StatusMethodNotAllowed:
		return res, nil // no operation describes it
	}
	if res.Header.Get("Content-Type") == "text/event-stream" {
		return res, nil // it has no end to wait for
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close() // all of it is read
	res.Body = io.NopCloser(bytes.NewReader(body))
	if bytes.Contains(body, []byte(`"route_not_found"`)) {
		return res, nil
	}
	asked := req.Clone(req.Context())
	asked.Body = io.NopCloser(bytes.NewReader(sent))
	if ok, errs := v.ValidateHttpResponse(asked, res); !ok {
		for _, e := range errs {
			c.t.Errorf("%s %s: answer %d is not as described: %s: %s %v\n%s", req.Method, req.URL, res.StatusCode, e.Message, e.Reason, e.SchemaValidationErrors, body)
		}
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	if res.StatusCode < 300 {
		asked.Body = io.NopCloser(bytes.NewReader(sent))
		if ok, errs := v.ValidateHttpRequest(asked); !ok {
			for _, e := range errs {
				c.t.Errorf("%s %s: was answered %d and is not as described: %s: %s", req.Method, req.URL, res.StatusCode, e.Message, e.Reason)
			}
		}
	}
	return res, nil
}
