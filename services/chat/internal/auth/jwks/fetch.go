package jwks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const (
	// maxBody is more than any issuer answers.
	maxBody = 1 << 20

	wellKnown = "/.well-known/openid-configuration"
)

// document is a JWKS, or an issuer's description (OpenID Connect Discovery 1.0).
type document struct {
	Keys   []json.RawMessage `json:"keys"`
	Issuer string            `json:"issuer"`
	JWKS   string            `json:"jwks_uri"`
}

// fetch reads the keys behind an address: a JWKS, an issuer, or its description.
// The issuer's name is empty where only a JWKS is known.
func fetch(ctx context.Context, client *http.Client, address string) (keys map[string][]key, issuer string, err error) {
	doc, err := get(ctx, client, address)
	if err != nil && !strings.HasSuffix(address, wellKnown) {
		address = strings.TrimRight(address, "/") + wellKnown
		var second error
		if doc, second = get(ctx, client, address); second != nil {
			return nil, "", errors.Join(err, second)
		}
	} else if err != nil {
		return nil, "", err
	}
	if doc.JWKS != "" {
		if issuer, err = doc.checkedIssuer(address); err != nil {
			return nil, "", err
		}
		if doc, err = get(ctx, client, doc.JWKS); err != nil {
			return nil, "", err
		}
	}
	if keys = parseKeys(doc.Keys); len(keys) == 0 {
		return nil, "", errors.New("there is no key that tokens could be checked with")
	}
	return keys, issuer, nil
}

// checkedIssuer gives the name of the issuer that the document describes, if it is
// the one at whose address it stands: nobody speaks for another.
func (d document) checkedIssuer(address string) (string, error) {
	at := strings.TrimSuffix(address, wellKnown)
	if strings.TrimRight(d.Issuer, "/") != strings.TrimRight(at, "/") {
		return "", fmt.Errorf("the configuration at %s is that of %q", address, d.Issuer)
	}
	if u, err := url.Parse(d.JWKS); err != nil || u.Scheme != "https" && !strings.HasPrefix(at, "http://") {
		return "", fmt.Errorf("jwks_uri %q is not a URL with https", d.JWKS)
	}
	return d.Issuer, nil
}

func get(ctx context.Context, client *http.Client, address string) (doc document, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return doc, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	res, err := client.Do(req)
	if err != nil {
		return doc, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return doc, fmt.Errorf("%s: %w", address, err)
	case len(body) > maxBody:
		return doc, fmt.Errorf("%s: the answer has more than %d bytes", address, maxBody)
	case res.StatusCode != http.StatusOK:
		return doc, fmt.Errorf("%s: status %d", address, res.StatusCode)
	case json.Unmarshal(body, &doc) != nil || doc.Keys == nil && doc.JWKS == "":
		return document{}, fmt.Errorf("%s: neither a JWKS nor an OpenID configuration", address)
	}
	return doc, nil
}
