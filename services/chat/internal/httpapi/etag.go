package httpapi

import (
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/roomlog/roomlog/services/chat/internal/problem"
)

// setETag says which version the answer shows.
func setETag(c echo.Context, version int) {
	c.Response().Header().Set("ETag", strconv.Quote(strconv.Itoa(version)))
}

// ifMatch reads the version that a command is to change; zero: whichever there is.
func ifMatch(c echo.Context) (version int, err error) {
	values, ok := c.Request().Header["If-Match"]
	if !ok || len(values) == 1 && values[0] == "*" {
		return 0, nil
	}
	digits, ok := strings.CutPrefix(values[0], `"`)
	if ok {
		digits, ok = strings.CutSuffix(digits, `"`)
	}
	if ok {
		version, err = strconv.Atoi(digits)
	}
	if !ok || err != nil || version < 1 || strconv.Itoa(version) != digits || len(values) > 1 {
		return 0, problem.In(problem.InvalidParameter, "If-Match", `this is one version as the ETag has it, "3" for example, or *`)
	}
	return version, nil
}
