package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
)

// The paths are roomlog's, so that one generator sends both the same bytes.
const (
	messagesPath = "/v1/rooms/:room/messages"
	eventsPath   = "/v1/events"
)

// Of pages, as roomlog has it.
const (
	usualLimit = 50
	maxLimit   = 200
)

func handler(s store) http.Handler {
	h := &handlers{store: s, hub: newHub()}
	e := echo.New()
	e.POST(messagesPath, h.post)
	e.GET(messagesPath, h.page)
	e.GET(eventsPath, h.follow)
	return e
}

type handlers struct {
	store store
	hub   *hub
}

func (h *handlers) post(c echo.Context) error {
	room, err := strconv.ParseInt(c.Param("room"), 10, 64)
	if err != nil {
		return echo.ErrBadRequest
	}
	m := message{Author: "somebody", At: time.Now()}
	if err := c.Bind(&m); err != nil {
		return err
	}
	m.Room = room // not the body's
	if m.Text == "" {
		return echo.ErrBadRequest
	}
	if err := h.store.insert(c.Request().Context(), &m); err != nil {
		return err
	}
	if err := h.hub.publish(&m); err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, &m)
}

func (h *handlers) page(c echo.Context) error {
	room, err := strconv.ParseInt(c.Param("room"), 10, 64)
	if err != nil {
		return echo.ErrBadRequest
	}
	limit := usualLimit
	if text := c.QueryParam("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > maxLimit {
			return echo.ErrBadRequest
		}
	}
	all, err := h.store.page(c.Request().Context(), room, limit)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, all)
}

func (h *handlers) follow(c echo.Context) error {
	var rooms []int64
	for name := range strings.SplitSeq(c.QueryParam("rooms"), ",") {
		room, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			return echo.ErrBadRequest
		}
		rooms = append(rooms, room)
	}
	news := h.hub.subscribe(rooms)
	defer h.hub.unsubscribe(rooms, news)
	r := c.Response()
	r.Header().Set(echo.HeaderContentType, "text/event-stream")
	r.WriteHeader(http.StatusOK)
	r.Flush()
	for {
		select {
		case <-c.Request().Context().Done():
			return nil
		case item := <-news:
			if _, err := fmt.Fprintf(r, "data: %s\n\n", item); err != nil {
				return err
			}
			for more := len(news); more > 0; more-- {
				if _, err := fmt.Fprintf(r, "data: %s\n\n", <-news); err != nil {
					return err
				}
			}
			r.Flush()
		}
	}
}
