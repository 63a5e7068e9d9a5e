package web

import (
	"context"
	"net/http"
	"strings"
)

// patternCheck is the route of the check that is asked for with every letter that is typed.
const (
	pathCheck    = "/check_pet_name"
	patternCheck = "GET " + pathCheck
)

// routes returns every route of the site.
func (s *site) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(pattern string, h handler) {
		mux.HandleFunc(pattern, bounded(s.handle(h)))
	}

	// Pages.
	handle("GET /{$}", s.home)
	handle("GET /pets", s.listPage)
	handle("GET /pets/{name}", s.petPage)
	handle("GET /problems", s.problemsPage)
	handle("GET /static/{file}", s.static)
	handle("GET /favicon.ico", s.favicon)

	// The contract of the first version.
	handle("GET /check_pet_name", s.checkPetName)
	handle("POST /register_pet", s.registerPet)

	// The API.
	handle("GET /openapi.yaml", s.openAPI)
	handle("POST /api/v1/pets", s.createPet)
	handle("GET /api/v1/pets", s.listPets)
	handle("GET /api/v1/pets/{name}", s.getPet)
	handle("GET /api/v1/names/{name}", s.checkName)
	handle("POST /api/v1/names/check", s.checkNames)

	// Probes.
	handle("GET /healthz", s.healthz)
	handle("GET /readyz", s.readyz)

	handle(noRoute, func(w http.ResponseWriter, r *http.Request) error { return s.unrouted(mux, w, r) })
	return mux
}

// bounded bounds the time that a request may take.
func bounded(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		h(w, r.WithContext(ctx))
	}
}

// noRoute is the pattern of everything that no other pattern matches.
const noRoute = "/"

// unrouted answers a request that no route takes: 405 if its path has routes
// for other methods, 404 otherwise.
func (s *site) unrouted(mux *http.ServeMux, w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := mux.Handler(probe); strings.HasPrefix(pattern, method) ||
			method == http.MethodHead && strings.HasPrefix(pattern, http.MethodGet) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return webError(codeNoPage, "There is nothing at this address. Check it for typing errors, or start from the first page.")
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return webError(codeMethod, "This address does not take %s. Use %s.", methodName(r.Method), strings.Join(allowed, " or "))
}

// methodName returns a method for a message; what a client makes up is not
// repeated at length.
func methodName(m string) string {
	if len(m) > 20 {
		return "that method"
	}
	return m
}
