package hook

import (
	"net/http"
	"testing"
	"time"
)

// The example of Standard Webhooks' own libraries.
func TestSign(t *testing.T) {
	key, err := signingKey([]byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	sign(h, key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h.Get("webhook-signature"); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("signed %v", h)
	}
	if _, err := signingKey([]byte("whsec_not base64")); err == nil {
		t.Error("a secret that is not what it says is taken")
	}
}
