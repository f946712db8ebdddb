package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// secretPrefix begins a secret of Standard Webhooks, which goes on in base64.
const secretPrefix = "whsec_"

// signingKey is the key that a secret stands for: what Standard Webhooks says of
// one with its prefix, else the secret itself.
func signingKey(secret []byte) ([]byte, error) {
	text, ok := strings.CutPrefix(string(secret), secretPrefix)
	if !ok {
		return secret, nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the secret begins with %s and does not go on in base64", secretPrefix)
	}
	return key, nil
}

// sign sets the headers of Standard Webhooks, https://www.standardwebhooks.com.
func sign(h http.Header, key []byte, id string, at time.Time, body []byte) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", timestamp)
	if len(key) == 0 {
		return
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}
