package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"nametag/internal/registry"
)

// The codes of failures that only the web has, in addition to the domain's.
const (
	codeMalformed   registry.Code = "malformed"
	codeTooLarge    registry.Code = "too_large"
	codeMediaType   registry.Code = "unsupported_media_type"
	codeNoPage      registry.Code = "no_such_page"
	codeMethod      registry.Code = "method_not_allowed"
	codeTooMany     registry.Code = "too_many"
	codeCrossOrigin registry.Code = "cross_origin"
	codeRateLimited registry.Code = "rate_limited"
)

// A problem is a kind of failure as clients see it.
type problem struct {
	Code    registry.Code
	Status  int
	Title   string
	Meaning string // what it means and what to do next, for /problems
}

// problems lists every kind of failure. The codes of single fields belong to CodeInvalid.
var problems = []problem{
	{registry.CodeInvalid, http.StatusUnprocessableEntity, "Validation failed",
		"One or more values are invalid. The member errors has for each invalid field what is wrong and how to fix it. " +
			"Its codes are empty, too_short, too_long, not_allowed, reserved, unknown_category and, for all else, invalid."},
	{registry.CodeTaken, http.StatusConflict, "Name taken",
		"Another pet has this name, in this or an equivalent spelling. The member conflicts_with is that pet, if known. " +
			"Choose another name; the member suggestions has names that are available."},
	{registry.CodeSimilar, http.StatusConflict, "Name too similar",
		"Another pet has a name that can be mistaken for this one. The member conflicts_with is that pet, if known. " +
			"Choose another name; the member suggestions has names that are available."},
	{registry.CodeReserved, http.StatusConflict, "Name reserved",
		"This name, or one that looks like it, is reserved; the detail says why, or until when. " +
			"Choose another name; the member suggestions has names that are available."},
	{registry.CodeNotFound, http.StatusNotFound, "No such pet",
		"No pet has this name. If a former pet had it, the detail says so."},
	{registry.CodeKeyReused, http.StatusUnprocessableEntity, "Idempotency key reused",
		"The Idempotency-Key was sent before with a different registration. Use a new key for each registration, " +
			"and the same key for its retries."},
	{codeTooMany, http.StatusUnprocessableEntity, "Too many items",
		"The request has more items than allowed. Split it."},
	{codeMalformed, http.StatusBadRequest, "Malformed request",
		"The request cannot be read: invalid JSON, an unknown member, an invalid escape or text that is not UTF-8. " +
			"The detail says which."},
	{codeTooLarge, http.StatusRequestEntityTooLarge, "Request too large",
		"The body is longer than 64 KiB."},
	{codeMediaType, http.StatusUnsupportedMediaType, "Unsupported media type",
		"The address does not accept this Content-Type. The detail names the right one."},
	{codeNoPage, http.StatusNotFound, "Not found",
		"There is nothing at this address."},
	{codeMethod, http.StatusMethodNotAllowed, "Method not allowed",
		"The address does not accept this method. The Allow header lists the methods that it accepts."},
	{codeCrossOrigin, http.StatusForbidden, "Cross-origin request",
		"A browser sent this request from another site. Register from the registry's own pages or from a program."},
	{codeRateLimited, http.StatusTooManyRequests, "Too many requests",
		"This client is rate-limited. Wait for the number of seconds in Retry-After, then try again."},
	{registry.CodeUnavailable, http.StatusServiceUnavailable, "Temporarily unavailable",
		"The registry cannot reach its database or has too many registrations waiting. " +
			"Wait for the number of seconds in Retry-After, then try again with the same Idempotency-Key."},
	{registry.CodeInternal, http.StatusInternalServerError, "Internal error",
		"The registry has a defect. The log has the details under the request's id; report the id to the operator."},
}

// problemOf returns the problem that code belongs to.
func problemOf(code registry.Code) problem {
	switch code {
	case registry.CodeEmpty, registry.CodeTooShort, registry.CodeTooLong, registry.CodeNotAllowed, registry.CodeUnknownCategory:
		code = registry.CodeInvalid
	}
	for _, p := range problems {
		if p.Code == code {
			return p
		}
	}
	return problemOf(registry.CodeInternal)
}

func webError(code registry.Code, format string, args ...any) *registry.Error {
	return &registry.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// A handler serves one route. If it returns an error, it must not have written an answer.
type handler func(http.ResponseWriter, *http.Request) error

// handle returns h with its errors answered.
func (s *site) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// bounded returns h with its time limited.
func bounded(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		return h(w, r.WithContext(ctx))
	}
}

// statusClientGone is the status, borrowed from nginx, that is logged for a client that disconnected.
const statusClientGone = 499

// fail answers with the public part of err.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := s.public(w, r, err)
	if e == nil {
		w.WriteHeader(statusClientGone)
		return
	}
	s.answer(w, r, failureOf(e))
}

// public returns what a client may know of err: err itself if it is a *registry.Error, nil if the client has
// disconnected, and an internal error without details otherwise. The log gets all of err.
func (s *site) public(w http.ResponseWriter, r *http.Request, err error) *registry.Error {
	x := exchangeOf(w)
	x.note(slog.String("error", err.Error()))
	e, ok := errors.AsType[*registry.Error](err)
	switch {
	case ok && e.Code != registry.CodeInternal:
		x.note(slog.String("code", string(e.Code)))
		return e
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded):
		return registry.Unavailable(err)
	}
	return webError(registry.CodeInternal,
		"Internal error. Please try again. If it happens again, report the request id %s to this registry's operator.", x.id)
}

// suggestRetry sets Retry-After with the status 503, unless it is set.
func suggestRetry(w http.ResponseWriter, status int) {
	if status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		setRetryAfter(w, 2*time.Second)
	}
}

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}

// wantsPage reports whether the Accept header names HTML, as it does when a browser opens a page or submits a form.
func wantsPage(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			media, params, _ := strings.Cut(part, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/html") && strings.ReplaceAll(params, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}
