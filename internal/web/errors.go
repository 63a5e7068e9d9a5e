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

// What only the web can get wrong, beside the codes of the domain.
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

// A problem is a kind of failure, as clients see it.
type problem struct {
	Code    registry.Code
	Status  int
	Title   string
	Meaning string // what it means and what to do, for /problems
}

// problems lists every kind of failure; codes that only speak of one field
// come within "invalid".
var problems = []problem{
	{registry.CodeInvalid, http.StatusUnprocessableEntity, "Input needs mending",
		"One or more values are not acceptable. The member errors says of each field what is wrong and how to mend it; its codes are empty, too_short, too_long, not_allowed, reserved, unknown_category, and invalid for what is none of these."},
	{registry.CodeTaken, http.StatusConflict, "Name taken",
		"Another pet has this name, in this spelling or in one that counts as the same. The member conflicts_with is that pet, if it is known. Choose another name; the member suggestions has some that could be had."},
	{registry.CodeSimilar, http.StatusConflict, "Name too similar",
		"Another pet has a name that looks like this one and could be mistaken for it. The member conflicts_with is that pet, if it is known. Choose another name; the member suggestions has some that could be had."},
	{registry.CodeReserved, http.StatusConflict, "Name reserved",
		"The registry keeps this name, or one that looks like it; the detail says why, or until when. Choose another name; the member suggestions has some that could be had."},
	{registry.CodeNotFound, http.StatusNotFound, "No such pet",
		"No pet has this name. The detail says so if one had it and left the book."},
	{registry.CodeKeyReused, http.StatusUnprocessableEntity, "Idempotency key reused",
		"The Idempotency-Key was sent before with a different registration. Make a new key for every new registration, and keep it for its retries."},
	{codeTooMany, http.StatusUnprocessableEntity, "Too many at once",
		"The request has more items than one request may have. Split it."},
	{codeMalformed, http.StatusBadRequest, "Malformed request",
		"The request could not be read: broken JSON, an unknown member, a broken escape or text that is not UTF-8. The detail says where."},
	{codeTooLarge, http.StatusRequestEntityTooLarge, "Request too large",
		"The body is longer than 64 KiB."},
	{codeMediaType, http.StatusUnsupportedMediaType, "Unsupported media type",
		"The Content-Type is not one that this address takes. The detail names the right one."},
	{codeNoPage, http.StatusNotFound, "Nothing here",
		"The registry has nothing at this address."},
	{codeMethod, http.StatusMethodNotAllowed, "Method not allowed",
		"The address exists, but not for this method. The Allow header lists those that it takes."},
	{codeCrossOrigin, http.StatusForbidden, "Request from another site",
		"A browser sent this from a page of another site. Registering works from the registry's own pages, and from programs."},
	{codeRateLimited, http.StatusTooManyRequests, "Too many requests",
		"This client sent more requests than the limit allows. Wait as many seconds as Retry-After says."},
	{registry.CodeUnavailable, http.StatusServiceUnavailable, "Unavailable for a moment",
		"The registry cannot reach its database, or more are registering than it can enter. Nothing is lost: try again after as many seconds as Retry-After says, with the same Idempotency-Key."},
	{registry.CodeInternal, http.StatusInternalServerError, "Internal error",
		"A defect in the registry. It has been logged under the request's id; tell the operator that id."},
}

// problemOf returns the kind of failure that code belongs to.
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

// A handler serves one route. What it returns is turned into an answer by
// handle, in one place; it must not have written one itself then.
type handler func(http.ResponseWriter, *http.Request) error

func (s *site) handle(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// statusClientGone is logged for a client that hung up; nobody reads it. The
// number is nginx's.
const statusClientGone = 499

// fail answers with what a client may know of err.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := s.public(w, r, err)
	if e == nil {
		w.WriteHeader(statusClientGone)
		return
	}
	s.answer(w, r, failureOf(e))
}

// public returns what may be told of err: itself if it is one of ours, the
// internal error, which says nothing, for any other, and nil when the client
// is gone. The whole of it goes to the log.
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
		"Something went wrong on our side. Please try again. If it happens again, tell the operator of this registry the number %s.", x.id)
}

// suggestRetry says when to try again, if that may help and nobody said it yet.
func suggestRetry(w http.ResponseWriter, status int) {
	if status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
		setRetryAfter(w, 2*time.Second)
	}
}

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(d.Seconds())))))
}

// wantsPage reports whether the client asks for HTML by name, as browsers do
// when they open a page or send a form.
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
